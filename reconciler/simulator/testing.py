"""For tests of your own: a console that behaves like SentinelOne, as a pytest fixture.

    # conftest.py
    pytest_plugins = ["reconciler.simulator.testing"]

    # test_offboarding.py
    def test_leavers_hold_nothing(sentinelone_console):
        sentinelone_console.rehearse("reset-after@DELETE /users/*")  # a lost response
        offboard("ana@acme.example", sentinelone_console.url, sentinelone_console.token)
        assert [change.method for change in sentinelone_console.changes] == ["DELETE"]

Each test gets a fresh console on a port of its own. For another company than the sample, define a
fixture `sentinelone_world` that returns what `reconciler.simulator.generate.generate` or
`reconciler.simulator.snapshot.load_any` gave. What a console offers stands at
`reconciler.simulator.serve.Running`.
"""

from collections.abc import Iterator

from reconciler.simulator.serve import Running, running
from reconciler.simulator.world import World, load

try:
    import pytest
except ImportError as error:  # the product does not need it
    raise ImportError(
        "reconciler.simulator.testing is for pytest, which is not installed"
    ) from error


@pytest.fixture
def sentinelone_world() -> World:
    """Return the company that the console begins with: the sample one."""
    return load()


@pytest.fixture
def sentinelone_console(sentinelone_world: World) -> Iterator[Running]:
    """Serve a console on loopback for the length of one test."""
    with running(sentinelone_world) as console:
        yield console
