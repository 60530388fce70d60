"""What led to a run, and a list of runs, for people."""

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.rendering.safe import short
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_COMMIT = 12
"""Digits of a commit that are shown; a longer text is cut, as nobody vouches for its form."""


def runs_text(runs: Iterable[Tree], *, color: bool) -> str:
    """Return one line a run; each is `audit.runs.Run` as a tree."""
    style = Style(color=color)
    return "".join(f"{_line(run, style)}\n" for run in runs)


def led_by(run: Tree) -> str:
    """Say what led to a run: a pull request and who approved it, a push, an undo, or a hand.

    `run` has `review` and `undo_of`, as the records have; neither's form is trusted.
    """
    review = run.get("review")
    told = [*_review(review)] if isinstance(review, dict) and review else ["by hand"]
    if run.get("undo_of"):
        told.insert(0, f"undo of {_short(run['undo_of'])}")
    return ", ".join(told)


def commit_text(commit: object) -> str:
    """Return the beginning of a commit's id."""
    return short(str(commit)[:_COMMIT])


def _line(run: Tree, style: Style) -> str:
    who = f"by {_short(run['actor'])}" if run["actor"] else "by nobody"
    results = run["results"].items() if isinstance(run["results"], dict) else ()
    counts = [f"{_short(count)} {_short(word)}" for word, count in results]
    end = run["end"]
    tone = {"finished": Tone.QUIET, "nothing to do": Tone.QUIET}.get(end, Tone.LOSS)
    ended = ", ".join(
        [*counts, *([] if counts and end == "finished" else [style.paint(end, tone)])]
    )
    parts = (_short(run["run"]), _short(run["time"]), who, led_by(run), ended, _short(run["head"]))
    return "  ".join(parts)


def _review(review: Tree) -> Iterator[str]:
    if review.get("request"):
        address = f" ({_short(review['url'])})" if review.get("url") else ""
        yield f"pull request {_short(review['request'])}{address}"
        if review.get("author"):
            yield f"author {_short(review['author'])}"
        yield f"approved by {_approvals(review.get('approvals'))}"
    if review.get("merged_by"):
        yield f"merged by {_short(review['merged_by'])}"
    if review.get("trigger"):
        by = f" by {_short(review['started_by'])}" if review.get("started_by") else ""
        yield f"{_short(review['trigger'])}{by}"
    if review.get("commit"):
        yield f"commit {commit_text(review['commit'])}"
    if review.get("run"):
        yield _short(review["run"])


def _approvals(approvals: object) -> str:
    listed = approvals if isinstance(approvals, list) else []
    told = [
        _short(one.get("by"))
        + (f" at {commit_text(one['commit'])}" if one.get("commit") else "")
        + (f", {_short(one['at'])}" if one.get("at") else "")
        for one in listed
        if isinstance(one, dict)
    ]
    return " and ".join(told) or "nobody"


def _short(value: object) -> str:
    return short(str(value))
