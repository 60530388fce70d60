# ruff: noqa: INP001 -- a pytest plugin of the script beside it, not part of the package
"""The pytest plugin of `mutation.py`: a run with all tests, then one for every mutant."""

import functools
import gc
import os
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent
PLANNING = ROOT / "reconciler" / "planning"
EXAMPLES = 20
SLOW = 0.4
"""Seconds of one test; the fleets of ten thousand take more."""
CPU_SECONDS = 60
"""A child that needs more is in an endless loop; its mistake has been noticed."""
MEMORY_BYTES = 3 * 2**30
BROKEN = "! "
_CACHED = type(functools.cache(len))

# Without shrinking: that a test fails is enough.
settings.register_profile(
    "mutation",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

Seconds = dict[str, float]
Reached = dict[Path, dict[int, list[str]]]
"""File -> line -> ids of the tests that run it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `mutation.py` passes on."""
    parser.addoption("--sample", type=int, default=0)
    parser.addoption("--seed", type=int, default=0)
    parser.addoption("--only", action="append", default=[])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run all tests once, then every mutant; the exit code tells only of the first."""
    seconds, reached = _all_tests(session)
    if session.testsfailed:
        return True
    items = {item.nodeid: item for item in session.items if seconds[item.nodeid] <= SLOW}
    _say(f"{len(session.items)} tests, {len(items)} of them quick enough")
    chosen = _chosen(session.config)
    killers: dict[str, list[str]] = defaultdict(list)
    survivors: list[Mutant] = []
    began = time.monotonic()
    functions = _functions()
    for one in gc.get_objects():
        if isinstance(one, _CACHED):
            one.cache_clear()  # what the first run left there knows no mutant
    gc.freeze()
    for number, mutant in enumerate(chosen, 1):
        lines = reached.get(ROOT / mutant.path, {})
        ids = {id_ for line in mutant.lines for id_ in lines.get(line, ()) if id_ in items}
        known = [id_ for id_ in killers[mutant.function] if id_ in ids]
        rest = sorted(ids.difference(known), key=lambda id_: seconds[id_])
        killer = _killer(mutant, functions[_key(mutant)], [items[id_] for id_ in (*known, *rest)])
        if killer is None:
            survivors.append(mutant)
            _say(f"SURVIVES {mutant}" + ("" if ids else " (no test runs it)"))
        elif killer in items:
            killers[mutant.function] = [killer, *(k for k in known if k != killer)]
        if number % 50 == 0:
            _say(f"{len(survivors)} of {number} survive, {_since(began)}")
    killed = len(chosen) - len(survivors)
    _say(f"{killed} of {len(chosen)} killed ({killed / max(1, len(chosen)):.1%}), {_since(began)}")
    return True


def _all_tests(session: pytest.Session) -> tuple[Seconds, Reached]:
    measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{PLANNING}/*"])
    measured.start()
    seconds: Seconds = {}
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        measured.switch_context(item.nodeid)
        began = time.process_time()
        reports = runtestprotocol(item, nextitem=following, log=False)
        seconds[item.nodeid] = time.process_time() - began
        for report in reports:
            if report.failed:
                session.testsfailed += 1
                _say(f"fails without any mutant: {item.nodeid}\n{report.longreprtext}")
    measured.stop()
    data = measured.get_data()
    return seconds, {Path(f): data.contexts_by_lineno(f) for f in data.measured_files()}


def _chosen(config: pytest.Config) -> Sequence[Mutant]:
    """Return the mutants by chance, so that a run that is ended early is a fair sample."""
    only, seed, size = (config.getoption(name) for name in ("only", "seed", "sample"))
    found = [
        mutant
        for path in sorted(PLANNING.glob("*.py"))
        for mutant in mutants(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
        if not only or any(text in str(mutant) for text in only)
    ]
    _say(f"{len(found)} mutants, seed {seed}")
    random.Random(seed).shuffle(found)  # noqa: S311 -- a sample, no secret
    return found[: size or None]


def _killer(
    mutant: Mutant, functions: Sequence[FunctionType], items: Sequence[pytest.Item]
) -> str | None:
    """Return the id of a test that fails in a child with this mutant, or how the child ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _become(mutant, functions, items, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if told.startswith(BROKEN):
        raise RuntimeError(f"{mutant}: {told}")
    return told or (f"ended with {status}" if status else None)


def _become(
    mutant: Mutant,
    functions: Sequence[FunctionType],
    items: Sequence[pytest.Item],
    writing: int,
) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        code = mutant.code(str(ROOT / mutant.path))
        for function in functions:
            function.__code__ = code
        for item, following in zip(items, [*items[1:], None], strict=False):
            if any(one.failed for one in runtestprotocol(item, nextitem=following, log=False)):
                os.write(writing, item.nodeid.encode())
                break
    except BaseException as problem:  # noqa: BLE001 -- a child must not become a second parent
        os.write(writing, f"{BROKEN}{problem!r}".encode())
    os._exit(0)


def _functions() -> Mapping[tuple[str, str], list[FunctionType]]:
    """Find the functions of `planning` in memory, by file and name."""
    found: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(f"{PLANNING}/"):
            found[one.__code__.co_filename, one.__code__.co_qualname].append(one)
    return found


def _key(mutant: Mutant) -> tuple[str, str]:
    return str(ROOT / mutant.path), mutant.function


def _since(began: float) -> str:
    return f"{(time.monotonic() - began) / 60:.1f} min"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
