"""What pinning again agrees to, in words; who and what changed its identity comes first."""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.domain.pins import Pins
from reconciler.domain.plan import RoleChange
from reconciler.planning.repinning import Move, PinChange
from reconciler.rendering.safe import short
from reconciler.rendering.style import Style, Tone

_SHOWN = 20
"""So many additions and removals, which agree to nothing, are listed each."""
_HOLDERS = 10
_LOUD = {Move.IDENTITY, Move.PERMISSIONS}
_MARKS = {Move.RENAMED: "~", Move.VIEW: "~", Move.REMOVED: "-", Move.ADDED: "+"}


def pin_changes_text(
    changes: Sequence[PinChange], roles: Iterable[RoleChange], *, color: bool
) -> str:
    """Return one line a change; `roles` are the changed ones with everybody who holds them."""
    style = Style(color=color)
    by_digests = {(role.pinned, role.actual): role for role in roles}
    lines = []
    for move in Move:
        own = [each for each in changes if each.move is move]
        limit = _SHOWN if move in {Move.ADDED, Move.REMOVED} else len(own)
        for each in own[:limit]:
            mark = style.paint("!", Tone.LOSS, Tone.STRONG) if move in _LOUD else _MARKS[move]
            lines.append(f"{mark} {_told(each)}")
            role = by_digests.get((each.before, each.after))
            lines += list(_held(role)) if role and move is Move.PERMISSIONS else []
        if len(own) > limit:
            lines.append(f"{_MARKS[move]} and {len(own) - limit} more {move.value}")
    return "".join(f"{line}\n" for line in lines)


def pinned_text(pins: Pins) -> str:
    """Say how much is pinned."""
    counts = (
        _count(len(pins.principals), "principal"),
        _count(sum(pin.level == "account" for pin in pins.scopes), "account"),
        _count(sum(pin.level == "site" for pin in pins.scopes), "site"),
        _count(len(pins.roles), "role"),
    )
    return ", ".join(counts)


def _told(change: PinChange) -> str:
    what = f'{change.kind} "{short(change.name)}"'
    before, after = short(change.before), short(change.after)
    told = {
        Move.IDENTITY: f"{what} had the id {before} and has {after} now: the name was given away.",
        Move.PERMISSIONS: _permits(change, what),
        Move.RENAMED: f'{what} is called "{after}" now (id {before}).',
        Move.VIEW: f"{change.kind}: {before} when pinned, {after} now.",
        Move.REMOVED: f"{what} (id {before}) is no longer pinned.",
        Move.ADDED: f"{what} (id {after}).",
    }
    return told[change.move]


def _permits(change: PinChange, what: str) -> str:
    if not change.before:
        return f"{what}: what it permits is pinned for the first time."
    if not change.after:
        return f"{what}: what it permits could not be read, and is no longer pinned."
    return f"{what} permits something else than when it was pinned."


def _held(role: RoleChange) -> Iterator[str]:
    if role.gives_access:
        yield "    It now gives power over access itself."
    names = [short(name.label) for name in role.holders]
    more = f" and {len(names) - _HOLDERS} more" if len(names) > _HOLDERS else ""
    yield f"    Held by {', '.join(names[:_HOLDERS]) or 'nobody'}{more}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
