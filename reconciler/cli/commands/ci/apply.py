"""`reconciler ci apply`."""

from contextlib import closing
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.chain import Record
from reconciler.audit.history import read_history
from reconciler.ci.carrier import Carrier
from reconciler.ci.comment import clock_body, outcome_body, plan_body
from reconciler.ci.reviewed import BY_HAND
from reconciler.cli.commands.ci.decided import Decided, How, decided, request_of
from reconciler.cli.commands.ci.here import About, Here
from reconciler.cli.commands.ci.options import placed
from reconciler.cli.commands.ci.place import check_order, check_place
from reconciler.cli.commands.ci.plan import verdict_of
from reconciler.cli.commands.ci.recorded import (
    Announced,
    carried_out,
    check_free,
    is_busy,
)
from reconciler.cli.session import Session, pass_session
from reconciler.cli.telling import tell
from reconciler.cli.writing.apply import Applied, Apply
from reconciler.cli.writing.delivery import Delivery, sink_options
from reconciler.domain.review import Review, Trigger
from reconciler.errors import ExitCode
from reconciler.rendering.outcomes import outcomes_summary
from reconciler.rendering.outcomes_markdown import Aftermath
from reconciler.rendering.summary import summary
from reconciler.rendering.tree import plan_tree

_LOOKS, _SECONDS = 15, 20.0
"""How often, and how many seconds apart, an apply looks whether another run has ended."""


@click.command("apply")
@placed
@click.option(
    "--digest",
    default="",
    metavar="DIGEST",
    help="By hand: the digest in the drift report that was read.",
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
    with (
        here.reported("apply") as about,
        closing(Carrier.open(session.runtime.environ, folder / "journal")) as carrier,
    ):
        found = _cleared(here, about, carrier, How(digest, only_planned, plan_may_be_gone))
        if isinstance(found, str):
            return _nothing(here, found)
        run = here.event.run
        with here.files(found.commit) as files:
            delivery = Delivery.of(
                session, carrier.journal, sink, sink_format, required=require_sink
            )
            announced = Announced(delivery, carrier, run)
            apply = Apply(
                files, found.basis, carrier.journal, announced, concurrency, review=found.review
            )
            applied = carried_out(session, apply, carrier, run)
        return _finished(here, about, applied, found.review)


def _cleared(here: Here, about: About, carrier: Carrier, how: How) -> Decided | str:
    """Fetch the journal, and return what decides when nothing speaks against this run.

    A text says why there is nothing to do, and that nothing is wrong. Raises RefusedError.
    """
    check_place(here.git, here.event)
    if here.event.trigger is Trigger.PUSH and not here.touches_policies:
        return "This push changes no policy, so nothing of it is applied."
    merged = request_of(here)
    if merged is not None:  # first, so that every refusal can be told there
        about.number, about.head = merged.number, merged.head
    records, now = _records(here, carrier), here.session.instant()
    is_by_hand = here.event.trigger is Trigger.DISPATCH
    if here.event.trigger is Trigger.SCHEDULE and is_busy(records, here.console, now):
        return "Another run is writing; the next one looks again."
    check_free(records, here.console, now, by_hand=is_by_hand)
    if not is_by_hand:
        check_order(here.git, here.event, records, here.console)
    return decided(here, merged, how, records)


def _records(here: Here, carrier: Carrier) -> tuple[Record, ...]:
    """Fetch the journal; after a merge, wait a little for another run that is writing."""
    looks = _LOOKS if here.event.trigger is Trigger.PUSH else 0
    while True:
        carrier.fetch()
        records = read_history(carrier.journal)
        if not looks or not is_busy(records, here.console, here.session.instant()):
            return records
        if looks == _LOOKS:
            tell("… another run is writing; waiting for it\n", err=True)
        looks -= 1
        here.session.runtime.sleep(_SECONDS)


def _nothing(here: Here, told: str) -> int:
    """End a run that has nothing to do, and say why."""
    click.echo(told)
    here.finish(here.result("apply", ExitCode.DONE, ("no-change",), told), f"{told}\n")
    return ExitCode.DONE


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
        labels = tuple(name.label for name in applied.unsettled)
        left = Aftermath(
            outcomes, applied.head, run=run, review=review, notes=_gap(review), unsettled=labels
        )
        is_quiet = not outcomes and here.event.trigger is Trigger.SCHEDULE
        body = clock_body(here.frame()) if is_quiet else outcome_body(left, here.frame())
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


def _gap(review: Review) -> tuple[str, ...]:
    """Say that the clock does not go on from here, and what it waits for."""
    told = (
        f"Windows of these policies wait: {review.skipped[:8]} changed the policies before, and "
        f"nobody has applied it. {BY_HAND}"
    )
    return (told,) if review.skipped else ()
