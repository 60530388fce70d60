"""A saved plan: written 0600 and whole or not at all, read strictly against its schema."""

import contextlib
import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options, SavedPlan
from reconciler.errors import SettingsError
from reconciler.resources import resource

_LIMIT = 64 * 1024 * 1024
"""Bytes of a plan file that are read at most."""


def write_plan_file(path: Path, text: str) -> None:
    """Put a plan into place: only its owner can read it, and nobody ever sees half of it (T64).

    Raises SettingsError when the path cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise SettingsError(
            f"The plan cannot be saved to {path}: {error.strerror or error}.",
            "Name a path in a folder that can be written.",
        ) from error


def read_plan_file(path: Path) -> dict[str, Any]:
    """Return the machine form of a saved plan.

    Raises SettingsError when it cannot be read or does not match the published schema.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(content) > _LIMIT:
        raise _unreadable(path, "it is larger than any plan")
    try:
        tree = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, "it is not JSON") from error
    schema = json.loads((resource("schemas") / "plan.schema.json").read_text("utf-8"))
    errors = sorted(Draft202012Validator(schema).iter_errors(tree), key=lambda e: e.json_path)
    if errors:
        where = errors[0].json_path
        raise _unreadable(path, f"it does not match schemas/plan.schema.json at {where}")
    return dict(tree)


def saved_plan(tree: dict[str, Any]) -> SavedPlan:
    """Return what a plan file binds, from its machine form."""
    return SavedPlan(
        content_digest=tree["content_digest"],
        policy_digest=tree["policy_digest"],
        guardrails_digest=tree["guardrails_digest"],
        origin=tree["tenant"]["origin"],
        account_ids=tuple(tree["tenant"]["account_ids"]),
        instant=datetime.fromisoformat(tree["evidence"]["instant"]),
        options=Options(
            targets=tuple(PrincipalName.parse(label) for label in tree["options"]["targets"]),
            no_revokes=tree["options"]["no_revokes"],
        ),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key is repeated")
    return keys


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{path} cannot be read as a saved plan: {why}.",
        "Make one with: reconciler plan --out FILE",
    )
