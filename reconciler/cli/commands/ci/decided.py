"""What decides an apply in CI: the review of a merge, a digest that was read, or the clock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.audit.chain import Record
from reconciler.audit.reviews import Recorded, Settled, reviewed_run, settled
from reconciler.ci.event import plan_digest
from reconciler.ci.genuine import genuine_run, is_whole
from reconciler.ci.reviewed import BY_HAND, check_comment, merged_request, review_of, reviewed
from reconciler.cli.commands.ci.bases import ByClock, ByDigest, ByHand, plan_file
from reconciler.cli.commands.ci.here import Here
from reconciler.cli.commands.ci.place import brought, check_workflows, is_protected
from reconciler.cli.files import NO_OPTIONS, load_files
from reconciler.cli.writing.apply import Basis
from reconciler.domain.review import Review, Trigger
from reconciler.domain.wanted import Wanted
from reconciler.errors import PolicyError, RefusedError, SettingsError
from reconciler.forge.base import Forge, Merged
from reconciler.forge.choice import open_forge
from reconciler.workflow.binding import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class How:
    """What the command line says about what decides."""

    digest: str
    """As it was given; empty when none was."""
    only_planned: bool
    plan_may_be_gone: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What decides, who looked at it, and whose policies count."""

    basis: Basis
    review: Review
    commit: str
    """Whose policies: the run's own commit, or for the clock the last one that was reviewed."""


def decided(
    here: Here, merged: Merged | None, how: How, records: Sequence[Record]
) -> Decided | str:
    """Return what decides, or why the clock has nothing to go by yet.

    `merged` is the request that brought a push. Raises RefusedError when nobody has reviewed it,
    ForgeError when the host does not answer.
    """
    event, digest = here.event, plan_digest(how.digest)
    if event.trigger is Trigger.SCHEDULE:
        return _clock(here, records)
    if merged is not None:
        return _merged(here, merged, how, records)
    if not digest:
        raise SettingsError(
            "Started by hand, this needs the digest of the plan that was read.",
            "Copy it from the drift report into the workflow's field; in a shell: --digest.",
        )
    return Decided(ByHand(digest=digest), review_of(event), event.commit)


def request_of(here: Here) -> Merged | None:
    """Return the request that brought a push; None for a run of the clock or by hand.

    Raises RefusedError when none did, ForgeError when the code host does not answer.
    """
    if here.event.trigger is not Trigger.PUSH:
        return None
    with _forge(here) as forge:
        return merged_request(forge, here.event)


def _clock(here: Here, records: Sequence[Record]) -> Decided | str:
    """Return what the last reviewed policies ask for by now, as far as the newest still do."""
    event = here.event
    base, since = reviewed_run(records, here.console), settled(records, here.console)
    if base is None or since is None:
        return "No reviewed apply is on record yet; windows wait for the first."
    _check_protected(here, base)
    _check_past(here, since)
    with _forge(here) as forge:
        genuine_run(forge, event, since.last)
        run = genuine_run(forge, event, base)
    if run.ended is None:
        return "The run that these windows rest on has not ended yet; the next one looks again."
    if not is_whole(run, base):
        raise RefusedError(
            f"The journal shows that {base.commit[:8]} was applied whole; by the code host its run "
            f"{base.run} was of {run.head[:8]} and did not end well.",
            f"Start that run again. {BY_HAND}",
        )
    basis = ByClock(since=since, newest=_newest(here))
    return Decided(basis, review_of(event, commit=base.commit), base.commit)


def _check_protected(here: Here, base: Recorded) -> None:
    """Raise RefusedError for a commit that is not on the branch, or was not seen there."""
    if not is_protected(here.git, base.commit, here.event):
        raise RefusedError(
            f"The journal shows that {base.commit[:8]} was applied, which is not on "
            f"{here.event.protected}, or this clone cannot tell.",
            f"Check out with fetch-depth: 0. If the branch was rewritten: {BY_HAND}",
        )


def _check_past(here: Here, since: Settled) -> None:
    """Raise RefusedError for a record of the future: with it, no window would ever close."""
    if since.instant > here.session.instant() + CLOCK_SKEW:
        raise RefusedError(
            f"The journal has a run of {since.instant.isoformat()}, which is yet to come.",
            f"Set this runner's clock, or find out who wrote that record. {BY_HAND}",
        )


def _newest(here: Here) -> Wanted | None:
    """Return what the newest commit asks for; None when it cannot be read."""
    with here.files() as files:
        try:
            return load_files(here.session, files, NO_OPTIONS)
        except PolicyError:
            return None


def _merged(here: Here, merged: Merged, how: How, records: Sequence[Record]) -> Decided:
    event = here.event
    with _forge(here) as forge:
        check_workflows(here.git, event)
        _check_alone(here, forge, merged)
        skipped = _skipped(here, forge, records)
        found = reviewed(forge, event, merged, here.key, skipped)
    if found.plan is None:
        if not how.plan_may_be_gone:
            raise RefusedError(
                f"The plan that run {found.run} made is no longer kept, so whether the comment on "
                f"pull request {merged.number} told it cannot be seen.",
                f"{BY_HAND} With --plan-may-be-gone the comment's digest suffices.",
            )
        return Decided(ByDigest(found.content, None, BY_HAND), found.review, event.commit)
    file = plan_file(found.plan, found.content, only_planned=how.only_planned)
    check_comment(found, file.tree, event)
    return Decided(ByDigest(found.content, file, BY_HAND), found.review, event.commit)


def _check_alone(here: Here, forge: Forge, merged: Merged) -> None:
    """Raise RefusedError unless all that the push changes in the policies is of the one request.

    Only that request's plan is applied, and it tells nothing of what others brought.
    """
    event = here.event
    commits = brought(here.git, event.base, event.commit)
    if len(commits) > _MOST:
        raise RefusedError(
            f"The push changed the policies with over {_MOST} commits, each of which would have to "
            "be asked about.",
            BY_HAND,
        )
    for commit in commits:
        found = forge.requests_of(commit, event.protected)
        if merged.number not in found:
            came = "is of another" if found else "came without any"
            raise RefusedError(
                f"The push brought more than pull request {merged.number}: {commit[:8]} {came}, "
                "whose plan would not be applied with it.",
                BY_HAND,
            )


def _skipped(here: Here, forge: Forge, records: Sequence[Record]) -> str:
    """Return the first commit before the push whose policies nobody has applied, or nothing.

    Its windows stand in no plan that was carried out, so that the clock may not go on from here.
    """
    base = reviewed_run(records, here.console)
    if base is not None:
        _check_protected(here, base)
        if not is_whole(genuine_run(forge, here.event, base), base):
            return base.commit
    waiting = brought(here.git, base.commit if base else "", here.event.base)
    return waiting[-1] if waiting else ""


@contextmanager
def _forge(here: Here) -> Iterator[Forge]:
    runtime = here.session.runtime
    with open_forge(runtime.environ, runtime.monotonic, runtime.sleep) as forge:
        if forge is None:  # pragma: no cover - Here.of has found one
            raise SettingsError("No code host is known here.")
        yield forge


_MOST = 100
"""Commits that are asked about, each with a question to the code host."""
