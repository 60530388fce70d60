"""A journal in a folder of its own, a clock that stands still, and a chain to damage."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit.journal import Journal
from reconciler.errors import ReconcilerError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal of a test lies; not there yet."""
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path: Path) -> Callable[[], Journal]:
    """Name the journal; opening it is up to the test."""
    return lambda: Journal(path, now=lambda: NOW, run_id="0123456789abcdef")


@pytest.fixture
def chain(journal: Callable[[], Journal], path: Path) -> Callable[[int], list[bytes]]:
    """Write so many records, and return the lines with their newlines."""

    def written(count: int) -> list[bytes]:
        with journal() as opened:
            for number in range(count):
                opened.append("run-finished", {"results": {"applied": number}})
        return path.read_bytes().splitlines(keepends=True)

    return written


@pytest.fixture
def records(path: Path) -> Callable[[], list[dict[str, Any]]]:
    """Read the journal as any reader would."""
    return lambda: [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def refusal() -> Callable[[Callable[[], Journal]], ReconcilerError]:
    """Open a journal that must not open; return what was told."""

    def refused(journal: Callable[[], Journal]) -> ReconcilerError:
        with pytest.raises(ReconcilerError) as caught, journal():
            raise AssertionError("the journal was opened")
        assert caught.value.remedy
        return caught.value

    return refused
