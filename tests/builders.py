"""The short way to make a value with only what matters to the test."""

from collections.abc import Iterable
from datetime import UTC, datetime

from reconciler.domain.access import TENANT, Grant, Level, Role
from reconciler.domain.ends import End
from reconciler.domain.guardrails import Guardrails, NothingLeft, Park
from reconciler.domain.names import PrincipalName
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Options, Plan
from reconciler.domain.policy import (
    Assignment,
    Former,
    Member,
    Policy,
    RoleName,
    ScopeName,
    UserEntry,
    Window,
)
from reconciler.domain.state import Account, Actual, Identity, Principal, Site
from reconciler.domain.wanted import Version, Wanted
from reconciler.errors import Place
from reconciler.planning.make import make_plan
from reconciler.planning.pinning import make_pins, to_pin

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
SEEN = "2026-11-21T08:00:00.000000Z"
"""A login just before `NOW`."""
PLACE = Place("policies/a.yaml", 1, 1)

ADMIN = Role("1", "Admin", predefined=True)
VIEWER = Role("2", "Viewer", predefined=True)
SOC = Role("3", "SOC", predefined=True)
TRIAGE = Role("4", "Triage", owner_level="account", owner_id="100")
ROLES = (ADMIN, VIEWER, SOC, TRIAGE)

EMEA = Account("100", "EMEA", "active")
US = Account("200", "US", "active")
BERLIN = Site("101", "Berlin", "100", "EMEA", "active")
LYON = Site("102", "Lyon", "100", "EMEA", "active")
WARSAW = Site("103", "Warsaw", "100", "EMEA", "deleted")
LEIPZIG = Site("104", "Leipzig", "100", "EMEA", "expired")
BRANCH1 = Site("105", "Branch-1", "100", "EMEA", "active")
BRANCH2 = Site("106", "Branch-2", "100", "EMEA", "active")
AUSTIN = Site("201", "Austin", "200", "US", "active")
SITES = (BERLIN, LYON, WARSAW, LEIPZIG, BRANCH1, BRANCH2, AUSTIN)

OWN = Identity("900", "serviceuser-1@mgmt-1.sentinelone.net", "reconciler", Level.TENANT, ())


def grant(role: Role, on: Site | Account | None = None) -> Grant:
    """One grant; without a place, on the tenant."""
    return Grant(on.scope if on else TENANT, role)


def user(
    principal_id: str,
    email: str,
    *grants: Grant,
    is_system: bool = False,
    can_log_in: bool = True,
    is_partial: bool = False,
    source: str = "mgmt",
    last_login: str | None = SEEN,
) -> Principal:
    """A console user at the level of the first grant, seen yesterday."""
    return Principal(
        id=principal_id,
        name=PrincipalName.user(email),
        full_name=email.partition("@")[0].title(),
        level=_level(grants),
        grants=_sorted(grants),
        source=source,
        is_system=is_system,
        can_log_in=can_log_in,
        is_partial=is_partial,
        last_login=last_login,
    )


def service(principal_id: str, name: str, *grants: Grant) -> Principal:
    """A service user at the level of the first grant."""
    return Principal(
        id=principal_id,
        name=PrincipalName.service(name),
        full_name=name,
        level=_level(grants),
        grants=_sorted(grants),
        can_log_in=False,
    )


def world(
    *principals: Principal,
    identity: Identity = OWN,
    sites: tuple[Site, ...] = SITES,
    roles: tuple[Role, ...] = ROLES,
) -> Actual:
    """The console of the small company, with these principals on it."""
    return Actual(
        origin="https://acme.sentinelone.net",
        identity=identity,
        accounts=(EMEA, US),
        sites=sites,
        roles=roles,
        principals=principals,
    )


def assign(
    members: str | list[str],
    role: str,
    *sites: str,
    account: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    reason: str | None = None,
    replaces_standing: bool = False,
    line: int = 1,
) -> Assignment:
    """An assignment: on sites, on an account, or on the tenant when neither is given."""
    place = Place("policies/a.yaml", line, 5)
    if sites:
        scopes = tuple(ScopeName(Level.SITE, text, place) for text in sites)
    elif account:
        scopes = (ScopeName(Level.ACCOUNT, account, place),)
    else:
        scopes = (ScopeName(Level.TENANT, "", place),)
    names = [members] if isinstance(members, str) else members
    return Assignment(
        members=tuple(Member(PrincipalName.parse(name), place) for name in names),
        role=RoleName(role, place),
        scopes=scopes,
        place=place,
        reason=reason,
        window=Window(start, end) if start or end else None,
        replaces_standing=replaces_standing,
    )


def newcomer(
    email: str, full_name: str | None = "New Comer", pinned: str | None = None
) -> UserEntry:
    """An entry under `users:`."""
    return UserEntry(PrincipalName.user(email), full_name, pinned, Place("policies/a.yaml", 90, 3))


def gone(label: str) -> Former:
    """An entry under `former:`."""
    return Former(PrincipalName.parse(label), Place("policies/a.yaml", 95, 5))


def parked() -> Park:
    """`nothing_left`: Viewer on EMEA/Lyon."""
    return Park("Viewer", "EMEA/Lyon", Place("policies/guardrails.yaml", 3, 3))


RELAXED = Guardrails(
    max_revokes=1000,
    max_revoke_fraction=1.0,
    min_admins=0,
    single_sso_allowed=True,
    nothing_left=NothingLeft.DELETE,
)
"""Guardrails that never stand in the way, for tests about something else."""


def plan(
    actual: Actual,
    *assignments: Assignment,
    users: tuple[UserEntry, ...] = (),
    former: tuple[Former, ...] = (),
    guardrails: Guardrails = RELAXED,
    now: datetime = NOW,
    no_revokes: bool = False,
    targets: tuple[str, ...] = (),
    base: tuple[Assignment, ...] | None = None,
    past_revokes: tuple[datetime, ...] = (),
    pins: Pins | None = None,
    versions: tuple[tuple[datetime, tuple[Assignment, ...]], ...] | None = None,
    judged: Iterable[End] | None = None,
) -> Plan:
    """The plan for a world and these assignments; the base was in effect ever, if not told."""
    if versions is None:
        versions = () if base is None else ((EVER, base),)
    names = tuple(PrincipalName.parse(target) for target in targets)
    wanted = Wanted(
        Policy(assignments=assignments, users=users, former=former),
        guardrails,
        Options(targets=names, no_revokes=no_revokes),
        base=None if base is None else Policy(assignments=base),
        past_revokes=past_revokes,
        pins=pins,
        versions=tuple(Version(since, Policy(assignments=entries)) for since, entries in versions),
        judged=None if judged is None else frozenset(judged),
    )
    return make_plan(wanted, actual, now)


def pinned(actual: Actual, *assignments: Assignment, former: tuple[Former, ...] = ()) -> Pins:
    """What `reconciler pin` would write for these assignments on this console."""
    policy = Policy(assignments=assignments, former=former)
    return make_pins(to_pin(policy, Guardrails(), actual, None, NOW), actual)[0]


def lines(made: Plan) -> list[str]:
    """The changes of a plan as short lines, in order: `+ ana@x SOC on EMEA/Berlin`."""
    return [
        f"{'+' if change.action == 'grant' else '-'} {operation.name} "
        f"{change.grant.role.name} on {change.grant.scope.name}"
        for operation in made.operations
        for change in operation.changes
    ]


def rules(made: Plan) -> list[str]:
    """The rules that refuse a plan."""
    return [refusal.rule for refusal in made.refusals]


def _level(grants: tuple[Grant, ...]) -> Level:
    return grants[0].scope.level if grants else Level.SITE


def _sorted(grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    return tuple(sorted(grants, key=lambda each: each.sort_key))
