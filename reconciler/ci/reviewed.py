"""Which plan was reviewed before a commit came to the protected branch.

The plan's digest stands in the comment that reviewers read; the saved plan itself is an artifact.
Nothing of it is believed because of where it lies, nor because of who wrote it: whoever can push a
branch can let a workflow of their own comment as we do, and keep files. The comment must be about
the last commit of the request, the artifact must be the file that the comment names, and the
comment must say, letter for letter, what we say of that file. So what was read is that plan; that
the plan is what would be done is for `apply` to find out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.ci.comment import ON_MERGE, Frame, plan_body
from reconciler.ci.event import Event, Trigger
from reconciler.ci.marker import Marker, parse_marker, unmarked
from reconciler.ci.result import PLAN, file_digest
from reconciler.domain.review import Review
from reconciler.errors import RefusedError
from reconciler.forge.base import Comment, Forge, Merged

ARTIFACT = "reconciler-plan"
"""Under which name the folder of `ci plan` is kept."""

_COMMIT = re.compile(r"^<sub>Run .*, commit `([0-9a-f]{8})`", re.MULTILINE)

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
    review, text = review_of(event, merged), unmarked(comment.body)
    return Reviewed(marker.content, review, text, marker.run, _plan(forge, marker, merged))


def check_comment(found: Reviewed, tree: Mapping[str, Any], event: Event) -> None:
    """Raise RefusedError unless the comment says of the saved plan what we say of it.

    `tree` is the plan's machine form. Only the commit that was planned, the one that merging would
    have given, is taken from the comment.
    """
    url = event.run_url.removesuffix(event.run) + found.run
    commit = _COMMIT.search(found.comment)
    frame = Frame(url, commit[1] if commit else "", ON_MERGE)
    if _plain(plan_body(dict(tree), frame)) != _plain(found.comment):
        raise RefusedError(
            f"The plan comment on pull request {found.review.request} was edited, or is not ours: "
            f"it does not say what the plan of run {found.run} says.",
            "Find out who wrote it, then: " + BY_HAND,
        )


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


def _plan(forge: Forge, marker: Marker, merged: Merged) -> bytes | None:
    """Return the saved plan that the comment names, None when it is no longer kept."""
    files = forge.artifact(marker.run, ARTIFACT)
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
