"""Everything is real but the clock: files, sockets, and where a test says so, processes."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stories.desk import NOW, Desk, small_world
from stories.proxy import Faults, Proxy
from stories.sink import SinkServer

from reconciler.simulator.serve import Running, running


@pytest.fixture
def console() -> Iterator[Running]:
    with running(small_world(), clock=lambda: NOW) as served:
        yield served


@pytest.fixture
def desk(
    console: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(console, tmp_path, capsys)


@pytest.fixture
def proxy(desk: Desk) -> Iterator[Proxy]:
    """Stand between this desk and its console."""
    with Proxy(desk.console.url) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        desk.url = server.url
        yield server
        server.shutdown()
        thread.join()
    assert not server.broken


@pytest.fixture
def faults() -> type[Faults]:
    return Faults


@pytest.fixture
def sink() -> Iterator[SinkServer]:
    """Somebody who takes events, or does not."""
    with SinkServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def end() -> Iterator[Callable[["subprocess.Popen[Any]"], None]]:
    """Make sure that a process is gone, whatever the test did."""
    started: list[subprocess.Popen[Any]] = []
    yield started.append
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.communicate()
