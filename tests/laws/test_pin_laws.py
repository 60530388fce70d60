"""What pins may and may not do to a plan, on random worlds that have moved on since."""

from dataclasses import replace

from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LYON,
    ROLES,
    SITES,
    SOC,
    US,
    VIEWER,
    assign,
    grant,
    lines,
    pinned,
    plan,
    rules,
    user,
    world,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Assignment, RoleName, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.errors import PolicyError

OURS = {"view", "pinned_role"}
ABOUT_PINS = {"renamed", "pinned-gone", "not-pinned", "role-not-compared"}
EDIT = Permission("Users", "Users.edit", "Edit")
VIEW = Permission("Users", "Users.view", "View")
SITE_NAMES = ("Berlin", "Lyon", "Branch-1", "Branch-2", "Depot", "Branch-9")


@st.composite
def assignments(draw: st.DrawFn) -> list[Assignment]:
    """One assignment for each of some people, on sites or an account."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        role = draw(st.sampled_from(["SOC", "Viewer", "tenant/SOC", "id:3"]))
        where = draw(st.sampled_from(["EMEA/Berlin", "EMEA/Branch-*", "EMEA/*", "id:102", ""]))
        name = f"p{number}@acme.example"
        account = None if where else draw(st.sampled_from(["EMEA", "US"]))
        sites = (where,) if where else ()
        made.append(assign(name, role, *sites, account=account, line=number + 1))
    return made


@st.composite
def consoles(draw: st.DrawFn) -> Actual:
    """People who hold something, and what the roles permit."""
    people: list[Principal] = []
    for number in range(draw(st.integers(4, 6))):
        sites = draw(st.lists(st.sampled_from([BERLIN, LYON, BRANCH1, BRANCH2]), unique=True))
        role = draw(st.sampled_from([ADMIN, VIEWER, SOC]))
        grants = [grant(role, site) for site in sites] or [grant(role, AUSTIN)]
        people.append(user(str(10 + number), f"p{number}@acme.example", *grants))
    return with_permissions(draw, world(*people))


def with_permissions(draw: st.DrawFn, actual: Actual) -> Actual:
    """The console, with what some roles permit."""
    known = [
        RolePermissions(role.id, tuple(draw(st.sampled_from([(), (VIEW,), (EDIT, VIEW)]))))
        for role in ROLES
        if draw(st.booleans())
    ]
    return replace(actual, permissions=tuple(known))


@st.composite
def moved(draw: st.DrawFn, before: Actual) -> Actual:
    """What a console may have become: renamed, recycled, narrowed, permitting something else."""
    names = draw(st.lists(st.sampled_from(SITE_NAMES), min_size=7, max_size=7))
    rename = draw(st.sets(st.sampled_from([site.id for site in SITES])))
    sites = [
        replace(site, name=name) if site.id in rename and draw(st.booleans()) else site
        for site, name in zip(SITES, names, strict=True)
    ]
    soc = draw(st.sampled_from([SOC, replace(SOC, name="Analyst"), replace(SOC, id="33")]))
    roles = tuple(soc if role == SOC else role for role in ROLES)
    people = [
        replace(one, id=str(int(one.id) + 80)) if draw(st.integers(0, 5)) == 0 else one
        for one in before.principals
    ]
    after = replace(
        before,
        sites=tuple(sites[: draw(st.sampled_from([7, 7, 6]))]),
        roles=roles,
        accounts=draw(
            st.sampled_from([(EMEA, US), (EMEA, US), (replace(EMEA, name="Europe"), US)])
        ),
        principals=tuple(people),
    )
    return with_permissions(draw, after)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Actual, Actual, list[Assignment]]:
    """What was pinned, what it became, and what is asked for."""
    before = draw(consoles())
    return before, draw(moved(before)), draw(assignments())


def outcome(actual: Actual, asked: list[Assignment], pins: Pins | None) -> Plan | None:
    """The plan; None when there are problems instead."""
    try:
        return plan(actual, *asked, pins=pins)
    except PolicyError:
        return None


def by_ids(asked: list[Assignment], pins: Pins, after: Actual) -> list[Assignment]:
    """The same wishes with every name replaced by what it was pinned to: an oracle."""
    ids = {pin.name: pin.id for pin in pins.scopes}
    now = {account.id: account.name for account in after.accounts}
    roles = {text: pin.id for pin in pins.roles for text in (pin.name, pin.name.split("/")[1])}

    def scope(name: ScopeName) -> ScopeName:
        if name.is_glob:
            account, _, pattern = name.text.partition("/")
            return replace(name, text=f"{now[ids[account]]}/{pattern}")
        return name if name.id else replace(name, text=f"id:{ids[name.text]}")

    def role(name: RoleName) -> RoleName:
        return name if name.text.startswith("id:") else replace(name, text=f"id:{roles[name.text]}")

    return [
        replace(each, role=role(each.role), scopes=tuple(map(scope, each.scopes))) for each in asked
    ]


@given(cases())
def test_a_plan_with_pins_means_what_was_pinned_and_nothing_else(
    case: tuple[Actual, Actual, list[Assignment]],
) -> None:
    before, after, asked = case
    pins = pinned(before, *asked)

    with_pins = outcome(after, asked, pins)

    if with_pins is not None:
        meant = plan(after, *by_ids(asked, pins, after))
        assert lines(with_pins) == lines(meant)
        assert with_pins.content_digest == meant.content_digest


@given(cases())
def test_pins_take_no_warning_and_no_refusal_away_and_never_change_what_a_plan_does(
    case: tuple[Actual, Actual, list[Assignment]],
) -> None:
    before, after, asked = case

    without, with_pins = outcome(after, asked, None), outcome(after, asked, pinned(before, *asked))

    if without is not None and with_pins is not None:
        assert lines(with_pins) == lines(without)
        assert with_pins.content_digest == without.content_digest
        assert set(without.refusals) <= set(with_pins.refusals)
        assert set(rules(with_pins)) - set(rules(without)) <= OURS
        assert set(without.warnings) <= set(with_pins.warnings)
        added = set(with_pins.warnings) - set(without.warnings)
        assert {warning.code for warning in added} <= ABOUT_PINS


@given(cases())
def test_pinned_again_every_plan_is_the_plan_without_pins(
    case: tuple[Actual, Actual, list[Assignment]],
) -> None:
    _, after, asked = case

    with_pins = outcome(after, asked, pinned(after, *asked))

    without = outcome(after, asked, None)
    if without is None or with_pins is None:
        assert without is with_pins
    else:
        assert with_pins.operations == without.operations
        assert (with_pins.refusals, with_pins.role_changes) == (without.refusals, ())


@given(cases())
def test_nobody_whose_id_changed_is_in_any_operation(
    case: tuple[Actual, Actual, list[Assignment]],
) -> None:
    before, after, asked = case
    pins = pinned(before, *asked)
    ids = {pin.name: pin.id for pin in pins.principals}

    with_pins = outcome(after, asked, pins)

    for operation in with_pins.operations if with_pins else ():
        assert ids[operation.name] == operation.principal_id
