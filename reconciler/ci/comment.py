"""The texts for people: a plan, what stands against one, an outcome, drift.

Each has the forms of `rendering` in the middle and a frame of ours around it, and all of it has
room in one comment beside its marker. What `publish` puts before it is the marker alone.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.ci import marker
from reconciler.ci.bound import bound_digest
from reconciler.domain.digest import short_digest
from reconciler.errors import ReconcilerError
from reconciler.rendering.as_markdown import clean_markdown, drift_markdown, plan_markdown
from reconciler.rendering.fitting import COMMENT
from reconciler.rendering.markdown import address, code
from reconciler.rendering.outcomes_markdown import Aftermath, outcomes_markdown
from reconciler.rendering.problems_markdown import error_markdown

Tree = dict[str, Any]

ON_MERGE = "Merging applies exactly this plan, or refuses and says what moved."
"""How the plan of a pull request is applied."""
NOT_OURS = "This changes no policy, so merging it applies nothing: what differs is drift."
"""What stands there when a request is about something else."""

BY_HAND = "To apply by hand: digest"
"""How the line begins that names it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a text comes from, and how much room there is for it."""

    run_url: str = ""
    commit: str = ""
    how: str = ""
    """How a plan is applied, in our own words: no value of others may stand in it."""
    limit: int = COMMENT
    """Characters of the host's longest comment, the marker included."""


def plan_body(tree: Tree, frame: Frame) -> str:
    """Return a plan, refused ones included, from its machine form."""
    how = f"\n**{frame.how}**\n" if frame.how and not tree["refusals"] else ""
    foot = how + _foot(frame, tree["content_digest"])
    return plan_markdown(tree, limit=_room(frame, foot), full_at=frame.run_url) + foot


def drift_body(tree: Tree, frame: Frame) -> str:
    """Return what differs on the console, and how that is mended."""
    digest = tree["content_digest"]
    foot = _mending(tree) + _foot(frame, digest)
    return drift_markdown(tree, limit=_room(frame, foot), full_at=frame.run_url) + foot


def clean_body(tree: Tree, frame: Frame) -> str:
    """Return that nothing differs, what opens later, and what starts an apply by hand."""
    foot = f"\n{by_hand(tree)}\n{_foot(frame, '')}"
    return clean_markdown(tree, limit=_room(frame, foot), full_at=frame.run_url) + foot


def by_hand(tree: Tree) -> str:
    """Return the line that names the digest of what was read; it stands in every drift report."""
    return f"{BY_HAND} {code(bound_digest(tree))}."


def unplanned_body(frame: Frame) -> str:
    """Return that policies are valid and nothing was there to compare them with."""
    told = (
        "### The policies are valid. Not planned.\n\n> [!NOTE]\n> **This run is given no token for "
        "the console, and no snapshot of it is kept.** What merging would change is not known.\n"
    )
    return told + _foot(frame, "")


def clock_body(frame: Frame) -> str:
    """Return that the clock found nothing to do; drift is no matter of it."""
    return "### No window opened or closed.\n" + _foot(frame, "")


def error_body(error: ReconcilerError, frame: Frame) -> str:
    """Return why there is no result: broken policies with every problem, refusals, failures."""
    foot = _foot(frame, "")
    return error_markdown(error, limit=_room(frame, foot), full_at=frame.run_url) + foot


def outcome_body(left: Aftermath, frame: Frame) -> str:
    """Return what became of an apply."""
    foot = _foot(frame, "")
    return outcomes_markdown(left, limit=_room(frame, foot), full_at=frame.run_url) + foot


def _room(frame: Frame, foot: str) -> int:
    return frame.limit - marker.LENGTH - len(foot)


def _mending(tree: Tree) -> str:
    """Say how drift is mended: by hand with the digest that was read, or in the policies."""
    lines = ["\n#### How to mend it\n"]
    if tree["refusals"]:
        lines.append("- A guardrail refuses to mend it as it is: change the policies first.")
    elif tree["operations"]:
        digest = code(bound_digest(tree))
        lines.append(
            "- To make the console hold what the policies say, run the apply workflow with the "
            f"digest {digest}; it does exactly this or refuses."
        )
    lines.append(
        "- To keep what the console has, write it into the policies; for somebody whom no policy "
        "names, add or list them there."
    )
    lines.append(f"\n{by_hand(tree)}")
    return "\n".join(lines) + "\n"


def _foot(frame: Frame, digest: str) -> str:
    parts = [f"Run {address(frame.run_url)}"] if frame.run_url else []
    parts += [f"commit {code(frame.commit[:8])}"] if frame.commit else []
    parts += [f"content {code(short_digest(digest))}"] if digest else []
    return f"\n<sub>{', '.join(parts)}.</sub>\n" if parts else ""
