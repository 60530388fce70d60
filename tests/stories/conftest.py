"""Everything is real but the clock: files, sockets, and where a test says so, processes."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from codehost import github, gitlab
from stories.bureau import Bureau
from stories.desk import GUARDRAILS, NOW, POLICY, Clock, Desk, small_world
from stories.office import Office
from stories.proxy import Faults, Proxy
from stories.sink import SinkServer

from reconciler.cli.main import run
from reconciler.simulator.serve import Running, running
from reconciler.simulator.world import World


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


@pytest.fixture(scope="session")
def adopted_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """What the console holds once the policies of a desk were applied."""
    folder = tmp_path_factory.mktemp("adopted")
    (folder / "policies").mkdir()
    (folder / "policies" / "access.yaml").write_text(POLICY, "utf-8")
    (folder / "policies" / "guardrails.yaml").write_text(GUARDRAILS, "utf-8")
    with running(small_world(), clock=lambda: NOW) as served, contextlib.chdir(folder):
        environ = {"SENTINELONE_URL": served.url, "SENTINELONE_TOKEN": served.token}
        places = {"RECONCILER_STATE": str(folder / "state"), "PATH": os.defpath}
        assert run(("apply", "--auto-approve"), Clock().runtime(environ | places)) == 0
        return served.console.world


@pytest.fixture
def adopted(desk: Desk, adopted_world: World) -> Callable[[], None]:
    """Let the desk's console hold what its policies say, by nobody's run."""

    def adopt() -> None:
        desk.console.console.world = deepcopy(adopted_world)
        desk.console.changes.clear()

    return adopt


@pytest.fixture
def hub() -> Iterator[github.GitHub]:
    with github.running() as host:
        yield host


@pytest.fixture
def lab() -> Iterator[gitlab.GitLab]:
    with gitlab.running() as host:
        yield host


@pytest.fixture
def bureau(desk: Desk, lab: gitlab.GitLab, tmp_path: Path, adopted: Callable[[], None]) -> Bureau:
    """The console holds what main says."""
    adopted()
    return Bureau(desk, lab, tmp_path / "bureau")


@pytest.fixture
def office(desk: Desk, hub: github.GitHub, tmp_path: Path, adopted: Callable[[], None]) -> Office:
    """The console holds what main says."""
    adopted()
    return Office(desk, hub, tmp_path / "office")


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
