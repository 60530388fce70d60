"""Plan and outcome -> the plain data of journal records. Pure; the journal adds the chain."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.audit.unfinished import Resolution
from reconciler.domain.ends import End
from reconciler.domain.instants import instant_text
from reconciler.domain.names import PrincipalName
from reconciler.domain.outcome import Outcome
from reconciler.domain.plan import Change, Holding, Operation, Plan
from reconciler.domain.review import Approval, Review

Data = dict[str, Any]


def run_started(
    plan: Plan,
    *,
    tool_version: str,
    actor: str,
    locks: list[dict[str, str]] | None = None,
    review: Review | None = None,
) -> Data:
    """Describe the run: which plan, on which console, with whose token, under which locks.

    `review` says who looked at it before; an apply by hand has none.
    """
    overrides = [each.message for each in plan.warnings if each.code == "override-in-force"]
    return {
        **({"overrides": overrides} if overrides else {}),
        **({"review": _review(review)} if review else {}),
        **({"locks": locks} if locks else {}),
        **({"undo_of": plan.options.undo_of.run} if plan.options.undo_of else {}),
        "tool_version": tool_version,
        "origin": plan.origin,
        "account_ids": list(plan.account_ids),
        "actor": actor,
        "content_digest": plan.content_digest,
        "policy_digest": plan.policy_digest,
        "guardrails_digest": plan.guardrails_digest,
        "operations": len(plan.operations),
    }


def left_out(count: int) -> Data:
    """Describe how many operations of what was reviewed no longer hold, for the start of a run."""
    return {"left_out": count} if count else {}


def decided(now: datetime, unsettled: Mapping[PrincipalName, datetime | None]) -> Data:
    """Describe at which instant a run judged windows, and whom it leaves as they are.

    With each of these the instant after which a window of theirs began or ended unplanned.
    """
    left = [
        {"name": name.label, **({"since": instant_text(since)} if since else {})}
        for name, since in unsettled.items()
    ]
    return {"decided": instant_text(now), **({"unsettled": left} if left else {})}


def ends(plan: Plan) -> Data:
    """Describe until when grants last that the guardrails let pass, for the start of a run.

    Nothing for a run that judges no policy, or only a part while the record has not begun.
    """
    if plan.ends is None or plan.options.undo_of:
        return {}
    return {"ends": [_end(end) for end in plan.ends], "taken": plan.taken}


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
        "revokes_token": operation.revokes_token,
        "note": operation.note or "",
    }


def outcome(result: Outcome) -> Data:
    """Describe what became of an operation, and of the API token that was to end first."""
    return {
        **({"token": result.token.value} if result.token else {}),
        **({"remains": result.remains} if result.remains else {}),
        "operation": result.operation.kind.value,
        "principal": _principal(result.operation),
        "result": result.result.value,
        "detail": result.detail,
        "created_id": result.created_id or "",
        "changes": [_change(change) for change in result.operation.changes],
    }


def token_revocation(operation: Operation, result: str, detail: str) -> Data:
    """Describe the step before somebody is deleted or parked: the API token is revoked."""
    return {"principal": _principal(operation), "result": result, "detail": detail}


def refused(plan: Plan, *, tool_version: str, actor: str, review: Review | None = None) -> Data:
    """Describe a plan that a guardrail refused to carry out; nothing was written."""
    rules = sorted({refusal.rule for refusal in plan.refusals})
    told = run_started(plan, tool_version=tool_version, actor=actor, review=review)
    return {**told, "rules": rules}


def resolved(resolution: Resolution) -> Data:
    """Describe what a later reading shows of an intent that no outcome answers."""
    return {
        "principal": resolution.intent.data["principal"],
        "intent": resolution.intent.sequence,
        "result": resolution.result,
        "detail": resolution.detail,
    }


def run_finished(outcomes: list[Outcome], undo: str = "") -> Data:
    """Describe how the run ended, as counts per result, and where its inverse was saved."""
    counts: dict[str, int] = {}
    for each in outcomes:
        counts[each.result.value] = counts.get(each.result.value, 0) + 1
    return {"results": counts, **({"undo": undo} if undo else {})}


def _principal(operation: Operation) -> Data:
    return {
        "kind": operation.name.kind.value,
        "name": operation.name.label,
        "id": operation.principal_id or "",
    }


def _review(review: Review) -> Data:
    texts = {
        "run": review.run,
        "started_by": review.started_by,
        "request": review.request,
        "url": review.url,
        "head": review.head,
        "author": review.author,
        "merged_by": review.merged_by,
        "skipped": review.skipped,
    }
    told: Data = {name: text for name, text in texts.items() if text}
    if review.request:
        told["approvals"] = [_approval(one) for one in review.approvals]
    return {**told, "trigger": review.trigger, "commit": review.commit}


def _approval(approval: Approval) -> Data:
    at = {"at": instant_text(approval.at.astimezone(UTC))} if approval.at else {}
    return {"by": approval.by, "commit": approval.commit, **at}


def _end(end: End) -> Data:
    return {
        "principal": {
            "kind": end.name.kind.value,
            "name": end.name.label,
            "id": end.principal_id,
        },
        "scope_level": end.level.value,
        "scope_id": end.scope_id,
        "role_id": end.role_id,
        "until": instant_text(end.until) if end.until else "",
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
    end = change.window.end if change.window else None
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
        **({"until": instant_text(end)} if end else {}),
    }
