"""A saved plan: written 0600 and whole or not at all, read strictly against its schema."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.documents.private_file import Kind, check_writable, read_private, write_private
from reconciler.domain.access import Grant, Level, Role, Scope, sort_grants
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Options, PlannedRole, UndoOf
from reconciler.domain.saved import SavedOperation, SavedPlan
from reconciler.errors import RefusedError

_PLAN = Kind(
    word="plan",
    article="a saved plan",
    schema="plan.schema.json",
    limit=64 * 1024 * 1024,
    made_by="reconciler plan --out FILE",
)


def sealed(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's machine form with a digest over everything in it (T61).

    The seal tells damage and careless edits; what may be executed is decided by recomputing.
    """
    rest = {key: value for key, value in tree.items() if key != "seal"}
    # ASCII with sorted keys: names from the console may hold what canonical JSON cannot.
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return {**rest, "seal": "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()}


def write_plan_file(path: Path, text: str) -> None:
    """Save a plan as `write_private` does; raises SettingsError when it cannot be written."""
    write_private(path, text, _PLAN)


def check_plan_path(path: Path) -> None:
    """Raise SettingsError when no plan could be saved there."""
    check_writable(path, _PLAN)


def read_plan_file(path: Path) -> dict[str, Any]:
    """Return the machine form of a saved plan.

    Raises SettingsError when it cannot be read or does not match the published schema, and
    RefusedError when it was changed after it was saved.
    """
    tree = read_private(path, _PLAN)
    try:
        datetime.fromisoformat(tree["evidence"]["instant"])
    except ValueError as error:
        # The schema knows the form of an instant, but not that there is no 13th month.
        raise _PLAN.unreadable(path, f"its instant is no date, {error}") from error
    if "seal" not in tree:
        raise RefusedError(
            f"{path} has no seal: it is what `plan --format json` prints, not a saved plan.",
            f"Save one with: {_PLAN.made_by}",
        )
    if tree != sealed(tree):
        raise RefusedError(
            f"{path} was changed after it was saved.",
            "Plan again, and have the new plan reviewed.",
        )
    return tree


def saved_plan(tree: dict[str, Any]) -> SavedPlan:
    """Return what a plan file binds, from its machine form as `read_plan_file` returns it."""
    return SavedPlan(
        content_digest=tree["content_digest"],
        policy_digest=tree["policy_digest"],
        guardrails_digest=tree["guardrails_digest"],
        origin=tree["tenant"]["origin"],
        account_ids=tuple(tree["tenant"]["account_ids"]),
        view_level=Level(tree["tenant"]["view"]["level"]),
        view_sites=tree["tenant"]["view"]["sites"],
        instant=datetime.fromisoformat(tree["evidence"]["instant"]),
        options=Options(
            targets=tuple(PrincipalName.parse(label) for label in tree["options"]["targets"]),
            no_revokes=tree["options"]["no_revokes"],
            undo_of=UndoOf(**undo) if (undo := tree["options"].get("undo_of")) else None,
        ),
        operations=tuple(_operation(operation) for operation in tree["operations"]),
        roles=tuple(PlannedRole(**role) for role in tree["roles"]),
        tool_version=tree["evidence"]["tool_version"],
    )


def _operation(tree: dict[str, Any]) -> SavedOperation:
    return SavedOperation(
        name=PrincipalName.parse(tree["principal"]["name"]),
        principal_id=tree["principal"]["id"],
        after=_holding(tree["after"]) if tree["after"] else None,
        precondition=tree["precondition"],
        revokes_token=tree.get("revokes_token", False),
    )


def _holding(tree: dict[str, Any]) -> Holding:
    return Holding(Level(tree["level"]), sort_grants([_grant(grant) for grant in tree["grants"]]))


def _grant(tree: dict[str, Any]) -> Grant:
    scope, role = tree["scope"], tree["role"]
    return Grant(
        Scope(Level(scope["level"]), scope["id"], scope["name"]), Role(role["id"], role["name"])
    )
