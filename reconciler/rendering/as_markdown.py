"""A plan for a pull request: the verdict, then the worst, and what is harmless folded away.

Draws from the machine form only. Where there is no room for everything, rows are left out from
the end and the reader is told how many. A refusal, a change of high risk and a revoke are never
left out: they shrink to a line a principal, and when even that does not fit, nothing is shown
but that, because a part of them would read like all of them (T16).
"""

from collections.abc import Callable, Iterable
from typing import Any

from reconciler.rendering.coming import calm, new_coming, opens_sentence
from reconciler.rendering.fitting import COMMENT, Missing, fitted
from reconciler.rendering.markdown import address, code
from reconciler.rendering.markdown_parts import brief_sections, coming_section, sections
from reconciler.rendering.summary import drift_summary, summary
from reconciler.rendering.wording import plural, unread

Tree = dict[str, Any]

LEAST = 8_192
"""Characters that must be there to say at least that nothing could be shown."""


def plan_markdown(tree: Tree, *, limit: int = COMMENT, full_at: str = "") -> str:
    """Return the plan as Markdown of at most `limit` characters, with a final newline.

    `full_at` says where the whole plan is: an https address or any text. For a limit in bytes
    pass a quarter of it. Raises ValueError for a limit below LEAST.
    """
    return _document(tree, summary, limit, full_at)


def drift_markdown(tree: Tree, *, limit: int = COMMENT, full_at: str = "") -> str:
    """Return the same differences told as drift; otherwise like `plan_markdown`."""

    def total(counts: Tree, refused: int) -> str:
        return drift_summary(counts, refused, len(tree["role_changes"]))

    return _document(tree, total, limit, full_at)


def clean_markdown(tree: Tree, *, limit: int = COMMENT, full_at: str = "") -> str:
    """Return that nothing differs, with what opens later; otherwise like `drift_markdown`.

    Warnings are left to the whole report.
    """
    where = f"The whole report: {address(full_at)}" if full_at else ""
    told = calm(tree, "The console holds what the policies say")
    top = ["### No drift.", _alert("NOTE", f"**{told}**")]
    return fitted(
        top, [coming_section(tree)], [], limit, lambda missing: _missing(missing, tree, where)
    )


def _document(tree: Tree, total: Callable[[Tree, int], str], limit: int, full_at: str) -> str:
    if limit < LEAST:
        raise ValueError(f"A plan in Markdown needs room for {LEAST} characters, not {limit}.")
    head = f"### {total(tree['summary'], len(tree['refusals']))}{opens_sentence(tree)}"
    top = [head, _verdict(tree), *_frame(tree)]
    where = f"The whole plan: {address(full_at)}" if full_at else ""
    foot = [_footer(tree, where)]
    for parts in (sections(tree), brief_sections(tree)):
        told = fitted(top, parts, foot, limit, lambda missing: _missing(missing, tree, where))
        if len(told) <= limit:
            return told
    return _nothing(tree, head, where)


def _missing(missing: Missing, tree: Tree, where: str) -> str:
    kinds = ", ".join(plural(count, noun) for noun, count in missing.items())
    rows = plural(sum(missing.values()), "row")
    told = f"**{rows} not shown here for want of room:** {kinds}. No refusal, no change of high"
    told += " risk and no revoke is among them"
    told += ", and nothing new that opens later." if new_coming(tree) else "."
    return _alert("IMPORTANT", f"{told} {where}".rstrip())


def _nothing(tree: Tree, head: str, where: str) -> str:
    high = sum(change["risk"] == "high" for change in _changes(tree))
    new = new_coming(tree)
    counts = (
        plural(len(tree["refusals"]), "refusal"),
        plural(high, "change") + " of high risk",
        plural(tree["summary"]["revoke"], "revoke"),
        plural(len(tree["role_changes"]), "changed role"),
        *([plural(len(new), "new grant") + " for later"] if new else []),
    )
    later = "every new grant for later, " if new else ""
    told = (
        f"**REFUSED TO RENDER SAFELY.** There is no room here to show {later}every refusal, every "
        "change of high risk and every revoke, and a part of them would read like all of them: "
        f"{', '.join(counts)}. **Do not approve by this text.**"
    )
    content = f"<sub>Content {code(tree['content_digest'])}</sub>"
    return "\n\n".join([head, _alert("CAUTION", f"{told} {where}".rstrip()), content]) + "\n"


def _verdict(tree: Tree) -> str:
    """Say in a sentence or two what somebody in a hurry must know; counts only, no values."""
    refused, revokes = len(tree["refusals"]), tree["summary"]["revoke"]
    high = sum(change["risk"] == "high" for change in _changes(tree))
    more = [f"{plural(high, 'change')} of high risk."] if high else []
    more += [f"{plural(revokes, 'revoke')}."] if revokes else []
    tokens = tree["summary"].get("tokens", 0)
    more += [f"{plural(tokens, 'API token')} to revoke."] if tokens else []
    more += _changed_roles(tree["role_changes"])
    more += _opening(tree)
    if refused:
        told = f"**Refused ({plural(refused, 'reason')}): nothing will be written.**"
        return _alert("CAUTION", " ".join([told, *more]))
    risks = {each["risk"] for each in new_coming(tree)}
    if high or tokens or "high" in risks or any(e["gives_access"] for e in tree["role_changes"]):
        return _alert("WARNING", f"**{' '.join(more)}**")
    unread = [role for role in tree["roles"] if role["digest"] is None]
    if unread and tree["operations"]:
        told = f"**What the roles permit is not known of {plural(len(unread), 'role')}.**"
        return _alert("IMPORTANT", " ".join([told, *more]))
    if more:
        return _alert("IMPORTANT", f"**Nothing of high risk.** {' '.join(more)}")
    if tree["operations"]:
        return _alert("NOTE", "**Nothing of high risk, no revokes.**")
    return _alert("NOTE", f"**{calm(tree)}**")


def _opening(tree: Tree) -> list[str]:
    """Say how much of what opens later is new; without operations nothing else is to be said."""
    new = new_coming(tree)
    high = sum(each["risk"] == "high" for each in new)
    told = opens_sentence(tree).strip() if tree["operations"] else calm(tree)
    return [f"{told[:-1]}, {high} of high risk." if high else told] if new else []


def _changed_roles(changes: list[Tree]) -> list[str]:
    giving = sum(change["gives_access"] for change in changes)
    gives = f", {giving} of them giving access" if giving else ""
    return [f"{plural(len(changes), 'role')} changed since pinned{gives}."] if changes else []


def _frame(tree: Tree) -> Iterable[str]:
    origin, instant = code(tree["tenant"]["origin"]), code(tree["evidence"]["instant"])
    taken = tree["evidence"].get("snapshot")
    told = f", **from a snapshot taken at** {code(taken)}" if taken else ""
    yield f"Console {origin}, at {instant}{told}."
    options = tree["options"]
    if options["targets"]:
        yield f"**Only for** {', '.join(code(target) for target in options['targets'])}."
    if options["no_revokes"]:
        yield "**Without revokes.**"
    if "undo_of" in options:
        yield f"**Undo** of the run {code(options['undo_of']['run'])}."


def _footer(tree: Tree, where: str) -> str:
    evidence = tree["evidence"]
    by, version = code(evidence["planned_by"]), code(evidence["tool_version"])
    digests = (
        f"content {code(tree['content_digest'])}",
        f"policies {code(tree['policy_digest'])}",
        f"guardrails {code(tree['guardrails_digest'])}",
    )
    whole = f"{where}. " if where else ""
    small = f"<sub>{whole}Read as {by}, version {version}; {', '.join(digests)}.</sub>"
    return "\n\n".join(filter(None, [unread(tree, code), small]))


def _changes(tree: Tree) -> Iterable[Tree]:
    return (change for operation in tree["operations"] for change in operation["changes"])


def _alert(kind: str, told: str) -> str:
    return f"> [!{kind}]\n> {told}"
