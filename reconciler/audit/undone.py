"""The records of one run -> what it did, as a plan that undoes it needs it. Pure.

The journal is the only witness: an undo that somebody wrote by hand is compared with this.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.audit.chain import Record
from reconciler.domain.access import Level
from reconciler.domain.digest import digest
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Reason, UndoOf
from reconciler.domain.undo import Done, Entries, Undo
from reconciler.errors import JournalError, RefusedError

_UNDOABLE = frozenset({"invite", "update", "delete"})
_OPEN = frozenset({"", "unknown"})

Key = tuple[str, str]
"""Label and id of a principal."""


def undo_of(records: Sequence[Record], run: str) -> UndoOf:
    """Name a run by its last record; how its id begins is enough, when no other begins so.

    Raises RefusedError when the journal does not hold it, or several that begin so.
    """
    runs = {record.run for record in records if run and record.run.startswith(run)}
    if len(runs) > 1 and run not in runs:
        raise RefusedError(
            f"{len(runs)} runs of the journal begin with {run!a}: {', '.join(sorted(runs)[:3])}...",
            "Write more of the id; `reconciler audit show --runs` lists them.",
        )
    chosen = run if run in runs else "".join(runs)
    own = [record for record in records if record.run == chosen]
    if not own:
        raise _unknown(run)
    return UndoOf(chosen, own[-1].hash)


def undone(records: Iterable[Record], of: UndoOf) -> Undo:
    """Return what a run did, from the records of an unbroken chain.

    What did not happen is left out; what may have happened is named. Of what a run that died left
    open, a later run's look decides. Raises RefusedError when the journal does not hold the run,
    JournalError for records of an unknown form.
    """
    known = tuple(records)
    own = [record for record in known if record.run == of.run]
    if not any(record.hash == of.head for record in own):
        raise _unknown(of.run)
    origin = ""
    intents: dict[Key, dict[str, Any]] = {}
    numbers: dict[int, Key] = {}
    ended: dict[Key, tuple[str, str]] = {}
    for record in own:
        data = record.data
        try:
            match record.kind:
                case "run-started":
                    origin = str(data["origin"])
                case "intent" if data["operation"] in _UNDOABLE:
                    intents[_key(data)] = data
                    numbers[record.sequence] = _key(data)
                case "outcome":
                    # What a second reading did not show any more is recorded once more.
                    ended[_key(data)] = str(data["result"]), str(data["created_id"])
        except (KeyError, TypeError) as error:
            raise _strange(record) from error
    for key, result in _seen(known, numbers).items():
        told, created = ended.get(key, ("", ""))
        ended[key] = _settled(told, result), created
    done = [_done(intents[key], *ended.get(key, ("", ""))) for key in intents]
    changed = tuple(one.name for result, one in done if result == "changed since")
    applied = tuple(one for result, one in done if result == "applied")
    still_open = tuple(one.name for result, one in done if result in _OPEN)
    things = [[one.name.label, one.id, _told(one.before), _told(one.after)] for one in applied]
    return Undo(of, origin, applied, still_open, digest([of.run, origin, things]), changed)


def _seen(records: Iterable[Record], numbers: Mapping[int, Key]) -> dict[Key, str]:
    """Return what later runs saw of intents, by their numbers."""
    looks = [record.data for record in records if record.kind == "resolved"]
    return {
        numbers[number]: str(data.get("result"))
        for data in looks
        if isinstance(number := data.get("intent"), int) and number in numbers
    }


def _settled(result: str, seen: str) -> str:
    """Return how an operation ended, when a later run saw something of it.

    That what was intended is there does not tell who did it: after an answer that was none it may
    have been somebody else, and nobody's work but the run's own is undone.
    """
    if result not in _OPEN:
        return result
    return "unknown" if result and seen == "applied" else seen


def _done(intent: dict[str, Any], result: str, created: str) -> tuple[str, Done]:
    principal = intent["principal"]
    try:
        before, after = _entries(intent["before"]), _entries(intent["after"])
        closed = _closed(intent["changes"])
        name = PrincipalName.parse(principal["name"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JournalError(
            f"What the journal says of {principal['name']} has a form that this version does not "
            "know.",
            "Use the version that wrote it.",
        ) from error
    return result, Done(name, principal["id"] or created, before, after, closed)


def _closed(changes: list[dict[str, Any]]) -> frozenset[tuple[str, str]]:
    ended = (one for one in changes if one["reason"] == Reason.WINDOW_CLOSED.value)
    return frozenset((str(one["scope_id"]), str(one["role_id"])) for one in ended)


def _entries(holding: Any) -> Entries | None:
    if holding is None:
        return None
    pairs = frozenset((str(one["scope_id"]), str(one["role_id"])) for one in holding["grants"])
    return Entries(Level(holding["level"]), pairs)


def _told(entries: Entries | None) -> Any:
    return entries and [entries.level.value, sorted(entries.pairs)]


def _key(data: dict[str, Any]) -> Key:
    return str(data["principal"]["name"]), str(data["principal"]["id"])


def _strange(record: Record) -> JournalError:
    return JournalError(
        f"Record {record.sequence} of the journal ({record.kind}) has a form that this version "
        "does not know.",
        "Use the version that wrote it.",
    )


def _unknown(run: str) -> RefusedError:
    return RefusedError(
        f"The journal does not hold the run {run!a} that is to be undone, or not as it was.",
        "Name the journal of that run with --journal; `reconciler audit show --runs` lists them.",
    )
