"""Why somebody has access or lacks it, and who has it: questions that nothing is changed by."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window
from reconciler.domain.state import Principal
from reconciler.errors import Place, SettingsError
from reconciler.planning.catalog import did_you_mean
from reconciler.planning.claims import Claim
from reconciler.planning.inforce import in_force
from reconciler.planning.known import Known, reaches


class State(StrEnum):
    """What the policies say about one triple at the instant."""

    IN_FORCE = "in force"
    COMING = "coming"
    SUSPENDED = "suspended while a window is open"
    CLOSED = "closed"
    NOT_ASKED = "in no policy"
    """The console has it, and no policy asks for it."""


class Standing(StrEnum):
    """How the policies know somebody."""

    MANAGED = "managed"
    FORMER = "former"
    NAMED = "named, but in no assignment"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Source:
    """One place that asks for a triple."""

    place: Place
    group: str | None
    """The group that brought the person in."""
    pattern: str | None
    """The pattern that found the site."""
    window: Window | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """One triple that the policies ask for, the console has, or both."""

    grant: Grant
    """Without a console, the names as written stand for the ids too."""
    state: State
    sources: tuple[Source, ...]
    window: Window | None = None
    """How long what is in force lasts without a break; None when standing."""
    is_held: bool | None = None
    """Whether the console has it; None without a console."""

    @property
    def is_had(self) -> bool:
        """Tell whether somebody has it: by the console, or by the policies where there is none."""
        return self.state is State.IN_FORCE if self.is_held is None else self.is_held


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one principal."""

    name: PrincipalName
    id: str | None
    standing: Standing
    place: Place | None
    """Where the files say so, for `former` and `users`."""
    accesses: tuple[Access, ...]
    """Widest scope first."""
    is_on_console: bool | None = None
    """None without a console."""
    notes: tuple[str, ...] = ()


def explain(known: Known, label: str, on: Scope | None = None) -> Answer:
    """Return every access of one principal, or what reaches one scope.

    Raises SettingsError when nobody is called so, or several are.
    """
    name = known.canonical(PrincipalName.parse(label))
    found = known.principals.get(name, [])
    if len(found) > 1:
        ids = ", ".join(f"id:{principal.id}" for principal in found)
        raise SettingsError(
            f'Several principals on the console are called "{label}": {ids}.',
            "A service user may be named by service:id:...",
        )
    answer = _answer(known, name, found[0] if found else None)
    if answer is None:
        raise _nobody(known, label)
    if on is None:
        return answer
    narrowed = _narrowed(answer, lambda access: reaches(access.grant.scope, on))
    below = {a.grant.scope for a in answer.accesses if on.covers(a.grant.scope)} - {on}
    if not below:
        return narrowed
    told = f"named on {len(below)} scope{'s' if len(below) > 1 else ''} below {on.name} as well"
    return replace(narrowed, notes=(*narrowed.notes, told))


def who_can(known: Known, is_wanted: Callable[[Role], bool], on: Scope) -> tuple[Answer, ...]:
    """Return everybody who has a wanted role on a scope or above it, sorted by name.

    Whoever has it in the console counts, and whoever the policies give it to now.
    """
    everybody = sorted({*known.claims, *known.principals})
    pairs = (
        (name, principal) for name in everybody for principal in known.principals.get(name, [None])
    )
    answers = (_answer(known, name, principal) for name, principal in pairs)
    narrowed = (
        _narrowed(answer, lambda access: _counts(access, is_wanted, on))
        for answer in answers
        if answer
    )
    return tuple(answer for answer in narrowed if answer.accesses)


def places_of(answer: Answer) -> Iterable[Place]:
    """Return every place that an answer names."""
    if answer.place:
        yield answer.place
    yield from (source.place for access in answer.accesses for source in access.sources)


def _counts(access: Access, is_wanted: Callable[[Role], bool], on: Scope) -> bool:
    has_it = access.is_held or access.state is State.IN_FORCE
    return has_it and is_wanted(access.grant.role) and reaches(access.grant.scope, on)


def _narrowed(answer: Answer, keep: Callable[[Access], bool]) -> Answer:
    return replace(answer, accesses=tuple(filter(keep, answer.accesses)))


def _answer(known: Known, name: PrincipalName, principal: Principal | None) -> Answer | None:
    """Gather what is known under one name; None when that is nothing."""
    if name in known.former:
        standing = Standing.FORMER
    elif name in known.claims:
        standing = Standing.MANAGED
    elif name in known.users:
        standing = Standing.NAMED
    elif principal is not None:
        standing = Standing.UNLISTED
    else:
        return None
    return Answer(
        name=principal.name if principal else name,
        id=principal.id if principal else None,
        standing=standing,
        place=known.former.get(name)
        or (known.users.get(name) if standing is Standing.NAMED else None),
        accesses=tuple(_accesses(known, known.claims.get(name, []), principal)),
        is_on_console=None if known.actual is None else principal is not None,
        notes=tuple(_notes(known, principal)) if principal else (),
    )


def _accesses(known: Known, claims: list[Claim], principal: Principal | None) -> Iterable[Access]:
    wishes = {wish.grant: wish for wish in in_force(claims, known.instant)}
    held = frozenset(
        grant
        for grant in (principal.grants if principal else ())
        if grant.scope.id not in known.deleted_site_ids
    )
    asked: dict[Grant, list[Claim]] = {}
    for claim in claims:
        asked.setdefault(claim.grant, []).append(claim)
    for grant in sorted({*asked, *held}, key=lambda each: each.sort_key):
        own = asked.get(grant, [])
        wish = wishes.get(grant)
        yield Access(
            grant=grant,
            state=State.IN_FORCE if wish else _state(known, own),
            sources=tuple(_source(claim) for claim in own),
            window=wish.window if wish else None,
            is_held=None if known.actual is None else grant in held,
        )


def _state(known: Known, claims: list[Claim]) -> State:
    """Tell why what is asked for is not in force."""
    if not claims:
        return State.NOT_ASKED
    if any(claim.is_open(known.instant) for claim in claims):
        return State.SUSPENDED
    is_over = all(claim.is_past(known.instant) for claim in claims)
    return State.CLOSED if is_over else State.COMING


def _source(claim: Claim) -> Source:
    entry = claim.assignment
    return Source(claim.member.place, claim.member.group, claim.glob, entry.window, entry.reason)


def _notes(known: Known, principal: Principal) -> Iterable[str]:
    if principal.is_system:
        yield "a system principal of the console, never written"
    if principal.is_external:
        yield f"owned by an identity provider ({principal.source}), which may overwrite access"
    if principal.is_partial:
        yield "stands above or partly outside what this token sees; there may be more"
    if principal.kind == "user" and not principal.can_log_in:
        yield "cannot log in as it is: e-mail not verified, or no second factor"
    for grant in principal.grants:
        if grant.scope.id in known.deleted_site_ids:
            yield f"holds {grant.role.name} on the deleted site {grant.scope.name}"


def _nobody(known: Known, label: str) -> SettingsError:
    named = {*known.claims, *known.principals, *known.former, *known.users}
    close = did_you_mean(label, (name.label for name in named))
    if known.actual is not None:
        return SettingsError(
            f'Nobody is called "{label}", neither in the policies nor on the console.',
            close or "Name an e-mail address, or service: and a name.",
        )
    return SettingsError(
        f'No policy names "{label}".',
        close or "Ask the console as well with --from console, or --snapshot FILE.",
    )
