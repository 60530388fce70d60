"""The machine form of a plan: one tree that JSON shows and every other output draws from.

Its grammar is published as `schemas/plan.schema.json`.
"""

from collections.abc import Iterable
from typing import Any

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.instants import instant_text
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import by_page
from reconciler.domain.plan import (
    Action,
    Change,
    Coming,
    Commit,
    Effect,
    Holding,
    Operation,
    OperationKind,
    Plan,
    PlannedRole,
    Reason,
    Refusal,
    RoleChange,
    UnlistedPrincipal,
)
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem

FORMAT = "sentinelone-reconciler/plan"
VERSION = 1

Tree = dict[str, Any]

_BY_COMMIT = {Reason.POLICY, Reason.YOUR_CHANGE, Reason.CONSOLE_DRIFT}
"""Reasons that one change has or has not, depending on the commit it is compared with."""


def plan_tree(plan: Plan, tool_version: str) -> Tree:
    """Return the plan as plain data: strings, integers, booleans, lists and mappings."""
    undo = plan.options.undo_of
    return {
        "format": FORMAT,
        "version": VERSION,
        "summary": _summary(plan),
        "content_digest": plan.content_digest,
        "policy_digest": plan.policy_digest,
        "guardrails_digest": plan.guardrails_digest,
        "tenant": {
            "origin": plan.origin,
            "account_ids": list(plan.account_ids),
            "view": {"level": plan.view_level.value, "sites": plan.view_sites},
        },
        "evidence": {
            "instant": instant_text(plan.instant),
            "planned_by": plan.planned_by,
            "tool_version": tool_version,
            **({"snapshot": instant_text(plan.snapshot)} if plan.snapshot else {}),
        },
        "options": {
            "targets": sorted(name.label for name in plan.options.targets),
            "no_revokes": plan.options.no_revokes,
            # Absent elsewhere, so that plans saved before there was such a thing still compare.
            **({"undo_of": {"run": undo.run, "head": undo.head}} if undo else {}),
        },
        "operations": [operation_tree(operation) for operation in plan.operations],
        "roles": [_planned_role(role) for role in plan.roles],
        "role_changes": [_role_change(change) for change in plan.role_changes],
        # Absent elsewhere, so that plans saved before there was such a thing are told alike.
        **({"coming": [_coming(each) for each in plan.coming]} if plan.coming else {}),
        "refusals": [_refusal(refusal) for refusal in plan.refusals],
        "unlisted": [_unlisted(one) for one in plan.unlisted],
        "warnings": [problem_tree(warning) for warning in plan.warnings],
    }


def decided_part(tree: Tree, *, derived: bool = True) -> Tree:
    """Return what a plan decides: everything a reviewer relies on that is no evidence.

    Two trees of one plan agree in it, whoever computed them and wherever the files lay: places
    differ with the folder, the order of execution with the token, and whether a change is new
    with the commit it is compared with. Risk and effects rest on what roles permit, so they
    agree only where both knew the same of that; without `derived` they are left out.
    """
    permits = {role["id"]: role["digest"] for role in tree["roles"]} if derived else {}
    operations = [
        {
            **operation,
            "changes": [_decided_change(change, permits) for change in operation["changes"]],
            "effects": operation["effects"] if derived else [],
        }
        for operation in tree["operations"]
    ]
    counts = {key: count for key, count in tree["summary"].items() if key != "unlisted"}
    return {
        "summary": counts,
        "options": tree["options"],
        "roles": tree["roles"] if derived else [],
        "operations": sorted(operations, key=lambda operation: str(operation["principal"])),
    }


def principals_of(tree: Tree) -> list[str]:
    """Return the labels of everybody a plan changes, in order."""
    return [operation["principal"]["name"] for operation in tree["operations"]]


def differing(one: Tree, two: Tree, *, derived: bool = True) -> list[str]:
    """Return the labels of everybody for whom two plans decide differently, sorted.

    `derived` is that of `decided_part`.
    """
    decided = [
        {str(each["principal"]): each for each in decided_part(tree, derived=derived)["operations"]}
        for tree in (one, two)
    ]
    return sorted(
        {
            each["principal"]["name"]
            for key in decided[0].keys() | decided[1].keys()
            for each in (decided[0].get(key), decided[1].get(key))
            if each is not None and decided[0].get(key) != decided[1].get(key)
        }
    )


def operation_tree(operation: Operation) -> Tree:
    """Return one operation as plain data."""
    return {
        "kind": operation.kind.value,
        "principal": _principal(operation.name, operation.principal_id),
        "full_name": operation.full_name,
        "before": holding_tree(operation.before),
        "after": holding_tree(operation.after),
        "precondition": operation.precondition,
        "changes": [_change(change) for change in operation.changes],
        "notes": list(operation.notes),
        "effects": [_effect(effect) for effect in operation.effects],
        # Absent elsewhere, so that plans saved before there was such a thing still compare.
        **({"revokes_token": True} if operation.revokes_token else {}),
    }


def holding_tree(holding: Holding | None) -> Tree | None:
    """Return what a principal holds as plain data, or None for nobody."""
    if holding is None:
        return None
    return {"level": holding.level.value, "grants": [_grant(grant) for grant in holding.grants]}


def problem_tree(problem: Problem) -> Tree:
    """Return a problem or warning as plain data."""
    return {
        "place": _place(problem.place) if problem.place else None,
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _summary(plan: Plan) -> Tree:
    changes = [change for operation in plan.operations for change in operation.changes]
    kinds = [operation.kind for operation in plan.operations]
    tokens = kinds.count(OperationKind.REVOKE_TOKEN)
    return {
        "grant": sum(change.action is Action.GRANT for change in changes),
        "revoke": sum(change.action is Action.REVOKE for change in changes),
        "invite": kinds.count(OperationKind.INVITE),
        "delete": kinds.count(OperationKind.DELETE),
        "unlisted": len(plan.unlisted),
        **({"tokens": tokens} if tokens else {}),
    }


def _change(change: Change) -> Tree:
    return {
        "action": change.action.value,
        **_grant(change.grant),
        "reason": change.reason.value,
        "risk": change.risk.value,
        "places": _places(change.places),
        "window": _window(change.window),
        "note": change.note,
        "commit": _commit(change.commit) if change.commit else None,
    }


def _decided_change(change: Tree, permits: dict[str, str | None]) -> Tree:
    reason = Reason.POLICY.value if change["reason"] in _BY_COMMIT else change["reason"]
    decided = {**change, "reason": reason, "places": [], "commit": None}
    role = change["role"]["id"]
    # A role that permits something else is not the reviewed one, whatever its name (T35).
    return decided | ({"permits": permits[role]} if role in permits else {"risk": ""})


def _commit(commit: Commit) -> Tree:
    return {"id": commit.id, "author": commit.author, "subject": commit.subject}


def _effect(effect: Effect) -> Tree:
    return {
        "scopes": [_scope(scope) for scope in effect.scopes],
        "before": _role(effect.before) if effect.before else None,
        "after": _role(effect.after) if effect.after else None,
        "is_known": effect.is_known,
        "gained": by_page(effect.gained),
        "lost": by_page(effect.lost),
    }


def _planned_role(role: PlannedRole) -> Tree:
    return {
        "id": role.id,
        "name": role.name,
        "digest": role.digest,
        "permissions": role.permissions,
        "gives_access": role.gives_access,
    }


def _role_change(change: RoleChange) -> Tree:
    return {
        "id": change.id,
        "name": change.name,
        "pinned": change.pinned,
        "actual": change.actual,
        "gives_access": change.gives_access,
        "holders": [name.label for name in change.holders],
        "place": _place(change.place),
    }


def _coming(coming: Coming) -> Tree:
    return {
        "principal": _principal(coming.name, coming.principal_id),
        **_grant(coming.grant),
        "window": _window(coming.window),
        "risk": coming.risk.value,
        "places": _places(coming.places),
        "note": coming.note,
        "is_new": coming.is_new,
        **({"is_longer": True} if coming.is_longer else {}),
    }


def _window(window: Window | None) -> Tree | None:
    if window is None:
        return None
    return {
        "from": instant_text(window.start) if window.start else None,
        "until": instant_text(window.end) if window.end else None,
    }


def _refusal(refusal: Refusal) -> Tree:
    return {
        "rule": refusal.rule,
        "message": refusal.message,
        "remedy": refusal.remedy,
        "places": _places(refusal.places),
    }


def _unlisted(one: UnlistedPrincipal) -> Tree:
    return {
        "principal": _principal(one.name, one.id),
        "holding": holding_tree(one.holding),
        "is_admin": one.is_admin,
    }


def _principal(name: PrincipalName, principal_id: str | None) -> Tree:
    return {"kind": name.kind.value, "name": name.label, "id": principal_id}


def _grant(grant: Grant) -> Tree:
    return {"scope": _scope(grant.scope), "role": _role(grant.role)}


def _scope(scope: Scope) -> Tree:
    return {"level": scope.level.value, "id": scope.id, "name": scope.name}


def _role(role: Role) -> Tree:
    return {"id": role.id, "name": role.name}


def _places(places: Iterable[Place]) -> list[Tree]:
    return [_place(place) for place in places]


def _place(place: Place) -> Tree:
    return {"file": place.file, "line": place.line, "column": place.column}
