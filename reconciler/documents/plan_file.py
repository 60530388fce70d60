"""A saved plan: written 0600 and whole or not at all, read strictly against its schema."""

import contextlib
import hashlib
import json
import os
import secrets
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options, SavedPlan
from reconciler.errors import RefusedError, SettingsError
from reconciler.resources import resource

_LIMIT = 64 * 1024 * 1024
"""Bytes of a plan file that are read at most."""


def sealed(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's machine form with a digest over everything in it (T61).

    The seal tells damage and careless edits; what may be executed is decided by recomputing.
    """
    rest = {key: value for key, value in tree.items() if key != "seal"}
    # ASCII with sorted keys: names from the console may hold what canonical JSON cannot.
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return {**rest, "seal": "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()}


def write_plan_file(path: Path, text: str) -> None:
    """Put a plan into place: only its owner can read it, and nobody ever sees half of it (T64).

    Raises SettingsError when the path cannot be written.
    """
    # Not derived from the name of the plan, which may be as long as names can be, or empty.
    temporary = path.parent / f".plan-{secrets.token_hex(8)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The plan cannot be saved to {path}: {_reason(error)}.",
            "Name a path in a folder that can be written.",
        ) from error
    finally:
        # Gone already when it was put into place; an interruption leaves nothing behind either.
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def read_plan_file(path: Path) -> dict[str, Any]:
    """Return the machine form of a saved plan.

    Raises SettingsError when it cannot be read or does not match the published schema, and
    RefusedError when it was changed after it was saved.
    """
    content = _content(path)
    try:
        tree = json.loads(content.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, f"it is not JSON, {_reason(error)}") from error
    schema = json.loads((resource("schemas") / "plan.schema.json").read_text("utf-8"))
    errors = sorted(Draft202012Validator(schema).iter_errors(tree), key=lambda e: e.json_path)
    if errors:
        where = errors[0].json_path
        raise _unreadable(path, f"it does not match schemas/plan.schema.json at {where}")
    try:
        datetime.fromisoformat(tree["evidence"]["instant"])
    except ValueError as error:
        # The schema knows the form of an instant, but not that there is no 13th month.
        raise _unreadable(path, f"its instant is no date, {error}") from error
    if tree != sealed(tree):
        raise RefusedError(
            f"{path} was changed after it was saved.",
            "Plan again, and have the new plan reviewed.",
        )
    return dict(tree)


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
        ),
    )


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file; opening a pipe must not wait for somebody to write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unreadable(path, "it is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(_LIMIT + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from error
    if len(content) > _LIMIT:
        raise _unreadable(path, "it is larger than any plan")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key is repeated")
    return keys


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{path} cannot be read as a saved plan: {why}.",
        "Make one with: reconciler plan --out FILE",
    )
