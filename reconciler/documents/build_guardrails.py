"""A checked guardrails document -> Guardrails. Pure."""

from datetime import timedelta
from typing import Any

from reconciler.documents.addresses import flaw
from reconciler.documents.instants import ending
from reconciler.documents.nodes import Document, Node, plain
from reconciler.documents.wording import shown
from reconciler.domain.access import Level
from reconciler.domain.digest import digest
from reconciler.domain.guardrails import (
    Guardrails,
    NothingLeft,
    Override,
    Park,
    PrivilegedRule,
    Rolling,
    ScopeLimit,
    SeparationRule,
    Unlisted,
)
from reconciler.domain.names import PrincipalName
from reconciler.errors import PolicyError, Problem

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_PLAIN = {
    "max_revokes": int,
    "max_revoke_fraction": float,
    "min_admins": int,
    "additive_only": bool,
}
_ANY_TIME = "any"
_LEAST_ADMINS = 2


def build_guardrails(document: Document) -> Guardrails:
    """Return the guardrails that a document sound by its schema states.

    Raises PolicyError with what the schema cannot express: addresses, instants, and what an
    override may be set to.
    """
    content = plain(document.root)
    problems: list[Problem] = []
    built = Guardrails(
        unlisted=Unlisted(content.get("unlisted", Unlisted.REPORT)),
        nothing_left=_nothing_left(document, problems),
        rolling=_rolling(content.get("rolling")),
        scope_limits=tuple(_scope_limit(document, n) for n in document.items("scope_limits")),
        protected=tuple(_principal(document, n, problems) for n in document.items("protected")),
        privileged=tuple(_privileged(document, node) for node in document.items("privileged")),
        allowed_domains=tuple(content.get("allowed_domains", ())),
        separation_of_duties=tuple(
            _separation(document, node) for node in document.items("separation_of_duties")
        ),
        overrides=tuple(
            rule
            for node in document.items("overrides")
            if (rule := _override(document, node, problems))
        ),
        digest=digest(content),
        **_admins(content),
        **{key: kind(content[key]) for key, kind in _PLAIN.items() if key in content},
    )
    if problems:
        raise PolicyError(tuple(problems))
    return built


def _nothing_left(document: Document, problems: list[Problem]) -> NothingLeft | Park:
    node = document.root.value.get("nothing_left")
    if node is None:
        return NothingLeft.REFUSE
    if isinstance(node.value, str):
        return NothingLeft(node.value)
    content = plain(node)
    role: str = content["role"]
    # What other roles permit is known where the console is (`planning.make`).
    if role.rpartition("/")[2].strip().casefold() == "admin":
        place = document.place(node.value["role"])
        told = f"people who have nothing left would be parked as {shown(role)}"
        remedy = "Name a role that permits to look only, such as Viewer."
        problems.append(Problem(place, "parked-with-access", told, remedy))
    return Park(role, content["site"], document.place(node))


def _principal(document: Document, node: Node, problems: list[Problem]) -> PrincipalName:
    text: str = node.value
    if text.startswith("service:"):
        return PrincipalName.service(text.removeprefix("service:"))
    wrong = flaw(text)
    if wrong:
        told = f"the address {shown(text)} {wrong}"
        problems.append(Problem(document.place(node), "bad-address", told, "Correct it."))
    return PrincipalName.user(text)


def _admins(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the keys about admins say that are there."""
    found: dict[str, Any] = {}
    if "admin_seen_within" in content:
        text = content["admin_seen_within"]
        found["admin_seen_within"] = None if text == _ANY_TIME else _duration(text)
    if "single_sso" in content:
        found["single_sso_allowed"] = content["single_sso"] == "allow"
    return found


def _rolling(content: dict[str, Any] | None) -> Rolling | None:
    return Rolling(content["max_revokes"], _duration(content["over"])) if content else None


def _duration(text: str) -> timedelta:
    return int(text[:-1]) * _UNITS[text[-1]]


def _scope_limit(document: Document, node: Node) -> ScopeLimit:
    content = plain(node)
    return ScopeLimit(tuple(content["roles"]), Level(content["widest"]), document.place(node))


def _privileged(document: Document, node: Node) -> PrivilegedRule:
    content: dict[str, Any] = plain(node)
    longest = content.get("max_duration")
    return PrivilegedRule(
        roles=tuple(content["roles"]),
        max_duration=_duration(longest) if longest else None,
        require_reason=content.get("require_reason", False),
        standing_allowed=content.get("standing", "allow") == "allow",
        place=document.place(node),
    )


def _separation(document: Document, node: Node) -> SeparationRule:
    content = plain(node)
    return SeparationRule(content["name"], tuple(content["roles"]), document.place(node))


def _override(document: Document, node: Node, problems: list[Problem]) -> Override | None:
    content = plain(node)
    rule, value = content["rule"], content["value"]
    wrong = _wrong_value(rule, value)
    if wrong:
        place = document.place(node.value["value"])
        told = f"`{value}` cannot override `{rule}`"
        problems.append(Problem(place, "bad-override", told, wrong))
    try:
        until = ending(content["until"])
    except ValueError as error:
        place = document.place(node.value["until"])
        remedy = "Write a date such as 2026-12-01, or a date and time with an offset."
        problems.append(Problem(place, "bad-instant", str(error), remedy))
        return None
    return Override(rule, float(value), content["reason"], until, document.place(node))


def _wrong_value(rule: str, value: float) -> str | None:
    if rule == "max_revoke_fraction":
        return "Write a number from 0 to 1." if value > 1 else None
    if value != int(value):
        return "Write a whole number."
    if rule == "min_admins" and value < _LEAST_ADMINS:
        return "Write a whole number from 2; it cannot be set lower."
    return None
