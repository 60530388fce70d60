"""Plan and outcome -> the plain data of journal records. Pure; the journal adds the chain."""

from typing import Any

from reconciler.audit.unfinished import Resolution
from reconciler.domain.outcome import Outcome
from reconciler.domain.plan import Change, Holding, Operation, Plan

Data = dict[str, Any]


def run_started(plan: Plan, *, tool_version: str, actor: str) -> Data:
    """Describe the run: which plan, on which console, with whose token."""
    return {
        "tool_version": tool_version,
        "origin": plan.origin,
        "account_ids": list(plan.account_ids),
        "actor": actor,
        "content_digest": plan.content_digest,
        "policy_digest": plan.policy_digest,
        "guardrails_digest": plan.guardrails_digest,
        "operations": len(plan.operations),
    }


def intent(operation: Operation) -> Data:
    """Describe what is about to be asked of the console."""
    return {
        "operation": operation.kind.value,
        "principal": _principal(operation),
        "before": _holding(operation.before),
        "after": _holding(operation.after),
        "precondition": operation.precondition,
        "changes": [_change(change) for change in operation.changes],
        "taken": operation.taken,
    }


def outcome(result: Outcome) -> Data:
    """Describe what became of an operation."""
    return {
        "operation": result.operation.kind.value,
        "principal": _principal(result.operation),
        "result": result.result.value,
        "detail": result.detail,
        "created_id": result.created_id or "",
        "changes": [_change(change) for change in result.operation.changes],
    }


def refused(plan: Plan, *, tool_version: str, actor: str) -> Data:
    """Describe a plan that a guardrail refused to carry out; nothing was written."""
    rules = sorted({refusal.rule for refusal in plan.refusals})
    return {**run_started(plan, tool_version=tool_version, actor=actor), "rules": rules}


def resolved(resolution: Resolution) -> Data:
    """Describe what a later reading shows of an intent that no outcome answers."""
    return {
        "principal": resolution.intent.data["principal"],
        "intent": resolution.intent.sequence,
        "result": resolution.result,
        "detail": resolution.detail,
    }


def run_finished(outcomes: list[Outcome]) -> Data:
    """Describe how the run ended, as counts per result."""
    counts: dict[str, int] = {}
    for each in outcomes:
        counts[each.result.value] = counts.get(each.result.value, 0) + 1
    return {"results": counts}


def _principal(operation: Operation) -> Data:
    return {
        "kind": operation.name.kind.value,
        "name": operation.name.label,
        "id": operation.principal_id or "",
    }


def _holding(holding: Holding | None) -> Data | None:
    if holding is None:
        return None
    return {
        "level": holding.level.value,
        "grants": [
            {"scope_id": grant.scope.id, "role_id": grant.role.id} for grant in holding.grants
        ],
    }


def _change(change: Change) -> Data:
    return {
        "action": change.action.value,
        "role": change.grant.role.name,
        "role_id": change.grant.role.id,
        "scope": change.grant.scope.name,
        "scope_id": change.grant.scope.id,
        "scope_level": change.grant.scope.level.value,
        "reason": change.reason.value,
        "risk": change.risk.value,
        "places": [str(place) for place in change.places],
        "note": change.note or "",
        "commit": change.commit.id if change.commit else "",
    }
