"""The journal against the console's own activity log: who wrote what nobody recorded (T08). Pure.

The two are joined by target, kind of activity and time, since the log knows nothing of our
intents. It names actors by full name only, and two clocks are compared, so what matches within
TOLERANCE is believed; where an activity names role or scope, those must fit the intent too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.audit.chain import Record
from reconciler.audit.writes import Write, instant_of, writes

TOLERANCE = timedelta(minutes=5)
"""How far the console's clock and ours may be apart, and how long an activity may take to show."""

_EXPLAINS = {
    "invite": frozenset({23, 24, 37, 110, 111}),
    "update": frozenset({24, 37, 110, 111, 140, 141, 142}),
    "delete": frozenset({25, 142}),
    "create": frozenset({140}),
}
"""Operation -> the activities it leaves (API reference, section 8); others may leave any."""

_NEW = frozenset({"invite", "create"})
"""The console makes up the id, which a lost answer never told."""

_GAINS = frozenset({37, 140, 141})
"""These name the role and the scope that somebody holds from then on."""
_LOST = 142

_WROTE_NOTHING = frozenset({"conflict", "not attempted"})


@dataclass(frozen=True, slots=True)
class Activity:
    """One entry of the console's log."""

    id: str
    type: int
    time: str
    """ISO 8601, by the console's clock."""
    actor: str
    """Full name, which is not unique; empty where the console names nobody."""
    target: str
    """Id of the user or service user."""
    target_name: str
    scope_id: str
    """Of the site or the account it stands on; empty for the tenant."""
    role: str
    """Name; empty where none is given."""
    text: str
    """The console's own sentence."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the console told, and what it can tell at all."""

    activities: tuple[Activity, ...]
    begins: datetime | None
    """Its oldest entry of any kind; None when unknown."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared."""

    origin: str
    own_names: frozenset[str]
    """Full names under which this product writes."""
    now: datetime
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What the log and the journal say of each other."""

    explained: int
    """Activities of ours that an intent explains."""
    ghosts: tuple[Activity, ...]
    """Activities under our name that no intent explains."""
    missing: tuple[Write, ...]
    """Writes on record as applied that the log does not show."""
    others: tuple[Activity, ...]
    """What others did to principals that the journal names."""
    elsewhere: int
    """Activities of others on everybody else."""
    recent: int
    """Applied writes too young for the log to be blamed."""
    untold: int
    """Applied writes from before the log begins."""


def reconcile(records: Iterable[Record], log: Log, asked: Asked) -> Compared:
    """Compare a journal with a log. A foreign record's form is not trusted."""
    known = [write for write in writes(records) if write.origin in {"", asked.origin}]
    by_target = _by_target(known)
    judged = [each for each in log.activities if _is_late(instant_of(each.time), asked.since)]
    own, foreign = _parted(judged, asked.own_names)
    ghosts = [each for each in own if not _explanations(each, by_target)]
    others = [each for each in foreign if each.target in by_target]
    shown = {
        write.sequence
        for each in log.activities
        if each.actor in asked.own_names
        for write in _explanations(each, by_target)
    }
    unseen = [each for each in known if each.sequence not in shown and _is_due(each, asked.since)]
    recent = [each for each in unseen if each.ended > asked.now - TOLERANCE]
    early = [each for each in unseen if log.begins and each.ended < log.begins - TOLERANCE]
    return Compared(
        explained=len(own) - len(ghosts),
        ghosts=tuple(ghosts),
        missing=tuple(each for each in unseen if each not in recent and each not in early),
        others=tuple(others),
        elsewhere=len(foreign) - len(others),
        recent=len(recent),
        untold=len(early),
    )


def _by_target(known: Iterable[Write]) -> dict[str, list[Write]]:
    found: dict[str, list[Write]] = {}
    for write in known:
        found.setdefault(write.id, []).append(write)
    return found


def _parted(
    activities: Iterable[Activity], own_names: frozenset[str]
) -> tuple[list[Activity], list[Activity]]:
    own: list[Activity] = []
    foreign: list[Activity] = []
    for each in activities:
        (own if each.actor in own_names else foreign).append(each)
    return own, foreign


def _explanations(activity: Activity, by_target: dict[str, list[Write]]) -> list[Write]:
    """Return the writes that may have left an activity."""
    known = by_target.get(activity.target, ()) if activity.target else ()
    # An invitation whose answer was lost: nobody told us the id.
    lost = (each for each in by_target.get("", ()) if each.operation in _NEW)
    return [write for write in (*known, *lost) if _explains(write, activity)]


def _is_late(instant: datetime | None, since: datetime | None) -> bool:
    """Tell whether something is asked about; what has no readable time is."""
    return since is None or instant is None or since <= instant


def _is_due(write: Write, since: datetime | None) -> bool:
    """Tell whether the log must show a write: it is on record as applied, and asked about.

    A rotated token changes nothing that the log is asked for.
    """
    is_shown = write.operation in _EXPLAINS
    return is_shown and write.result == "applied" and _is_late(write.began, since)


def _explains(write: Write, activity: Activity) -> bool:
    instant = instant_of(activity.time)
    return (
        write.result not in _WROTE_NOTHING
        and instant is not None
        and write.began - TOLERANCE <= instant <= write.ended + TOLERANCE
        and activity.type in _EXPLAINS.get(write.operation, {activity.type})
        and _fits(write, activity)
    )


def _fits(write: Write, activity: Activity) -> bool:
    """Tell whether role and scope of an activity are what the write asked for."""
    if activity.type == _LOST:
        return activity.scope_id not in write.holds
    if activity.type not in _GAINS:
        return True
    role = write.gains.get(activity.scope_id)
    is_other = bool(role and activity.role and role != activity.role)
    return activity.scope_id in write.holds and not is_other
