"""`reconciler ci plan`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reconciler.ci.comment import NOT_OURS, ON_MERGE, plan_body, unplanned_body
from reconciler.cli.commands.ci.here import Here
from reconciler.cli.commands.ci.options import placed
from reconciler.cli.files import Files, load_files
from reconciler.cli.formats import PLAN, Look
from reconciler.cli.planned import Inputs, Planned, exit_code, planned
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import Snapshot
from reconciler.documents.plan_file import sealed
from reconciler.domain.review import Trigger
from reconciler.errors import ExitCode, SettingsError
from reconciler.forge.choice import open_forge
from reconciler.rendering.as_json import to_json
from reconciler.rendering.coming import all_new, new_coming, opens_sentence
from reconciler.rendering.summary import summary

SNAPSHOT, SNAPSHOT_FILE = "console-snapshot", "console.json"
"""Under which name a run on the protected branch keeps a snapshot, and the file in it."""


@click.command("plan")
@placed
@pass_session
def plan_command(session: Session, policies: Path, folder: Path) -> int:
    """Plan a pull request: judged by its base, told in summary, annotations and a folder.

    Needs the console's view-only token and a checkout of the merge commit with all history. A
    pull request from a fork has no token; it is planned from the newest snapshot that a run on the
    protected branch kept, and without one its policies are checked.

    Exits with 3 when a guardrail refuses, with 1 when there is no plan; differences are what a
    pull request is for.

    \b
    Examples:
      reconciler ci plan --policies access/policies --folder "$RUNNER_TEMP/reconciler-plan"
    """
    here = Here.of(session, policies, folder)
    with here.reported("plan"):
        if here.event.trigger is not Trigger.REQUEST:
            raise SettingsError(
                "`ci plan` plans pull requests, and this run is of none.",
                "On the protected branch use `ci apply` and `ci drift`.",
            )
        with here.files() as files, here.past_journal() as journal, _source(here) as source:
            if not source.can_plan:
                return _checked(here, files)
            found = planned(session, Inputs(files, journal, source.snapshot))
        return _finished(here, found)


def _finished(here: Here, found: Planned) -> int:
    """Tell the plan in every form, and return the exit code."""
    # Where nothing tells what is new, all of it has to be read as if it were.
    tree, look = found.tree if found.has_base else all_new(found.tree), Look()
    with here.runner.fenced():
        click.echo(PLAN.function("text")(tree, look), nl=False)
    here.runner.annotate(PLAN.function("github")(tree, look))
    code = exit_code(found.plan, detailed=True)
    title = summary(tree["summary"], len(tree["refusals"])) + opens_sentence(tree)
    digest = tree["content_digest"]
    result = here.result("plan", code, verdict_of(tree), title, content_digest=digest)
    body = plan_body(tree, here.frame(ON_MERGE if here.touches_policies else NOT_OURS))
    here.finish(result, body, plan=to_json(sealed(tree)), page=PLAN.function("html")(tree, look))
    return ExitCode.DONE if code == ExitCode.DIFFERENCES else code


def _checked(here: Here, files: Files) -> int:
    """Check the policies, for want of anything to compare them with."""
    load_files(here.session, files)
    title = "The policies are valid. Not planned: no token, and no snapshot is kept."
    click.echo(title)
    result = here.result("plan", ExitCode.DONE, ("unplanned",), title)
    here.finish(result, unplanned_body(here.frame()))
    return ExitCode.DONE


def verdict_of(tree: dict[str, Any]) -> tuple[str, ...]:
    """Return what a plan or a drift report comes to, in the words of Result."""
    if tree["refusals"]:
        return ("refused",)
    counts = tree["summary"]
    # What the clock grants later is granted by whoever merges it now.
    granted = counts["grant"] + counts["invite"] + len(new_coming(tree))
    words = {"grants": granted, "revokes": _taken(counts)}
    return tuple(word for word, count in words.items() if count) or ("no-change",)


def _taken(counts: dict[str, int]) -> int:
    return counts["revoke"] + counts["delete"] + counts.get("tokens", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """What a plan can be made from."""

    can_plan: bool = True
    snapshot: Snapshot | None = None
    """None for the console itself."""


@contextmanager
def _source(here: Here) -> Iterator[Source]:
    """Yield the console; for a run without secrets the newest snapshot, or nothing."""
    if here.event.has_secrets:
        yield Source()
        return
    runtime = here.session.runtime
    clocks = (runtime.monotonic, runtime.sleep)
    with open_forge(runtime.environ, *clocks, is_reading=True) as forge:
        files = forge.newest_artifact(SNAPSHOT, here.event.protected) if forge else None
    if files is None or SNAPSHOT_FILE not in files:
        yield Source(can_plan=False)
        return
    with TemporaryDirectory(prefix="reconciler-snapshot-") as scratch:
        path = Path(scratch) / SNAPSHOT_FILE
        path.touch(mode=0o600)
        path.write_bytes(files[SNAPSHOT_FILE])
        yield Source(snapshot=Snapshot(path))
