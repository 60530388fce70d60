"""A clock that moves when told, an API server that knows Leases, and a bare repository."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from locks.cluster import TOKEN, ApiServer, serving

from reconciler.locks.base import Owner


@dataclass
class Clock:
    """Stands still; sleeping moves it, and whoever waits may do something meanwhile."""

    instant: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    seconds: float = 1000.0
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What others do, one with every sleep."""

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.passes(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.instant += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def owner() -> Callable[[str], Owner]:
    """Name an owner by one word."""
    return lambda word: Owner(f"{word}-nonce", f"run {word}")


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with serving(ApiServer()) as server:
        yield server


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The folder that a pod finds its token in."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(f"{TOKEN}\n", encoding="ascii")
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What git gets to see; nobody's own configuration."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def bare(tmp_path: Path, environ: dict[str, str]) -> Path:
    """A repository that others can push to."""
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], env=environ, check=True)
    return path
