"""What earlier runs took away, and which ends they judged: the memory behind the guardrails.

Read without a lock, so that a plan can be made while an apply runs. A torn last line is what a
crash leaves and is passed over; everything else that does not fit is an error, because a budget
that rests on half a record is none.
"""

import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.audit.chain import Record, read_chain
from reconciler.domain.access import Level
from reconciler.domain.ends import End, EndKey
from reconciler.domain.names import PrincipalName
from reconciler.errors import JournalError

_DID_NOTHING = frozenset({"conflict", "failed", "not attempted"})
"""Outcomes after which nobody lost anything; whatever else is said may have happened."""

_MOST = 1_000_000


def read_history(path: Path) -> tuple[Record, ...]:
    """Return the records of a journal, none where there is no file yet.

    Raises JournalError when it cannot be read, or was edited, cut or mixed with another.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Reading a pipe would never end.
            raise _unreadable(path, "it is not a regular file")
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    chain = read_chain(content)
    if chain.fault:
        raise JournalError(
            f"The journal {path} is broken at record {chain.fault.record}: it {chain.fault.what}.",
            chain.fault.remedy
            or "The rolling budget rests on it. Keep the file as evidence, find out who changed "
            "it, and name another with --journal.",
        )
    return chain.records


def past_revokes(records: Iterable[Record], origin: str | None) -> tuple[datetime, ...]:
    """Return the instants, in UTC, at which earlier runs took a scope from somebody.

    Once for each scope, as the limits count: the end of a window counts for nothing. What may
    have happened counts: an outcome that is unknown, an intent that no outcome answers. With an
    origin, only what was done on that console counts, and what does not say where.

    Raises JournalError for a record that has another form than this product writes.
    """
    elsewhere: set[str] = set()
    opened: dict[tuple[str, str, str], int] = {}
    taken: dict[int, tuple[datetime, ...]] = {}
    for record in records:
        data = record.data
        try:
            match record.kind:
                case "run-started" if origin is not None and data["origin"] != origin:
                    elsewhere.add(record.run)
                case "run-started" if "taken" in data:
                    taken[record.sequence] = (_instant(record.time),) * _size(data["taken"])
                case "intent" if record.run not in elsewhere:
                    opened[_key(record)] = record.sequence
                    taken[record.sequence] = (_instant(record.time),) * _count(data)
                case "outcome":
                    intent = opened.pop(_key(record), 0)
                    if data["result"] in _DID_NOTHING:
                        taken.pop(intent, None)
                case "resolved" if data["result"] == "not applied":
                    taken.pop(data["intent"], None)
        except (KeyError, TypeError, ValueError) as error:
            raise _unknown_form(record, "the rolling budget rests on it") from error
    return tuple(sorted(instant for instants in taken.values() for instant in instants))


def applied_policies(records: Iterable[Record], origin: str | None) -> frozenset[str] | None:
    """Return the digests of every policy that a run applied whole; None when there was no run.

    With an origin, only runs on that console count. A foreign record's form is not trusted.
    """
    begun: dict[str, tuple[str, Any]] = {}
    applied: set[str] = set()
    for record in records:
        data = record.data
        match record.kind:
            case "run-started" if origin is None or data.get("origin") == origin:
                begun[record.run] = str(data.get("policy_digest")), data.get("operations")
            case "run-finished" if record.run in begun:
                digest, count = begun[record.run]
                if is_whole(data.get("results"), count):
                    applied.add(digest)
    return frozenset(applied) if begun else None


def is_whole(results: object, operations: object) -> bool:
    """Tell whether a run applied all of its operations, by the counts of its end and its start.

    A run that stopped before its first operation has no results either.
    """
    return results == ({} if operations == 0 else {"applied": operations})


def judged_ends(records: Iterable[Record], origin: str | None) -> frozenset[End] | None:
    """Return the last end that a run judged for each triple; None when no run judged any.

    With an origin, only by runs on that console. Raises JournalError for a record that has
    another form than this product writes.
    """
    found: dict[EndKey, End] | None = None
    for record in records:
        data = record.data
        if record.kind != "run-started" or "ends" not in data:
            continue
        try:
            if origin is None or data["origin"] == origin:
                ends = [_end(each) for each in data["ends"]]
                found = {**(found or {}), **{end.key: end for end in ends}}
        except (KeyError, TypeError, ValueError) as error:
            raise _unknown_form(record, "what may end rests on it") from error
    return None if found is None else frozenset(found.values())


def _key(record: Record) -> tuple[str, str, str]:
    """Tell the operations of a run apart: names of service users are not unique, ids are."""
    principal = record.data["principal"]
    return record.run, principal["name"], principal["id"]


def _end(data: dict[str, Any]) -> End:
    principal = data["principal"]
    texts = (principal["name"], principal["id"], data["scope_id"], data["role_id"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(data)
    name, id_, scope_id, role_id = texts
    until = None if data["until"] == "" else _instant(data["until"])
    named = PrincipalName.parse(name)
    if named.kind != principal["kind"]:
        raise ValueError(name)
    return End(named, id_, Level(data["scope_level"]), scope_id, role_id, until)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant


def _count(data: dict[str, Any]) -> int:
    """Return how many scopes an intent takes away.

    Records of the first version do not say; every revoked scope that is not held afterwards then
    counts, the end of windows too.
    """
    if "taken" not in data:
        after = data["after"]["grants"] if data["after"] else ()
        kept = {grant["scope_id"] for grant in after}
        return sum(
            change["action"] == "revoke" and change["scope_id"] not in kept
            for change in data["changes"]
        )
    return _size(data["taken"])


def _size(count: object) -> int:
    if type(count) is not int or not 0 <= count <= _MOST:
        raise ValueError(count)
    return count


def _unknown_form(record: Record, why: str) -> JournalError:
    return JournalError(
        f"Record {record.sequence} of the journal ({record.kind}) has a form that this version "
        f"does not know, and {why}.",
        "Use the version that wrote it; or keep the file and name another with --journal.",
    )


def _unreadable(path: Path, why: str) -> JournalError:
    return JournalError(
        f"The journal {path} cannot be read: {why}.",
        "The rolling budget rests on it: make it readable, or name another with --journal.",
    )
