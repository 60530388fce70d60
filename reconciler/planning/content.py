"""The content digest: what a reviewer approved, without when and by whom it was computed."""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from reconciler.domain.digest import digest
from reconciler.domain.plan import Holding, Operation, Options


def content_digest(options: Options, operations: Iterable[Operation]) -> str:
    """Digest what a plan does: options, operations, before, after and preconditions.

    Time, identity, commit, places and wording are evidence and stay outside. Names of roles
    and scopes are inside, so that an id whose name changed is not the reviewed plan (T35).
    """
    return digest(
        {
            "options": {
                "no_revokes": options.no_revokes,
                "targets": sorted(f"{name.kind}:{name.key}" for name in options.targets),
                **({"undo_of": [undo.run, undo.head]} if (undo := options.undo_of) else {}),
            },
            # By principal, not by execution: the order depends on whose token it is.
            "operations": sorted(map(_operation, operations), key=itemgetter("principal")),
        }
    )


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "kind": operation.kind.value,
        "principal": [operation.name.kind.value, operation.name.key, operation.principal_id or ""],
        "full_name": operation.full_name if operation.principal_id is None else "",
        "before": _holding(operation.before),
        "after": _holding(operation.after),
        "precondition": operation.precondition,
        # Absent elsewhere, so that plans saved before there was such a thing still compare.
        **({"revokes_token": True} if operation.revokes_token else {}),
    }


def _holding(holding: Holding | None) -> dict[str, Any] | None:
    if holding is None:
        return None
    return {
        "level": holding.level.value,
        "grants": [[g.scope.id, g.scope.name, g.role.id, g.role.name] for g in holding.grants],
    }
