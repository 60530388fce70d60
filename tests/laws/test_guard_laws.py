"""Laws of the guardrails, on random companies: what holds whatever part of a plan succeeds.

The oracles are written anew from the contract; they call nothing of the product's own counting.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    EMEA,
    LYON,
    NOW,
    PLACE,
    RELAXED,
    SOC,
    US,
    VIEWER,
    assign,
    gone,
    service,
    user,
    world,
)
from hypothesis import assume, event, given
from hypothesis import strategies as st

from reconciler.domain.access import TENANT, Grant, Level, Scope
from reconciler.domain.ends import End
from reconciler.domain.guardrails import (
    Guardrails,
    NothingLeft,
    Override,
    PrivilegedRule,
    Rolling,
    ScopeLimit,
    SeparationRule,
    Unlisted,
)
from reconciler.domain.plan import Operation, Options, Plan
from reconciler.domain.policy import Assignment, Former, Policy, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan

PEOPLE = 6
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCOPES: dict[Level, tuple[Scope, ...]] = {
    Level.TENANT: (TENANT,),
    Level.ACCOUNT: (EMEA.scope, US.scope),
    Level.SITE: (BERLIN.scope, LYON.scope),
}
LOGINS = (0, 10, 60, 400, None)
"""Days since the last login; None was never there."""
OPEN, CLOSED, COMING = (NOW - HOUR, NOW + HOUR), (NOW - DAY, NOW - HOUR), (NOW + HOUR, NOW + DAY)
Grants = frozenset[Grant]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Wish:
    """What one side, head or base, says about one person."""

    standing: Grants = frozenset()
    window: Grants = frozenset()
    span: Span = OPEN
    former: bool = False

    @property
    def opened(self) -> Grants:
        return self.window if self.span == OPEN else frozenset()

    def lends(self, grant: Grant, spans: Iterable[Span]) -> bool:
        """Tell whether a grant is asked for by such a window only."""
        return grant not in self.standing and grant in self.window and self.span in spans


@dataclass(frozen=True)
class Company:
    """A console, and two policies for it: the head's, and the base's if there is one."""

    people: tuple[Principal, ...]
    head: dict[str, Wish]
    base: dict[str, Wish] | None
    guardrails: Guardrails = RELAXED
    past: tuple[datetime, ...] = field(default=())

    @property
    def actual(self) -> Actual:
        return world(*self.people)

    def plan(self, guardrails: Guardrails | None = None, actual: Actual | None = None) -> Plan:
        base = None if self.base is None else policy(self.people, self.base)
        wanted = Wanted(
            policy(self.people, self.head),
            guardrails or self.guardrails,
            Options(),
            base=base,
            past_revokes=self.past,
        )
        return make_plan(wanted, actual or self.actual, NOW)


def policy(people: Iterable[Principal], wishes: dict[str, Wish]) -> Policy:
    assignments: list[Assignment] = []
    former: list[Former] = []
    for one in people:
        wish = wishes.get(one.id)
        if wish is None:
            continue
        if wish.former:
            former.append(gone(one.name.label))
        assignments += [asking(one, each, None) for each in ordered(wish.standing)]
        assignments += [asking(one, each, wish.span) for each in ordered(wish.window)]
    return Policy(assignments=tuple(assignments), former=tuple(former))


def asking(one: Principal, grant: Grant, span: Span | None) -> Assignment:
    start, end = span or (None, None)
    made = assign(one.name.label, f"id:{grant.role.id}", start=start, end=end)
    text = f"id:{grant.scope.id}" if grant.scope.id else ""
    return replace(made, scopes=(ScopeName(grant.scope.level, text, made.place),))


def ordered(grants: Iterable[Grant]) -> list[Grant]:
    return sorted(grants, key=lambda each: each.sort_key)


@st.composite
def holdings(draw: st.DrawFn, widest: Level = Level.TENANT, least: int = 0) -> Grants:
    """One level, some of its scopes, one role on each; half of all roles are Admin."""
    level = draw(st.sampled_from([level for level in Level if level.rank <= widest.rank]))
    scopes = draw(st.lists(st.sampled_from(SCOPES[level]), unique=True, min_size=least))
    roles = st.sampled_from((ADMIN, ADMIN, VIEWER, SOC))
    return frozenset(Grant(scope, draw(roles)) for scope in scopes)


@st.composite
def person(draw: st.DrawFn, number: int) -> Principal:
    grants = draw(holdings(widest=Level.SITE, least=1))
    if draw(st.integers(0, 5)) == 0:
        return service(str(1000 + number), f"p{number}", *grants)
    days = draw(st.sampled_from(LOGINS))
    return user(
        str(1000 + number),
        f"p{number}@acme.example",
        *grants,
        can_log_in=draw(st.integers(0, 5)) > 0,
        source=draw(st.sampled_from(("mgmt", "mgmt", "sso_saml"))),
        last_login=None if days is None else (NOW - days * DAY).isoformat(),
    )


@st.composite
def wish_for(draw: st.DrawFn, one: Principal) -> Wish | None:
    """Most people keep what they hold; some lose it, get a window, or another thing altogether."""
    held = frozenset(one.grants)
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        return Wish(standing=held)
    if kind == 4:
        return None
    if kind == 5:
        return Wish(former=True)
    standing = draw(holdings(widest=Level.SITE, least=1))
    if kind <= 7:
        return Wish(standing=standing)
    level = next(iter(standing)).scope.level
    window = held if draw(st.booleans()) else draw(holdings(widest=level, least=1))
    if next(iter(window)).scope.level.rank > level.rank:
        window = standing  # narrower than what stands: an error, not a plan
    return Wish(standing, window, draw(st.sampled_from((OPEN, CLOSED, COMING))))


@st.composite
def companies(draw: st.DrawFn, least: int = 1) -> Company:
    count = draw(st.integers(least, PEOPLE))
    people = tuple(draw(person(number)) for number in range(count))
    head = {one.id: draw(wish_for(one)) for one in people}
    base: dict[str, Wish] | None = None
    if draw(st.booleans()):
        as_held: dict[str, Wish | None] = {
            one.id: Wish(standing=frozenset(one.grants)) for one in people
        }
        sides = st.sampled_from((head, as_held))
        found = {one.id: draw(sides)[one.id] for one in people}
        base = {id_: wish for id_, wish in found.items() if wish is not None}
    return Company(people, {id_: wish for id_, wish in head.items() if wish is not None}, base)


@st.composite
def guarded(draw: st.DrawFn, protected: int = 0) -> tuple[Company, Plan]:
    """A company with guardrails that can stand in the way, and a plan that they let pass.

    Whoever stands in the way keeps what they hold, one after the other, until nothing is refused.
    """
    company = draw(companies(least=4))
    names = st.sampled_from([one.name for one in company.people])
    guardrails = replace(
        RELAXED,
        min_admins=draw(st.sampled_from((1, 2, 2, 3))),
        admin_seen_within=draw(st.sampled_from((None, 90 * DAY, 30 * DAY))),
        single_sso_allowed=draw(st.booleans()),
        protected=tuple(draw(st.lists(names, min_size=protected, max_size=2))),
        unlisted=draw(st.sampled_from(Unlisted)),
    )
    company = replace(company, guardrails=guardrails)
    made = company.plan()
    for one in company.people:
        if not made.refusals:
            break
        kept = {**company.head, one.id: Wish(standing=frozenset(one.grants))}
        company = replace(company, head=kept)
        made = company.plan()
    assume(made.operations and not made.refusals)
    return company, made


# --- P4: the floor and the protected, after every prefix and every subset ---------------------


def subsets(operations: tuple[Operation, ...]) -> Iterator[tuple[Operation, ...]]:
    """Every set of operations that may have succeeded; every prefix is among them."""
    for size in range(len(operations) + 1):
        yield from itertools.combinations(operations, size)


def held_after(company: Company, done: tuple[Operation, ...]) -> dict[str, tuple[Grant, ...]]:
    state = {one.id: one.grants for one in company.people}
    for operation in done:
        assert operation.principal_id is not None
        state[operation.principal_id] = operation.after.grants if operation.after else ()
    return state


def may_log_in(one: Principal) -> bool:
    return one.name.kind == "user" and one.can_log_in and not one.is_system


def was_seen(one: Principal, within: timedelta | None) -> bool:
    if within is None:
        return True
    return one.last_login is not None and datetime.fromisoformat(one.last_login) >= NOW - within


def is_lent(company: Company, one: Principal, grant: Grant, *, beforehand: bool) -> bool:
    """Tell whether a grant is there for a time only, so that its holder is no standing admin."""
    head = company.head.get(one.id, Wish())
    if company.base is None:
        return head.lends(grant, (OPEN,))
    base = company.base.get(one.id, Wish())
    if beforehand:
        agreed = head.lends(grant, (CLOSED,)) and base.lends(grant, (CLOSED,))
        return agreed or (head.lends(grant, (OPEN,)) and grant not in base.standing)
    return head.lends(grant, (OPEN,))


@dataclass(frozen=True)
class Count:
    """The admins of one scope who count, and those of them whom no identity provider knows."""

    all: set[str]
    local: set[str]


def admins(
    company: Company, scope: Scope, state: dict[str, tuple[Grant, ...]], done: frozenset[str]
) -> Count:
    """Count by hand; `done` are those whose operation succeeded."""
    found = set()
    for one in company.people:
        for grant in state[one.id]:
            lent = is_lent(company, one, grant, beforehand=one.id not in done)
            if grant.role == ADMIN and grant.scope.covers(scope) and not lent:
                found.add(one)
    counting = {one for one in found if may_log_in(one)}
    counting = {one for one in counting if was_seen(one, company.guardrails.admin_seen_within)}
    return Count({one.id for one in counting}, {o.id for o in counting if o.source == "mgmt"})


@given(guarded())
def test_p4_the_admin_floor_holds_whatever_part_of_a_plan_succeeds(
    case: tuple[Company, Plan],
) -> None:
    company, made = case
    start = {one.id: one.grants for one in company.people}
    scopes = {grant.scope for grants in start.values() for grant in grants if grant.role == ADMIN}
    before = {scope: admins(company, scope, start, frozenset()) for scope in scopes}
    unmade = [op for op in made.operations if any(c.grant.role == ADMIN for c in op.revokes)]
    event(f"{len(made.operations)} operations, {len(unmade)} of them unmake an admin")

    for done in subsets(made.operations):
        state = held_after(company, done)
        ids = frozenset(op.principal_id or "" for op in done)
        for scope in scopes:
            count = admins(company, scope, state, ids)
            floor = min(company.guardrails.min_admins, len(before[scope].all))
            assert len(count.all) >= floor, scope.name
            if before[scope].local and not company.guardrails.single_sso_allowed:
                assert count.local, scope.name


@given(guarded(protected=1))
def test_p4_nothing_of_the_protected_is_lost_whatever_part_of_a_plan_succeeds(
    case: tuple[Company, Plan],
) -> None:
    company, made = case
    glass = [one for one in company.people if one.name in company.guardrails.protected]
    event(f"{sum(one.id in {op.principal_id for op in made.operations} for one in glass)} written")

    for done in subsets(made.operations):
        state = held_after(company, done)
        for one in glass:
            for grant in one.grants:
                above = [g for g in state[one.id] if g.role == ADMIN]
                kept = grant in state[one.id] or any(g.scope.covers(grant.scope) for g in above)
                assert kept, one.name


@given(companies(), st.sampled_from((None, 90 * DAY)))
def test_p4_a_refusal_of_the_floor_is_no_mere_caution(
    company: Company, within: timedelta | None
) -> None:
    """The guard may refuse only a plan that unmakes an admin who could log in."""
    made = company.plan(replace(RELAXED, min_admins=2, admin_seen_within=within))
    refused = any(refusal.rule == "min_admins" for refusal in made.refusals)
    event(f"refused: {refused}")
    losing = {op.principal_id for op in made.operations if op.revokes}
    losing |= {id_ for id_, wish in company.head.items() if wish.opened - wish.standing}

    unmade = [
        one
        for one in company.people
        if one.id in losing and may_log_in(one) and any(g.role == ADMIN for g in one.grants)
    ]
    assert unmade or not refused


# --- P1, P2, P3 with windows and levels -------------------------------------------------------


def carried_out(company: Company, made: Plan) -> Actual:
    """The console after every operation succeeded."""
    state = held_after(company, made.operations)
    kept = [
        replace(one, level=state[one.id][0].scope.level, grants=state[one.id])
        for one in company.people
        if state[one.id]
    ]
    return world(*kept)


@given(companies())
def test_p1_p2_after_a_clean_apply_there_is_nothing_left_to_write(company: Company) -> None:
    made = company.plan()
    assume(made.operations)

    again = company.plan(actual=carried_out(company, made))

    assert again.operations == ()


@given(companies())
def test_p3_nobody_is_written_whom_no_policy_names(company: Company) -> None:
    written = {operation.principal_id for operation in company.plan().operations}

    assert written <= set(company.head)


# --- the ends of grants -----------------------------------------------------------------------


@dataclass
class Years:
    """A company whose policy stays as it is while time passes; every run keeps the journal."""

    company: Company
    judged: dict[object, End] | None = field(default_factory=dict)
    taken: int = 0

    def run(self, at: datetime) -> Plan:
        company = self.company
        ends = None if self.judged is None else frozenset(self.judged.values())
        wanted = Wanted(policy(company.people, company.head), RELAXED, Options(), judged=ends)
        made = make_plan(wanted, company.actual, at)
        assert made.ends is not None
        self.judged = {**(self.judged or {}), **{end.key: end for end in made.ends}}
        self.taken += made.taken + sum(operation.taken for operation in made.operations)
        people = carried_out(company, made).principals
        left = {one.id for one in people}
        head = {id_: wish for id_, wish in company.head.items() if id_ in left}
        self.company = replace(company, people=people, head=head)
        return made


@st.composite
def companies_until_then(draw: st.DrawFn) -> Company:
    """Windows are open or closed: whoever holds nothing in between would have to be invited."""
    company = draw(companies())
    head = {
        id_: replace(wish, span=OPEN) if wish.span == COMING else wish
        for id_, wish in company.head.items()
    }
    return replace(company, head=head)


@given(companies_until_then())
def test_no_scope_is_lost_for_nothing_whatever_the_windows_say(company: Company) -> None:
    years = Years(company)

    years.run(NOW)
    years.run(NOW + HOUR)

    left = {one.id: {grant.scope for grant in one.grants} for one in years.company.people}
    lost = [
        grant.scope
        for one in company.people
        for grant in one.grants
        if grant.scope not in left.get(one.id, set())
    ]
    event(f"{min(len(lost), 3)} or more lost")
    assert years.taken >= len(lost)


@given(companies_until_then(), st.booleans())
def test_what_a_run_judged_counts_in_no_later_one(company: Company, is_begun: bool) -> None:
    years = Years(company, {} if is_begun else None)
    years.run(NOW)
    # Where nothing tells what is held from before, its closing counts; see `planning.ends`.
    assume(is_begun or not any(wish.opened for wish in company.head.values()))
    taken = years.taken

    again = years.run(NOW)
    closing = years.run(NOW + HOUR)

    event(f"{len(closing.operations)} written at the closing")
    assert (again.operations, again.ends, years.taken) == ((), (), taken)


# --- P6: tightening ---------------------------------------------------------------------------


@st.composite
def tightenings(draw: st.DrawFn) -> tuple[str, Guardrails, Guardrails]:
    """One key, with a looser and a tighter value, among random other ones."""
    key = draw(st.sampled_from(sorted(STEPS)))
    rest: dict[str, object] = {}
    for other in sorted(STEPS):
        if other != key and draw(st.integers(0, 7)) == 0:
            rest |= draw(st.sampled_from(STEPS[other]))
    for name in {name for each in STEPS[key] for name in each}:
        rest.pop(name, None)  # else the loosest value, an empty one, would not be the loosest
    index = draw(st.integers(0, len(STEPS[key]) - 2))
    further = draw(st.integers(index + 1, len(STEPS[key]) - 1))
    loose, tight = ({**rest, **STEPS[key][each]} for each in (index, further))
    base = replace(RELAXED, max_revokes=3, nothing_left=NothingLeft.DELETE)
    return key, replace(base, **loose), replace(base, **tight)  # type: ignore[arg-type]


def _lifting(rule: str, *values: float) -> list[dict[str, object]]:
    """An override that lifts less and less, and has ended at last."""
    ends = [(value, NOW + HOUR) for value in values] + [(values[0], NOW)]
    return [{"overrides": (Override(rule, value, "x", end, PLACE),)} for value, end in ends]


def _privileged(**rule: object) -> dict[str, object]:
    given: dict[str, object] = {
        "roles": ("Admin",),
        "max_duration": None,
        "require_reason": False,
        "standing_allowed": True,
        "place": PLACE,
    }
    return {"privileged": (PrivilegedRule(**{**given, **rule}),)}  # type: ignore[arg-type]


def _limit(level: Level, *roles: str) -> dict[str, object]:
    return {"scope_limits": (ScopeLimit(roles, level, PLACE),)}


STEPS: dict[str, list[dict[str, object]]] = {
    "max_revokes": [{"max_revokes": n} for n in (30, 4, 2, 1, 0)],
    "max_revoke_fraction": [{"max_revoke_fraction": x} for x in (1.0, 0.7, 0.4, 0.1, 0.0)],
    "min_admins": [{"min_admins": n} for n in (0, 1, 2, 3, 4)],
    "admin_seen_within": [
        {"admin_seen_within": x, "min_admins": 2, "single_sso_allowed": False}
        for x in (None, 90 * DAY, 30 * DAY, DAY)
    ],
    "single_sso": [{"single_sso_allowed": allowed} for allowed in (True, False)],
    "rolling.max_revokes": [{"rolling": Rolling(n, DAY)} for n in (9, 6, 4, 3, 0)],
    "rolling.over": [{"rolling": Rolling(4, n * DAY)} for n in (1, 3, 9)],
    "additive_only": [{"additive_only": only} for only in (False, True)],
    "scope_limits": [
        {},
        _limit(Level.ACCOUNT, "Admin"),
        _limit(Level.SITE, "Admin"),
        _limit(Level.SITE, "Admin", "SOC"),
    ],
    "protected": [
        {},
        {"protected": (user("1", "p0@acme.example").name,)},
        {"protected": tuple(user("1", f"p{n}@acme.example").name for n in range(3))},
    ],
    "privileged.max_duration": [
        {},
        _privileged(),
        _privileged(max_duration=DAY),
        _privileged(max_duration=HOUR),
    ],
    "privileged.others": [
        _privileged(),
        _privileged(require_reason=True),
        _privileged(require_reason=True, standing_allowed=False),
    ],
    "allowed_domains": [
        {},
        {"allowed_domains": ("acme.example", "other.example")},
        {"allowed_domains": ("other.example",)},
    ],
    "separation_of_duties": [
        {},
        {"separation_of_duties": (SeparationRule("a", ("Admin", "SOC"), PLACE),)},
        {
            "separation_of_duties": (
                SeparationRule("a", ("Admin", "SOC"), PLACE),
                SeparationRule("b", ("Viewer", "SOC"), PLACE),
            )
        },
    ],
    "override of max_revokes": _lifting("max_revokes", 30, 8, 5),
    "override of max_revoke_fraction": [
        {"max_revoke_fraction": 0.1, **each} for each in _lifting("max_revoke_fraction", 1.0, 0.5)
    ],
    "override of rolling": [
        {"rolling": Rolling(1, DAY), **each} for each in _lifting("rolling", 9, 5)
    ],
    "override of min_admins": [{"min_admins": 4, **each} for each in _lifting("min_admins", 2, 3)],
}
"""Every key -> its values from loose to tight."""


@given(companies(), tightenings(), st.lists(st.sampled_from((1, 2, 5)), max_size=4))
def test_p6_tightening_any_guardrail_never_allows_more_and_changes_no_operation(
    company: Company, step: tuple[str, Guardrails, Guardrails], past: list[int]
) -> None:
    key, loose, tight = step
    company = replace(company, past=tuple(NOW - days * DAY + HOUR for days in past))

    one, two = company.plan(loose), company.plan(tight)

    rules = [{refusal.rule for refusal in made.refusals} for made in (one, two)]
    event(f"{key}: {'it bites' if rules[0] != rules[1] else 'no difference'}")
    assert one.operations == two.operations
    assert rules[0] <= rules[1]


@given(companies(), st.sampled_from((0, 3)))
def test_p6_refusing_to_leave_nobody_with_nothing_never_allows_more(
    company: Company, revokes: int
) -> None:
    loose = replace(RELAXED, max_revokes=revokes, min_admins=2, nothing_left=NothingLeft.DELETE)

    if company.plan(loose).refusals:
        assert company.plan(replace(loose, nothing_left=NothingLeft.REFUSE)).refusals


@pytest.mark.parametrize("key", sorted(STEPS))
def test_p6_has_two_values_at_least_for_every_key(key: str) -> None:
    assert len(STEPS[key]) > 1


def test_p6_knows_every_guardrail() -> None:
    stepped = {name for steps in STEPS.values() for step in steps for name in step}
    elsewhere = {"unlisted", "nothing_left", "digest"}

    assert stepped | elsewhere == set(Guardrails.__dataclass_fields__)
