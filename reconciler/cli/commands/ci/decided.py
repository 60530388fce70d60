"""What decides an apply in CI: the review of a merge, a digest that was read, or the clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.audit.chain import Record
from reconciler.audit.reviews import reviewed_commit, settled
from reconciler.ci.event import plan_digest
from reconciler.ci.reviewed import BY_HAND, check_comment, merged_request, review_of, reviewed
from reconciler.cli.commands.ci.bases import ByClock, ByDigest, ByHand, plan_file
from reconciler.cli.commands.ci.here import About, Here
from reconciler.cli.commands.ci.place import brought, check_workflows
from reconciler.cli.writing.apply import Basis
from reconciler.domain.review import Review, Trigger
from reconciler.errors import RefusedError, SettingsError
from reconciler.forge.base import Forge, Merged
from reconciler.forge.choice import open_forge


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


def decided(here: Here, about: About, how: How, records: Sequence[Record]) -> Decided | None:
    """Return what decides; None when the clock has nothing to go by yet.

    Raises RefusedError when nobody has reviewed it, ForgeError when the host does not answer.
    """
    event, digest = here.event, plan_digest(how.digest)
    if event.trigger is Trigger.SCHEDULE:
        commit, since = reviewed_commit(records, here.console), settled(records, here.console)
        if commit is None or since is None:
            return None
        return Decided(ByClock(since=since), review_of(event), commit)
    if event.trigger is Trigger.DISPATCH:
        if not digest:
            raise SettingsError(
                "Started by hand, this needs the digest of the plan that was read.",
                "Copy it from the drift report into the workflow's field; in a shell: --digest.",
            )
        return Decided(ByHand(digest=digest), review_of(event), event.commit)
    return _merged(here, about, how, records)


def _merged(here: Here, about: About, how: How, records: Sequence[Record]) -> Decided:
    event, runtime = here.event, here.session.runtime
    with open_forge(runtime.environ, runtime.monotonic, runtime.sleep) as forge:
        if forge is None:  # pragma: no cover - Here.of has found one
            raise SettingsError("No code host is known here.")
        merged = merged_request(forge, event)
        about.number, about.head = merged.number, merged.head
        check_workflows(here.git, event)
        _check_alone(here, forge, merged, reviewed_commit(records, here.console))
        found = reviewed(forge, event, merged, here.key)
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


def _check_alone(here: Here, forge: Forge, merged: Merged, since: str | None) -> None:
    """Raise RefusedError unless every commit since the last reviewed one came by a request.

    The plan tells of what is due now; a window that opens later is in no plan, and the clock goes
    on from this commit. Of the push itself all has to be of the one request whose plan is applied.
    """
    event = here.event
    push = set(brought(here.git, event.base, event.commit))
    for commit in sorted(push | set(brought(here.git, since or event.base, event.commit))):
        found = forge.requests_of(commit, event.protected)
        if not found:
            raise RefusedError(
                f"The commit {commit[:8]} came to {event.protected} without a pull request, and "
                "has not been applied by anybody who read a plan of it.",
                BY_HAND,
            )
        if commit in push and merged.number not in found:
            raise RefusedError(
                f"The push brought more than pull request {merged.number}: {commit[:8]} is of "
                "another, whose plan would not be applied with it.",
                BY_HAND,
            )
