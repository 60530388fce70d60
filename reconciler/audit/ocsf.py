"""Deeds as OCSF events: class 3005 and 3001 in version 1.8.0, class 3007 in version 1.9.0.

One event for each triple granted or revoked, one more for a user invited or deleted, one more for
an API token that was revoked on the way or that may remain though it was to be. Pure, so
that the same journal gives the same events wherever it is exported (T75). The uid is made of the
record's hash, so that an event delivered twice can be told from two events.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.deeds import Deed

Event = dict[str, Any]

VERSIONS = ("1.8.0", "1.9.0")

PRODUCT = "sentinelone-reconciler"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {
    "started": (99, "Other"),
    "intended": (99, "Other"),
    "applied": (1, "Success"),
    "failed": (2, "Failure"),
    "conflict": (2, "Failure"),
    "refused": (2, "Failure"),
    "not applied": (2, "Failure"),
    "not attempted": (99, "Other"),
    "changed since": (0, "Unknown"),
    "unknown": (0, "Unknown"),
}
"""Result -> `status_id` and its caption."""

_SEVERITY = {
    "low": (1, "Informational"),
    "medium": (2, "Low"),
    "high": (3, "Medium"),
}
"""Risk -> severity: 2 from Admin on a site, 3 from Admin on an account or the tenant."""

_REFUSED = (3, "Medium")
_REMAINS = (3, "Medium")
"""Of an API token that outlives the access of whom it belongs to."""
_LIFTED = (3, "Medium")
"""Of everything that a run does while a guardrail is lifted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Class and activity of an event."""

    class_uid: int
    class_name: str
    activity_id: int
    activity: str


_ACCESS = {
    ("1.8.0", True): Kind(3005, "User Access Management", 1, "Assign Privileges"),
    ("1.8.0", False): Kind(3005, "User Access Management", 2, "Revoke Privileges"),
    ("1.9.0", True): Kind(3007, "User Management", 16, "Assign Roles"),
    ("1.9.0", False): Kind(3007, "User Management", 17, "Remove Roles"),
}
"""Version, and whether it is a grant -> kind; 3005 is deprecated in 1.9.0."""

_LIFE_CYCLE = {
    ("1.8.0", "invite"): Kind(3001, "Account Change", 1, "Create"),
    ("1.8.0", "create"): Kind(3001, "Account Change", 1, "Create"),
    ("1.8.0", "rotate"): Kind(3001, "Account Change", 99, "Rotate Token"),
    ("1.8.0", "revoke token"): Kind(3001, "Account Change", 99, "Revoke Token"),
    ("1.9.0", "revoke token"): Kind(3007, "User Management", 99, "Revoke Token"),
    ("1.9.0", "create"): Kind(3007, "User Management", 1, "Create"),
    ("1.9.0", "rotate"): Kind(3007, "User Management", 99, "Rotate Token"),
    ("1.8.0", "delete"): Kind(3001, "Account Change", 6, "Delete"),
    ("1.9.0", "invite"): Kind(3007, "User Management", 1, "Create"),
    ("1.9.0", "delete"): Kind(3007, "User Management", 3, "Delete"),
}

_REFUSAL = Kind(3004, "Entity Management", 99, "Refuse")
_START = Kind(3004, "Entity Management", 99, "Start")
_INTENT = Kind(3004, "Entity Management", 99, "Intend")
"""Of no class that tells of anybody's access: nothing has happened yet."""
PLAN = "access plan"
"""Type of the entity where an event is about a whole plan."""
_USER = {"user": (1, "User"), "service": (4, "Service")}


def ocsf(deed: Deed, version: str) -> Iterator[Event]:
    """Return the events of one deed in OCSF 1.8.0 or 1.9.0.

    What a record does not say is left out; a foreign record's form is not trusted.
    """
    if deed.record.kind in _OTHERS:
        yield _OTHERS[deed.record.kind](deed, version)
        return
    kind = _LIFE_CYCLE.get((version, deed.operation))
    if kind:
        yield _event(deed, version, 0, kind, {})
    for number, change in enumerate(deed.changes, start=1):
        yield _access(deed, version, number, change)
    if deed.record.kind == "outcome":
        yield from _token(deed, version)


def uid(record: Record, number: int) -> str:
    """Return the name of the event with this number among those of one record."""
    return f"{record.hash.removeprefix('sha256:')[:32]}-{number}"


def _access(deed: Deed, version: str, number: int, change: Event) -> Event:
    is_grant = change.get("action") == "grant"
    role, resource = str(change.get("role")), _resource(change)
    told: Event = {"privileges": [f"role:{role}"], "resources": [resource]}
    if version == "1.9.0":
        held = {"uid": str(change.get("role_id")), "name": role, "resources": [resource]}
        told = {"iam_roles": [held]}
    event = _event(deed, version, number, _ACCESS[version, is_grant], told)
    severity = _SEVERITY.get(str(change.get("risk")), _SEVERITY["low"])
    _raise_to(event, severity)
    word, link = ("grant", "to") if is_grant else ("revoke", "from")
    where = str(change.get("scope"))
    event["message"] = f'{word} "{role}" on "{where}" {link} {_name(deed)}: {deed.result}'
    event["unmapped"]["reconciler"]["change"] = change
    return event


def _token(deed: Deed, version: str) -> Iterator[Event]:
    """Tell of the API token that was to end first; of one whose owner is gone there is no need."""
    data = deed.record.data
    result, remains = str(data.get("token") or "unknown"), data.get("remains")
    if result != "applied" and not remains:
        return
    step = replace(deed, operation="revoke token", result=result)
    kind = _LIFE_CYCLE[version, step.operation]
    event = _event(step, version, len(deed.changes) + 1, kind, {})
    event["message"] = f"revoke the API token of {_name(deed)}: {result}"
    event["status_detail"] = result
    if remains:
        event["status_detail"] = f"an API token may remain: {remains}"
        _raise_to(event, _REMAINS)
    yield event


def _refusal(deed: Deed, version: str) -> Event:
    told = deed.run.get("rules")
    rules = [str(rule) for rule in told] if isinstance(told, list) else []
    event = _event(deed, version, 0, _REFUSAL, {"entity": _plan(deed)})
    _raise_to(event, _REFUSED)
    event["message"] = f"a plan was refused by {', '.join(rules)}; nothing was written"
    event["unmapped"]["reconciler"]["rules"] = rules
    return event


def _start(deed: Deed, version: str) -> Event:
    event = _event(deed, version, 0, _START, {"entity": _plan(deed)})
    event["message"] = f"a run began that is to do {deed.run.get('operations')} operations"
    if overrides := _overrides(deed):
        event["unmapped"]["reconciler"]["overrides"] = overrides
    return event


def _intent(deed: Deed, version: str) -> Event:
    user = _user(deed)
    entity = {key: user[key] for key in ("name", "uid") if key in user}
    event = _event(deed, version, 0, _INTENT, {"entity": {**entity, "type": user["type"]}})
    event["message"] = f"is about to {deed.operation} {_name(deed)}; nothing has happened yet"
    event["unmapped"]["reconciler"]["changes"] = list(deed.changes)
    return event


_OTHERS: dict[str, Callable[[Deed, str], Event]] = {
    "refused": _refusal,
    "run-started": _start,
    "intent": _intent,
}
"""Kind of record -> its event, where that is about nobody's access."""


def _plan(deed: Deed) -> Event:
    digest = str(deed.run.get("content_digest"))
    return {"name": "plan", "type": PLAN, "uid": digest}


def _event(deed: Deed, version: str, number: int, kind: Kind, told: Event) -> Event:
    record, status = deed.record, _STATUS.get(deed.result, (0, "Unknown"))
    event: Event = {
        "metadata": _metadata(deed, version, number),
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": kind.class_uid,
        "class_name": kind.class_name,
        "activity_id": kind.activity_id,
        "activity_name": kind.activity,
        "type_uid": kind.class_uid * 100 + kind.activity_id,
        "type_name": f"{kind.class_name}: {kind.activity}",
        "severity_id": 1,
        "severity": "Informational",
        "status_id": status[0],
        "status": status[1],
        "status_detail": str(record.data.get("detail") or deed.result),
        "time": _milliseconds(record.time),
        "message": f"{deed.operation} {_name(deed)}: {deed.result}",
        "actor": _actor(deed),
        **told,
        "unmapped": {"reconciler": _unmapped(deed)},
    }
    if "entity" not in told:
        event["user"] = _user(deed)
    if _overrides(deed) and deed.record.kind != "intent":
        _raise_to(event, _LIFTED)
    return event


def _raise_to(event: Event, severity: tuple[int, str]) -> None:
    if severity[0] > event["severity_id"]:
        event["severity_id"], event["severity"] = severity


def _overrides(deed: Deed) -> list[str]:
    """Return which guardrails were lifted for the run."""
    told = deed.run.get("overrides")
    return [str(each) for each in told] if isinstance(told, list) else []


def _metadata(deed: Deed, version: str, number: int) -> Event:
    # `actor` comes with the profile `host` in 1.9.0.
    profiles = {"profiles": ["host", "record_integrity"]} if version == "1.9.0" else {}
    return {
        "version": version,
        **profiles,
        "uid": uid(deed.record, number),
        "sequence": deed.record.sequence,
        "correlation_uid": deed.record.run,
        "product": {
            "name": PRODUCT,
            "vendor_name": PRODUCT,
            "version": str(deed.run.get("tool_version") or "unknown"),
        },
        "log_name": f"{PRODUCT}/journal",
        "original_time": deed.record.time,
        "tenant_uid": str(deed.run.get("origin") or "unknown"),
    }


def _actor(deed: Deed) -> Event:
    label = str(deed.run.get("actor") or "unknown")
    kind = "service" if label.startswith("service:") else "user"
    who = {"name": label, "type_id": _USER[kind][0], "type": _USER[kind][1]}
    return {"app_name": PRODUCT, "user": who}


def _user(deed: Deed) -> Event:
    principal = deed.record.data.get("principal")
    told = principal if isinstance(principal, dict) else {}
    type_id, caption = _USER.get(str(told.get("kind")), (0, "Unknown"))
    user: Event = {"name": _name(deed), "type_id": type_id, "type": caption}
    identity = told.get("id") or deed.record.data.get("created_id")
    if identity:
        user["uid"] = str(identity)
    if type_id == _USER["user"][0]:
        user["email_addr"] = _name(deed)
    return user


def _name(deed: Deed) -> str:
    principal = deed.record.data.get("principal")
    return str(principal.get("name")) if isinstance(principal, dict) else "unknown"


def _resource(change: Event) -> Event:
    """Name the scope; the tenant has no id that the API documents."""
    resource = {"type": str(change.get("scope_level")), "name": str(change.get("scope"))}
    return {**resource, "uid": str(change["scope_id"])} if change.get("scope_id") else resource


def _unmapped(deed: Deed) -> Event:
    kept = ("content_digest", "policy_digest", "guardrails_digest", "account_ids")
    return {
        "record": deed.record.hash,
        "operation": deed.operation,
        "result": deed.result,
        **{key: deed.run[key] for key in kept if key in deed.run},
    }


def _milliseconds(time: str) -> int:
    try:
        return (datetime.fromisoformat(time) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError):
        return 0
