"""Shared by the tests of the documents room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.documents.load import load
from reconciler.errors import PolicyError, Problem


def _write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def policies(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Write files into a policies folder and return the folder."""
    return lambda files: _write(tmp_path, files)


@pytest.fixture
def problems_of(tmp_path: Path) -> Callable[[dict[str, str | bytes]], tuple[Problem, ...]]:
    """Write files into a policies folder that must be refused; return what was wrong."""

    def refused(files: dict[str, str | bytes]) -> tuple[Problem, ...]:
        with pytest.raises(PolicyError) as caught:
            load(_write(tmp_path, files))
        return tuple(caught.value.problems)

    return refused
