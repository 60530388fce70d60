"""The journal against the console's own activity log: who wrote what nobody recorded (T08). Pure.

The two are joined by target, kind of activity and time, since the log knows nothing of our
intents. It names actors by full name only, and two clocks are compared, so what matches within
TOLERANCE is believed; where an activity names role or scope, those must fit the intent too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.audit.chain import Record
from reconciler.audit.writes import Write, instant_of, writes

TOLERANCE = timedelta(minutes=5)
"""How far the console's clock and ours may be apart, and how long an activity may take to show."""

_EXPLAINS = {
    "invite": frozenset({23, 24, 37, 110, 111}),
    "update": frozenset({24, 37, 140, 141, 142}),
    "delete": frozenset({25, 113, 114, 142}),
    "create": frozenset({112, 140}),
    "rotate": frozenset({112, 113, 114}),
    "revoke token": frozenset({113, 114}),
}
"""Operation -> the activities it leaves (API reference, section 8); others may leave any."""

_TOKEN_ENDS = frozenset({113, 114})
"""Whatever revokes a token on its way leaves these too."""

_NEW = frozenset({"invite", "create"})
"""The console makes up the id, which a lost answer never told."""

_SHOWN = frozenset({"invite", "update", "delete", "create"})
"""The log must show these. Whether it shows every token that is renewed is not documented."""

_GAINS = frozenset({37, 140, 141})
"""These name the role and the scope that somebody holds from then on."""
_LOST = 142

_WROTE_NOTHING = frozenset({"conflict", "failed", "not attempted"})


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
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Label -> ids of those who are called so now, for the labels of `nameless`."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role id -> its name now."""


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
    known = _known(records, asked.origin)
    reader = _Reader.of(known, log)
    judged = [each for each in log.activities if _is_late(instant_of(each.time), asked.since)]
    own, foreign = _parted(judged, asked.own_names, reader)
    ghosts = [each for each in own if not reader.explanations(each)]
    others = [each for each in foreign if each.target in reader.targets]
    shown = {
        write.sequence
        for each in log.activities
        if each.actor in asked.own_names
        for write in reader.explanations(each)
    }
    unseen = [each for each in known if each.sequence not in shown and _is_due(each, asked.since)]
    recent = [each for each in unseen if each.ended > asked.now - TOLERANCE]
    early = [each for each in unseen if log.begins and each.ended < log.begins - TOLERANCE]
    excused = {each.sequence for each in (*recent, *early)}
    return Compared(
        explained=len(own) - len(ghosts),
        ghosts=tuple(ghosts),
        missing=tuple(each for each in unseen if each.sequence not in excused),
        others=tuple(others),
        elsewhere=len(foreign) - len(others),
        recent=len(recent),
        untold=len(early),
    )


def nameless(records: Iterable[Record], origin: str) -> frozenset[str]:
    """Return the labels of those whom a write may have made without the journal knowing the id."""
    return frozenset(
        write.name
        for write in _known(records, origin)
        if write.operation in _NEW and not write.id and write.result not in _WROTE_NOTHING
    )


def _known(records: Iterable[Record], origin: str) -> list[Write]:
    return [write for write in writes(records) if write.origin in {"", origin}]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Joins activities with writes."""

    targets: Mapping[str, list[Write]]
    """Id of a principal -> its writes."""
    names: Mapping[str, frozenset[str]]
    """Role id -> every name it is known by."""

    @classmethod
    def of(cls, known: Iterable[Write], log: Log) -> "_Reader":
        """Find out who everybody is, and what the roles are called."""
        ids = {label: set(found) for label, found in log.ids.items()}
        names = {id_: {name} for id_, name in log.roles.items()}
        targets: dict[str, list[Write]] = {}
        for write in known:
            ids.setdefault(write.name, set()).update({write.id} - {""})
            for id_, name in write.roles.items():
                names.setdefault(id_, set()).add(name)
        for write in known:
            # Whose id no answer told is who has the name now, or had it in a later write.
            for id_ in {write.id} if write.id else ids[write.name]:
                targets.setdefault(id_, []).append(write)
        return cls(targets, {id_: frozenset(each) for id_, each in names.items()})

    def explanations(self, activity: Activity) -> list[Write]:
        """Return the writes that may have left an activity."""
        known = self.targets.get(activity.target, ()) if activity.target else ()
        return [write for write in known if self._explains(write, activity)]

    def _explains(self, write: Write, activity: Activity) -> bool:
        instant = instant_of(activity.time)
        return (
            instant is not None
            and write.began - TOLERANCE <= instant <= write.ended + TOLERANCE
            and (self._wrote(write, activity) or _ends(write, activity))
        )

    def _wrote(self, write: Write, activity: Activity) -> bool:
        return (
            _may_have_written(write)
            and activity.type in _EXPLAINS.get(write.operation, {activity.type})
            and self._fits(write, activity)
        )

    def _fits(self, write: Write, activity: Activity) -> bool:
        """Tell whether role and scope of an activity are what the write asked for.

        Of a role that the activity does not name, only that something is gained there.
        """
        before, after = (held.get(activity.scope_id) for held in (write.before, write.after))
        if activity.type == _LOST:
            return before is not None and after is None
        if activity.type not in _GAINS:
            return True
        if not activity.role:
            return after is not None and after != before
        return activity.role in self.names.get(after or "", ())


def _may_have_written(write: Write) -> bool:
    # What failed and yet made somebody was written, and is not what was asked for.
    is_there = write.operation in _NEW and bool(write.id)
    return is_there or write.result not in _WROTE_NOTHING


def _ends(write: Write, activity: Activity) -> bool:
    # The token goes first, so it may be gone although nothing else was written.
    may_have = write.took_token or (write.ends_token and _may_have_written(write))
    return may_have and activity.type in _TOKEN_ENDS


def _parted(
    activities: Iterable[Activity], own_names: frozenset[str], reader: _Reader
) -> tuple[list[Activity], list[Activity]]:
    """Part what is ours from what is others'; what names nobody and fits a write is neither."""
    own: list[Activity] = []
    foreign: list[Activity] = []
    for each in activities:
        if each.actor in own_names:
            own.append(each)
        elif each.actor or not reader.explanations(each):
            foreign.append(each)
    return own, foreign


def _is_late(instant: datetime | None, since: datetime | None) -> bool:
    """Tell whether something is asked about; what has no readable time is."""
    return since is None or instant is None or since <= instant


def _is_due(write: Write, since: datetime | None) -> bool:
    """Tell whether the log must show a write: it is on record as applied, and asked about.

    Not one that a later reading found done and that may have been somebody else's work.
    """
    is_shown = write.operation in _SHOWN and not write.is_anyones
    return is_shown and write.result == "applied" and _is_late(write.began, since)
