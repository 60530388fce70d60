"""`reconciler ci plan`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reconciler.ci.comment import ON_MERGE, plan_body
from reconciler.ci.event import Trigger
from reconciler.cli.commands.ci.here import Here
from reconciler.cli.commands.ci.options import placed
from reconciler.cli.formats import PLAN, Look
from reconciler.cli.planned import Inputs, exit_code, planned
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import Snapshot
from reconciler.documents.plan_file import sealed
from reconciler.errors import ExitCode, SettingsError
from reconciler.forge.choice import open_forge
from reconciler.rendering.as_json import to_json
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
    protected branch kept. Exits with 3 when a guardrail refuses, with 1 when there is no plan;
    differences are what a pull request is for.

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
        with here.files() as files, here.past_journal() as journal, _snapshot(here) as snapshot:
            found = planned(session, Inputs(files, journal, snapshot))
        tree = found.tree
        with here.runner.fenced():
            click.echo(PLAN.function("text")(tree, Look()), nl=False)
        here.runner.annotate(PLAN.function("github")(tree, Look()))
        code = exit_code(found.plan, detailed=True)
        title = summary(tree["summary"], len(tree["refusals"]))
        digest = tree["content_digest"]
        result = here.result("plan", code, verdict_of(tree), title, content_digest=digest)
        body = plan_body(tree, here.frame(ON_MERGE))
        page = PLAN.function("html")(tree, Look())
        here.finish(result, body, plan=to_json(sealed(tree)), page=page)
    return ExitCode.DONE if code == ExitCode.DIFFERENCES else code


def verdict_of(tree: dict[str, Any]) -> tuple[str, ...]:
    """Return what a plan or a drift report comes to, in the words of Result."""
    if tree["refusals"]:
        return ("refused",)
    counts = tree["summary"]
    words = {"grants": counts["grant"] + counts["invite"], "revokes": _taken(counts)}
    return tuple(word for word, count in words.items() if count) or ("no-change",)


def _taken(counts: dict[str, int]) -> int:
    return counts["revoke"] + counts["delete"]


@contextmanager
def _snapshot(here: Here) -> Iterator[Snapshot | None]:
    """Yield what a run without secrets plans from; None for one that can ask the console."""
    if here.event.has_secrets:
        yield None
        return
    runtime = here.session.runtime
    with open_forge(runtime.environ, runtime.monotonic, runtime.sleep) as forge:
        files = forge.newest_artifact(SNAPSHOT, here.event.protected) if forge else None
    if files is None or SNAPSHOT_FILE not in files:
        raise SettingsError(
            "A fork's pull request is given no token, and no snapshot of the console is kept.",
            f"Let the drift workflow keep one as the artifact {SNAPSHOT}, in a private repository "
            "only: it names everybody on the console.",
        )
    with TemporaryDirectory(prefix="reconciler-snapshot-") as scratch:
        path = Path(scratch) / SNAPSHOT_FILE
        path.touch(mode=0o600)
        path.write_bytes(files[SNAPSHOT_FILE])
        yield Snapshot(path)
