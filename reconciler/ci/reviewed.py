"""Which plan was reviewed before a commit came to the protected branch.

The plan's digest stands in the comment that reviewers read; the saved plan itself is an artifact.
Nothing of it is believed because of where it lies, nor because of who wrote it: whoever can push a
branch can let a workflow of their own comment as we do, and keep files. The comment must be about
the last commit of the request, the artifact must be the file that the comment names, and the
comment must say, letter for letter, what we say of that file. So what was read is that plan; that
the plan is what would be done is for `apply` to find out.

The run that the comment names is the host's to know: started by a pull request of this repository,
for the commit that was merged, ended, and the comment was last written while it went on and before
the merge. A pull request is run with the workflows of its trial merge. Earlier commits of it could
bring others, but their runs have another head; the last one could too, but then the merge brings
them to the protected branch, and `check_workflows` refuses it. What stays: a second request of the
same commit into another branch is run with that branch's workflows, and no host says so of a run.
So a run alone proves nothing either, and the text is compared with the file wherever that is kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.ci.comment import ON_MERGE, Frame, plan_body
from reconciler.ci.event import Event
from reconciler.ci.marker import Marker, parse_marker, unmarked
from reconciler.ci.result import PLAN, file_digest
from reconciler.domain.review import Review, Trigger
from reconciler.errors import RefusedError
from reconciler.forge.base import Comment, Forge, Merged, RunOf

ARTIFACT = "reconciler-plan"
"""Under which name the folder of `ci plan` is kept."""

SLACK = timedelta(minutes=2)
"""By which a comment may be younger than the end of its run: a host has many clocks."""
_APPLICABLE = {"no-change", "grants", "revokes"}

_COMMIT = re.compile(r"^<sub>Run .*, commit `([0-9a-f]{8})`", re.MULTILINE)

BY_HAND = (
    "Read what the drift report shows now, and start the apply workflow by hand with the digest "
    "that it names."
)
_FIND_OUT = "Find out who wrote it, then: " + BY_HAND


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What reviewers agreed to."""

    content: str
    """Content digest of the plan."""
    review: Review
    comment: str
    """What they read, without its marker."""
    run: str
    """Number of the run that made the plan."""
    plan: bytes | None = None
    """The saved plan; None when it is no longer kept."""


def merged_request(forge: Forge, event: Event) -> Merged:
    """Return the pull request that brought the pushed commit.

    Raises RefusedError when none did, ForgeError when the code host does not answer.
    """
    merged = forge.merged(event.commit, event.protected)
    if merged is None:
        raise RefusedError(
            f"No merged pull request brought the commit {event.commit[:8]}, so nobody has reviewed "
            "a plan of it.",
            BY_HAND,
        )
    return merged


def reviewed(forge: Forge, event: Event, merged: Merged, key: str, skipped: str = "") -> Reviewed:
    """Return the plan that was reviewed before a request was merged.

    `key` says which console and folder, `skipped` an earlier commit that nobody applied. Raises
    RefusedError when there is none that can be trusted, ForgeError when the code host does not
    answer or does not let us ask for runs.
    """
    found = _newest(forge.comments(merged.number), key)
    if found is None:
        raise RefusedError(
            f"Pull request {merged.number} has no plan comment of this product's.", BY_HAND
        )
    comment, marker = found
    if marker.head != merged.head or not marker.content:
        raise RefusedError(
            f"The plan on pull request {merged.number} is not of its last commit "
            f"{merged.head[:8]}.",
            BY_HAND,
        )
    _check_verdict(marker, merged)
    _check_run(forge.run(marker.run), found, merged)
    _check_approvals(comment, merged)
    review, text = review_of(event, merged, skipped=skipped), unmarked(comment.body)
    return Reviewed(marker.content, review, text, marker.run, _plan(forge, marker, merged))


def check_comment(found: Reviewed, tree: Mapping[str, Any], event: Event) -> None:
    """Raise RefusedError unless the comment says of the saved plan what we say of it, and it holds.

    `tree` is the plan's machine form. Only the commit that was planned, the one that merging would
    have given, is taken from the comment.
    """
    if tree["refusals"]:
        raise RefusedError(
            f"The plan on pull request {found.review.request} was refused when it was made.",
            BY_HAND,
        )
    url = event.run_url.removesuffix(event.run) + found.run
    commit = _COMMIT.search(found.comment)
    frame = Frame(url, commit[1] if commit else "", ON_MERGE)
    if _plain(found.comment) != _plain(plan_body(dict(tree), frame)):
        raise RefusedError(
            f"The plan comment on pull request {found.review.request} was edited, or is not ours: "
            f"it does not say what the plan of run {found.run} says.",
            _FIND_OUT,
        )


def review_of(
    event: Event, merged: Merged | None = None, *, commit: str = "", skipped: str = ""
) -> Review:
    """Return what goes on record of who looked at a run; `commit` is another than the run's own."""
    review = Review(
        trigger=event.trigger.value,
        commit=commit or event.commit,
        run=event.attempt_url or event.run_url,
        started_by=event.started_by if event.trigger is not Trigger.SCHEDULE else "",
        skipped=skipped,
    )
    if merged is None:
        return review
    return replace(
        review,
        request=merged.number,
        url=merged.url,
        head=merged.head,
        author=merged.author,
        merged_by=merged.merged_by,
        approvals=merged.approvals,
    )


def _newest(comments: Sequence[Comment], key: str) -> tuple[Comment, Marker] | None:
    """Return our plan comment of the newest run; anybody else's counts for nothing (T15)."""
    found = [
        (comment, marker)
        for comment in comments
        if comment.is_ours
        and (marker := parse_marker(comment.body)) is not None
        and (marker.kind, marker.key) == ("plan", key)
    ]
    return max(found, key=lambda pair: int(pair[1].run), default=None)


def _check_verdict(marker: Marker, merged: Merged) -> None:
    """Raise RefusedError for what is no plan, and for one that the base's guardrails refused."""
    if not marker.verdict or not _APPLICABLE.issuperset(marker.verdict):
        said = ", ".join(marker.verdict) or "without a verdict"
        raise RefusedError(
            f"The plan on pull request {merged.number} was {said} when it was read, so there is "
            "nothing in it to apply, whatever was changed since.",
            BY_HAND,
        )


def _check_run(run: RunOf | None, found: tuple[Comment, Marker], merged: Merged) -> None:
    """Raise RefusedError unless the run that a comment names can have written it."""
    comment, marker = found
    named = f"The plan comment on pull request {merged.number} names run {marker.run}"
    if run is None:
        raise RefusedError(f"{named}, and the code host knows none of that number.", _FIND_OUT)
    if run.trigger is not Trigger.REQUEST or not run.is_own:
        raise RefusedError(
            f"{named}, which was not started by a pull request of this repository.", _FIND_OUT
        )
    if run.head != merged.head:
        raise RefusedError(
            f"{named}, which was of {run.head[:8]} and not of the merged {merged.head[:8]}.",
            _FIND_OUT,
        )
    if run.ended is None:
        raise RefusedError(f"{named}, which has not ended.", f"Wait for it. {BY_HAND}")
    _check_time(comment.updated, (run.started, run.ended), merged)


def _check_time(updated: datetime | None, ran: tuple[datetime, datetime], merged: Merged) -> None:
    """Raise RefusedError unless a comment was last written while its run went on, and in time."""
    what = f"The plan comment on pull request {merged.number} was last written"
    if updated is None or merged.merged_at is None:
        raise RefusedError(f"{what} at a time that the code host does not say.", BY_HAND)
    started, ended = ran
    if updated > merged.merged_at:
        raise RefusedError(
            f"{what} at {_shown(updated)}, after the merge at {_shown(merged.merged_at)}: that is "
            "not what was approved.",
            _FIND_OUT,
        )
    if not started <= updated <= ended + SLACK:
        raise RefusedError(
            f"{what} at {_shown(updated)}, and not by its run, which went from {_shown(started)} "
            f"to {_shown(ended)}.",
            _FIND_OUT,
        )


def _check_approvals(comment: Comment, merged: Merged) -> None:
    """Raise RefusedError when everybody approved before the plan said what it says.

    A plan is made anew without a new commit too, and a host drops approvals for those only. Where
    nobody has to approve, and where the host does not say when, there is nothing to compare.
    """
    times = [one.at for one in merged.approvals]
    known = [instant for instant in times if instant]
    if comment.updated and known and len(known) == len(times) and max(known) < comment.updated:
        raise RefusedError(
            f"The plan comment on pull request {merged.number} was last written at "
            f"{_shown(comment.updated)}, and everybody approved before that: nobody has approved "
            "this plan.",
            BY_HAND,
        )


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plan(forge: Forge, marker: Marker, merged: Merged) -> bytes | None:
    """Return the saved plan that the comment names, None when it is no longer kept."""
    # A run that was started again has kept another one by the same name.
    files = forge.artifact(
        marker.run, ARTIFACT, lambda kept: PLAN in kept and file_digest(kept[PLAN]) == marker.file
    )
    if files is None:
        return None
    plan = files.get(PLAN)
    if plan is None or file_digest(plan) != marker.file:
        raise RefusedError(
            f"The plan that run {marker.run} kept is not the one that pull request "
            f"{merged.number} shows: one of the two was forged, or replaced.",
            "Find out who could write to either, then: " + BY_HAND,
        )
    return plan


def _plain(text: str) -> str:
    """Return a text without what a host changes of itself: line ends and blanks around."""
    return text.replace("\r\n", "\n").strip()
