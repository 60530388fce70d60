"""What became of an apply, for the pull request that asked for it: what went wrong comes first."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Action, Change
from reconciler.domain.review import Review
from reconciler.rendering.fitting import COMMENT, Missing, fitted
from reconciler.rendering.markdown import (
    BREAK,
    Section,
    address,
    code,
    folded,
    row,
    sentence,
    table,
)
from reconciler.rendering.wording import plural

_WORST_FIRST = (
    Result.FAILED,
    Result.UNKNOWN,
    Result.CONFLICT,
    Result.NOT_ATTEMPTED,
    Result.APPLIED,
)
_COLUMNS = ("Who", "What", "Result", "Why")
_CHANGES_SHOWN = 5
_APPROVALS_SHOWN = 20
_LONG = 2_000


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What an apply left behind."""

    outcomes: tuple[Outcome, ...]
    head: str
    """The journal's head."""
    run: str = ""
    """The journal's id of the run; empty when nothing can be undone."""
    review: Review | None = None
    notes: tuple[str, ...] = ()
    """What was seen after the writing."""
    unsettled: tuple[str, ...] = ()
    """Whom the run left as they were, though the policies ask for something else."""


def outcomes_markdown(left: Aftermath, *, limit: int = COMMENT, full_at: str = "") -> str:
    """Return what became of each operation, with a final newline, in at most `limit` characters.

    Rows are left out from the end, applied ones first, and it is told how many.
    """
    outcomes = left.outcomes
    ordered = sorted(outcomes, key=lambda outcome: _WORST_FIRST.index(outcome.result))
    bad = [outcome for outcome in ordered if not _is_whole(outcome)]
    good = [outcome for outcome in ordered if _is_whole(outcome)]
    parts = [
        Section(table("Not as planned", _COLUMNS), tuple(map(_row, bad)), "failure"),
        Section("#### Seen afterwards\n", tuple(f"- {_told(note)}" for note in left.notes), "note"),
        Section(
            "#### Left as they were, though the policies ask for something else\n",
            tuple(f"- {code(label)}" for label in left.unsettled),
            "principal",
        ),
        Section(folded(f"{len(good)} applied"), tuple(map(_line, good)), "applied", "\n</details>"),
    ]
    where = f"All of it: {address(full_at)}" if full_at else "The log of the run has all of it."

    def missing_note(missing: Missing) -> str:
        kinds = ", ".join(
            f"{count} applied" if noun == "applied" else plural(count, noun)
            for noun, count in missing.items()
        )
        return f"> [!IMPORTANT]\n> **Not shown here for want of room: {kinds}.** {where}"

    top = [f"### {_counts(outcomes)}", _verdict(bad, left)]
    foot = [_foot(left.head, left.run, left.review)]
    parts = [part for part in parts if part.rows]
    return fitted(top, parts, foot, limit, missing_note)


def _is_whole(outcome: Outcome) -> bool:
    return outcome.result is Result.APPLIED and not outcome.remains


def _counts(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "Applied: nothing was to be changed."
    counts = {result: sum(each.result is result for each in outcomes) for result in Result}
    told = [f"{counts[result]} {result.value}" for result in Result if counts[result]]
    return f"Apply: {', '.join(told)}, of {len(outcomes)}."


def _verdict(bad: Sequence[Outcome], left: Aftermath) -> str:
    if bad:
        told = f"{plural(len(bad), 'operation')} of {len(left.outcomes)} did not end as planned"
        return f"> [!CAUTION]\n> **{told}: the console does not hold what the policies say.**"
    if left.outcomes:
        return "> [!NOTE]\n> **Everything was applied as planned.**"
    if left.unsettled:
        return "> [!IMPORTANT]\n> **The console does not hold all that the policies say.**"
    return "> [!NOTE]\n> **The console holds what the policies say.**"


def _row(outcome: Outcome) -> str:
    why = [_told(outcome.detail)] if outcome.detail else []
    why += [f"An API token may remain: {_told(outcome.remains)}"] if outcome.remains else []
    cells = (_who(outcome), _what(outcome), f"**{outcome.result.value}**", BREAK.join(why))
    return row(*cells)


def _line(outcome: Outcome) -> str:
    return f"- {_who(outcome)}: {_what(outcome)}"


def _who(outcome: Outcome) -> str:
    return code(outcome.operation.name.label)


def _what(outcome: Outcome) -> str:
    changes = outcome.operation.changes
    told = [outcome.operation.kind.value, *map(_change, changes[:_CHANGES_SHOWN])]
    rest = len(changes) - _CHANGES_SHOWN
    return "; ".join([*told, plural(rest, "more change")] if rest > 0 else told)


def _change(change: Change) -> str:
    sign = "+" if change.action is Action.GRANT else "-"
    return f"{sign} {code(change.grant.role.name)} on {code(change.grant.scope.name)}"


def _foot(head: str, run: str, review: Review | None) -> str:
    lines = [f"Journal head {code(head)}."] if head else []
    if review:
        lines += _reviewed(review)
    if run:
        undo = code(f"reconciler plan --undo {run} --journal journal.jsonl --out undo.plan.json")
        lines.append(
            f"To undo: revert the pull request; or plan the inverse of this run with {undo}, and "
            f"apply that file."
        )
    return BREAK.join(lines) or "No journal was written."


def _reviewed(review: Review) -> list[str]:
    who = [f"{said} {code(name)}" for said, name in _people(review) if name]
    lines = [f"{', '.join(who)}."] if who else []
    shown = review.approvals[:_APPROVALS_SHOWN]
    told = [_approval(approval.by, approval.commit, review.head) for approval in shown]
    rest = len(review.approvals) - len(shown)
    if told:
        lines.append(f"Approved by {', '.join(told)}{f' and {rest} more' if rest > 0 else ''}.")
    elif review.request:
        lines.append("**No approval is on record at the code host.**")
    return lines


def _people(review: Review) -> tuple[tuple[str, str], ...]:
    return (
        ("Written by", review.author),
        ("merged by", review.merged_by),
        ("started by", review.started_by),
    )


def _approval(by: str, commit: str, head: str) -> str:
    if commit and head and commit != head:
        return f"{code(by)} (**of an earlier commit** {code(commit[:8])})"
    return code(by)


def _told(text: str) -> str:
    return sentence(text) if len(text) <= _LONG else code(text)
