"""`reconciler ci apply`."""

from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.history import read_history
from reconciler.audit.journal import Journal
from reconciler.ci.carrier import Carrier
from reconciler.ci.comment import outcome_body, plan_body
from reconciler.ci.event import Trigger, plan_digest
from reconciler.ci.reviewed import BY_HAND, check_comment, merged_request, review_of, reviewed
from reconciler.cli.afterwards import tell
from reconciler.cli.applying import Applied, Apply, Basis, carry_out
from reconciler.cli.commands.ci.bases import ByClock, ByDigest, plan_file
from reconciler.cli.commands.ci.here import About, Here
from reconciler.cli.commands.ci.options import placed
from reconciler.cli.commands.ci.place import check_order, check_place, check_workflows
from reconciler.cli.commands.ci.plan import verdict_of
from reconciler.cli.delivery import Delivers, Delivery, sink_options
from reconciler.cli.session import Session, pass_session
from reconciler.domain.review import Review
from reconciler.errors import ExitCode, ReconcilerError, RefusedError, SettingsError
from reconciler.forge.choice import open_forge
from reconciler.rendering.messages import error_text
from reconciler.rendering.outcomes import outcomes_summary
from reconciler.rendering.outcomes_markdown import Aftermath
from reconciler.rendering.summary import summary
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.execute import Record

_AGAIN = "Read the plan that it has now, and start this again with the digest of that."


@click.command("apply")
@placed
@click.option(
    "--digest",
    default="",
    metavar="DIGEST",
    help="By hand: the content digest of the plan that was read, e.g. in the drift report.",
)
@click.option(
    "--only-planned",
    is_flag=True,
    help="Do what of the reviewed plan still holds, and report the rest, instead of refusing.",
)
@click.option(
    "--plan-may-be-gone",
    is_flag=True,
    help="Let the comment's digest suffice where the reviewed plan is no longer kept; what the "
    "comment told is not compared with it then.",
)
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, hidden=True)
@sink_options
@pass_session
def apply_command(
    session: Session,
    policies: Path,
    folder: Path,
    digest: str,
    only_planned: bool,
    plan_may_be_gone: bool,
    concurrency: int,
    sink: str | None,
    sink_format: str | None,
    require_sink: bool,
) -> int:
    """Apply what was reviewed, from the protected branch, and nothing else.

    After a merge that is the plan of the pull request's comment: the same content, at any age, or
    a refusal that says what moved. On a schedule it is what windows ask for that opened or
    closed. By hand it is the plan whose digest is given.

    The journal lives on the branch reconciler-journal, which this pushes to before the first
    write and at the end; who approved is in it. Needs the console's apply token, a checkout with
    all history, and on GitHub `contents: write`, `pull-requests: read` and `actions: read`.

    \b
    Examples:
      reconciler ci apply --policies access/policies --folder "$RUNNER_TEMP/reconciler-apply"
      reconciler ci apply --digest "$DIGEST"
    """
    here = Here.of(session, policies, folder)
    with here.reported("apply") as about:
        check_place(here.git, here.event)
        how = How(plan_digest(digest), only_planned, plan_may_be_gone)
        basis, review = _basis(here, about, how)
        with (
            here.files() as files,
            closing(Carrier.open(session.runtime.environ, folder / "journal")) as carrier,
        ):
            carrier.fetch()
            check_order(here.git, here.event, read_history(carrier.journal))
            journal = carrier.journal
            delivery = Delivery.of(session, journal, sink, sink_format, required=require_sink)
            announced = Announced(delivery, carrier, _message(here))
            apply = Apply(files, basis, journal, announced, concurrency, review=review)
            applied = _carried_out(session, apply, carrier, _message(here))
        return _finished(here, about, applied, review)


@dataclass(frozen=True, slots=True)
class Announced:
    """Delivery that begins with a push: nothing is written that the branch does not announce."""

    delivery: Delivers
    carrier: Carrier
    message: str

    @property
    def is_required(self) -> bool:
        """As the delivery's."""
        return self.delivery.is_required

    def before(self) -> None:
        """Push the start of the run, then deliver. Raises RefusedError when either fails."""
        try:
            self.carrier.push(self.message)
        except ReconcilerError as error:
            raise RefusedError(f"{error.message} Nothing was written.", error.remedy) from error
        self.delivery.before()

    def escort(self, journal: Journal) -> AbstractContextManager[Record]:
        """As the delivery's."""
        return self.delivery.escort(journal)

    def after(self) -> int:
        """As the delivery's; the last push comes when the journal is closed and signed."""
        return self.delivery.after()


@dataclass(frozen=True, slots=True)
class How:
    """What the command line says about what decides."""

    digest: str
    only_planned: bool
    plan_may_be_gone: bool


def _basis(here: Here, about: About, how: How) -> tuple[Basis, Review]:
    """Return what decides, and who looked at it."""
    event = here.event
    if event.trigger is Trigger.SCHEDULE:
        return ByClock(), review_of(event)
    if event.trigger is Trigger.DISPATCH:
        if not how.digest:
            raise SettingsError(
                "Started by hand, this needs the digest of the plan that was read.",
                "Copy it from the drift report into the workflow's field; in a shell: --digest.",
            )
        return ByDigest(how.digest, None, _AGAIN), review_of(event)
    runtime = here.session.runtime
    with open_forge(runtime.environ, runtime.monotonic, runtime.sleep) as forge:
        if forge is None:  # pragma: no cover - Here.of has found one
            raise SettingsError("No code host is known here.")
        merged = merged_request(forge, event)
        about.number, about.head = merged.number, merged.head
        check_workflows(here.git, event)
        found = reviewed(forge, event, merged, here.key)
    if found.plan is None:
        if not how.plan_may_be_gone:
            raise RefusedError(
                f"The plan that run {found.run} made is no longer kept, so whether the comment on "
                f"pull request {merged.number} told it cannot be seen.",
                f"{BY_HAND} With --plan-may-be-gone the comment's digest suffices.",
            )
        return ByDigest(found.content, None, BY_HAND), found.review
    file = plan_file(found.plan, found.content, only_planned=how.only_planned)
    check_comment(found, file.tree, event)
    return ByDigest(found.content, file, BY_HAND), found.review


def _carried_out(session: Session, apply: Apply, carrier: Carrier, message: str) -> Applied:
    """Apply, and let the journal be on its branch afterwards, however it ended."""
    try:
        applied = carry_out(session, apply)
    except BaseException:
        _pushed(session, carrier, message)
        raise
    if _pushed(session, carrier, message):
        return applied
    code = applied.code if applied.code in {ExitCode.FAILED, *_ENDED} else ExitCode.PARTIAL
    return replace(applied, code=code)


_ENDED = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}


def _pushed(session: Session, carrier: Carrier, message: str) -> bool:
    """Push the journal; a failure is told, since what was written stays written."""
    try:
        carrier.push(message)
    except ReconcilerError as error:
        tell(error_text(error, color=session.color_err), err=True)
        tell(f"The journal of this run is in {carrier.folder} alone: keep it.\n", err=True)
        return False
    return True


def _finished(here: Here, about: About, applied: Applied, review: Review) -> int:
    """Leave the result, and return the exit code."""
    plan, outcomes = applied.plan, applied.written.outcomes if applied.written else ()
    tree = plan_tree(plan, __version__)
    verdict: tuple[str, ...] = ("failed",)
    if applied.code == ExitCode.DONE:
        verdict = verdict_of(tree)
    elif applied.code == ExitCode.REFUSED:
        verdict = ("refused",)
    if plan.refusals:
        title, body = summary(tree["summary"], len(plan.refusals)), plan_body(tree, here.frame())
    else:
        title = outcomes_summary(outcomes, applied.head).partition("\n")[0]
        run = applied.run if outcomes else ""
        left = Aftermath(outcomes, applied.head, run=run, review=review)
        body = outcome_body(left, here.frame())
    result = here.result(
        "apply",
        applied.code,
        verdict,
        title,
        number=about.number,
        head=about.head,
        content_digest=plan.content_digest,
        journal_head=applied.head,
    )
    here.finish(result, body)
    return applied.code


def _message(here: Here) -> str:
    return f"Run {here.event.run} of {here.event.commit}\n"
