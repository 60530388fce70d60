"""Options of the whole suite, and the check of every exchange with a simulated console."""

import signal
from collections.abc import Iterator

import pytest
from conformance import Witness
from hypothesis import settings

from reconciler.simulator.app import WITNESSES

# A change is judged by the same examples each time; `pytest tests/laws
# --hypothesis-profile=thorough`, which takes minutes, looks for others. No run depends on speed.
settings.register_profile("modest", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=5000, deadline=None)
settings.load_profile("modest")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless",
        action="store_true",
        help="write expected results anew instead of comparing; then read the diff",
    )


@pytest.fixture(scope="session")
def witness() -> Iterator[Witness]:
    """Listen to every console that this process runs, for as long as it runs tests."""
    seen = Witness()
    WITNESSES.append(seen)
    yield seen
    WITNESSES.remove(seen)


@pytest.fixture(autouse=True)
def _answers_fit_the_documentation(witness: Witness) -> Iterator[None]:
    """Fail a test during which a console answered, or accepted, what is not documented."""
    yield
    assert witness.judge() == []


@pytest.fixture
def impatient() -> Iterator[None]:
    """Fail, instead of waiting for ever, when opening or reading blocks."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
