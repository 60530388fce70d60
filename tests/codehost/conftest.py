"""Code hosts that are being served."""

from collections.abc import Iterator

import pytest
from codehost import github, gitlab


@pytest.fixture
def hub() -> Iterator[github.GitHub]:
    with github.running() as host:
        yield host


@pytest.fixture
def lab() -> Iterator[gitlab.GitLab]:
    with gitlab.running() as host:
        yield host
