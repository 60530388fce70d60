"""`reconciler ci drift`."""

from pathlib import Path

import click

from reconciler.ci.bound import bound_digest
from reconciler.ci.comment import BY_HAND, clean_body, drift_body
from reconciler.cli.commands.ci.here import Here
from reconciler.cli.commands.ci.options import placed
from reconciler.cli.commands.ci.plan import verdict_of
from reconciler.cli.drifted import drift_code, drifted
from reconciler.cli.formats import DRIFT, Look
from reconciler.cli.planned import Inputs
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode
from reconciler.rendering.summary import drift_summary


@click.command("drift")
@placed
@pass_session
def drift_command(session: Session, policies: Path, folder: Path) -> int:
    """Report where the console differs from the protected branch, for an issue kept current.

    Needs the console's view-only token. Exits as `drift` does: with 2 on any difference, with 3
    when a guardrail would refuse to mend it. The report names the digest with which `ci apply`,
    started by hand, does exactly what it shows, windows that open later included.

    \b
    Examples:
      reconciler ci drift --policies access/policies --folder "$RUNNER_TEMP/reconciler-drift"
    """
    here = Here.of(session, policies, folder)
    with here.reported("drift"):
        with here.files() as files, here.past_journal() as journal:
            found = drifted(session, Inputs(files, journal))
        tree, code = found.tree, drift_code(found.plan)
        with here.runner.fenced():
            click.echo(DRIFT.function("text")(tree, Look()), nl=False)
        role_changes = len(tree["role_changes"])
        title = drift_summary(tree["summary"], len(tree["refusals"]), role_changes)
        digest = tree["content_digest"]
        result = here.result("drift", code, verdict_of(tree), title, content_digest=digest)
        is_clean = code == ExitCode.DONE
        bound = bound_digest(tree)
        click.echo(f"{BY_HAND} {bound}")
        body = (clean_body if is_clean else drift_body)(tree, here.frame())
        here.finish(result, body, bound, page=DRIFT.function("html")(tree, Look()))
    return code
