"""A repository on a fake GitHub, and workflows written into it."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from codehost import github
from runner.machine import Runner
from runner.origin import Origin
from runner.records import RunRecord
from runner.setting import Settings
from runner.site import Event, Site

Go = Callable[..., RunRecord]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with github.running() as host:
        origin = Origin(tmp_path / "origin.git")
        origin.commit("main", {"README": "hello\n", "policies/a.yaml": "version: 1\n"}, "first")
        yield Site(host, origin)


@pytest.fixture
def go(site: Site, tmp_path: Path) -> Go:
    """Put a workflow and other files on main, start it (by hand unless told), return the record."""

    def run(
        jobs: str,
        start: Callable[[Site], Event] = lambda site: site.dispatch("ada"),
        files: dict[str, str] | None = None,
        on: str = "[workflow_dispatch, push, pull_request, schedule]",
        **settings: Any,
    ) -> RunRecord:
        text = f"name: w\non: {on}\n" + textwrap.dedent(jobs)
        named = {name: textwrap.dedent(body) for name, body in (files or {}).items()}
        site.origin.commit("main", {".github/workflows/w.yml": text, **named}, "workflow")
        ours = Settings(site, tmp_path / "runs", **settings)
        return Runner(ours).run(".github/workflows/w.yml", start(site))

    return run
