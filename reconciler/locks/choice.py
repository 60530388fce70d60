"""Which locks an apply takes, by the environment alone: nothing of a repository steers them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import SettingsError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LEASE = re.compile(rf"{_LABEL}/{_LABEL}(?:\.{_LABEL})*")
# An address: https without user information, ssh with at most a user name, or a path.
_REMOTE = re.compile(
    r"https://[A-Za-z0-9\[][A-Za-z0-9.:\]-]*/[!-?A-~]+|ssh://(?:\w[\w.-]*@)?[A-Za-z0-9\[][A-Za-z0-9.:\]-]*/[!-~]+"
    r"|file:///[!-~]+|/[!-~]+",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SharedLock:
    """A lock that several machines know."""

    kind: str
    """`lease` or `git`."""
    place: str
    """`NAMESPACE/NAME` of a Lease, or the address of a git repository."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder where this user's runs keep what one has to know of another.

    RECONCILER_STATE, or `reconciler` below XDG_STATE_HOME or below HOME's `.local/state`. Raises
    SettingsError when none is an absolute path: a folder that depends on where a command was
    started would keep nobody apart.
    """
    named = environ.get("RECONCILER_STATE", "")
    folder = Path(named)
    if not named:
        base = Path(environ.get("XDG_STATE_HOME", ""))
        if not base.is_absolute():
            base = Path(environ.get("HOME", "")) / ".local" / "state"
        folder = base / "reconciler"
    if not folder.is_absolute() or "\0" in named:
        why = "RECONCILER_STATE is not an absolute path" if named else "HOME is not set"
        raise SettingsError(
            f"no folder is known for the lock between applies: {why}",
            "Set RECONCILER_STATE to a folder that this user can write, the same one for every"
            " apply on this machine.",
        )
    return folder


def shared_lock(environ: Mapping[str, str]) -> SharedLock | None:
    """Return the lock that RECONCILER_LOCK names beside the local one; None without it.

    Raises SettingsError for another form than `lease:NAMESPACE/NAME` or `git:REMOTE`. A remote's
    short name, such as origin, is none: what it means stands in the repository.
    """
    text = environ.get("RECONCILER_LOCK", "").strip()
    if not text:
        return None
    kind, _, place = text.partition(":")
    form = {"lease": _LEASE, "git": _REMOTE}.get(kind)
    if form is None or not form.fullmatch(place):
        raise SettingsError(
            "RECONCILER_LOCK is neither lease:NAMESPACE/NAME nor git:REMOTE",
            "A REMOTE is an absolute path, or an address that begins with https://, ssh:// or"
            " file:///; without user name and password, which git asks its credential helper for.",
        )
    return SharedLock(kind, place)
