"""Which plan was reviewed before a commit came to the protected branch.

The plan's digest stands in the comment that reviewers read; the saved plan itself, with which a
refusal can say what moved, is an artifact that may be gone. Nothing of it is believed because of
where it lies: the comment must be ours and about the last commit of the request, and the artifact
must be the very file that the comment names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.ci.event import Event, Trigger
from reconciler.ci.marker import Marker, parse_marker, unmarked
from reconciler.ci.result import COMMENT, PLAN, file_digest
from reconciler.domain.review import Review
from reconciler.errors import RefusedError
from reconciler.forge.base import Comment, Forge, Merged

ARTIFACT = "reconciler-plan"
"""Under which name the folder of `ci plan` is kept."""

BY_HAND = (
    "Read what the drift report shows now, and start the apply workflow by hand with the digest "
    "that it names."
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What reviewers agreed to."""

    content: str
    """Content digest of the plan."""
    review: Review
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


def reviewed(forge: Forge, event: Event, merged: Merged, key: str) -> Reviewed:
    """Return the plan that was reviewed before a request was merged.

    `key` says which console and folder. Raises RefusedError when there is none that can be
    trusted, ForgeError when the code host does not answer.
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
    plan = _plan(forge, marker, comment, merged)
    return Reviewed(marker.content, review_of(event, merged), plan)


def review_of(event: Event, merged: Merged | None = None) -> Review:
    """Return what goes on record of who looked at a run."""
    review = Review(
        trigger=event.trigger.value,
        commit=event.commit,
        run=event.run_url,
        started_by=event.started_by if event.trigger is not Trigger.SCHEDULE else "",
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


def _plan(forge: Forge, marker: Marker, comment: Comment, merged: Merged) -> bytes | None:
    """Return the saved plan that the comment names, None when it is no longer kept."""
    files = forge.artifact(marker.run, ARTIFACT)
    if files is None:
        return None
    plan, text = files.get(PLAN), files.get(COMMENT)
    if plan is None or text is None or file_digest(plan) != marker.file:
        raise RefusedError(
            f"The plan that run {marker.run} kept is not the one that pull request "
            f"{merged.number} shows: one of the two was forged, or replaced.",
            "Find out who could write to either, then: " + BY_HAND,
        )
    if _plain(unmarked(comment.body)) != _plain(text.decode("utf-8", "replace")):
        raise RefusedError(
            f"The plan comment on pull request {merged.number} was edited: it does not say what "
            f"run {marker.run} wrote.",
            "Find out who edited it, then: " + BY_HAND,
        )
    return plan


def _plain(text: str) -> str:
    """Return a text without what a host changes of itself: line ends and blanks around."""
    return text.replace("\r\n", "\n").strip()
