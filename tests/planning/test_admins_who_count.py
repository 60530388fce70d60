"""Who counts as an admin that remains: seen lately, able to log in, not all behind one door."""

from dataclasses import replace
from datetime import timedelta

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
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    parked,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.guardrails import Guardrails, NothingLeft, Override
from reconciler.domain.plan import Plan
from reconciler.domain.state import Principal

HOUR = timedelta(hours=1)
FLOOR = replace(RELAXED, min_admins=2, admin_seen_within=timedelta(days=90))
LOCAL = replace(RELAXED, single_sso_allowed=False)


def admin(
    name: str, *, seen: str | None = "2026-11-21T08:00:00Z", source: str = "mgmt"
) -> Principal:
    number = str(3000 + sum(name.encode()))
    email = f"{name}@acme.example"
    return user(number, email, grant(ADMIN, EMEA), last_login=seen, source=source)


def demoting(
    first: Principal, *others: Principal, guardrails: Guardrails = FLOOR, **more: object
) -> Plan:
    """Lower the first to Viewer; the others stay what they are."""
    stay = [one.name.label for one in others]
    return plan(
        world(first, *others),
        assign(first.name.label, "Viewer", account="EMEA"),
        *([assign(stay, "Admin", account="EMEA")] if stay else []),
        guardrails=guardrails,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        ("2026-08-24T09:00:00Z", True),
        ("2026-08-24T08:59:59Z", False),
        ("2026-08-24T11:00:00+02:00", True),
        ("2027-01-01T00:00:00Z", True),
        (None, False),
        ("", False),
        ("yesterday", False),
        ("2026-11-21T08:00:00", False),
    ],
)
def test_an_admin_counts_who_was_seen_within_the_time(seen: str | None, counts: bool) -> None:
    made = demoting(admin("first"), admin("second"), admin("third", seen=seen))

    assert ("min_admins" not in rules(made)) is counts


def test_without_a_time_everybody_counts_who_can_log_in() -> None:
    anytime = replace(FLOOR, admin_seen_within=None)
    others = (admin("second", seen=None), admin("third", seen="2001-01-01T00:00:00Z"))

    assert rules(demoting(admin("first"), *others, guardrails=anytime)) == []


def test_a_scope_short_of_admins_seen_lately_loses_none_who_could_log_in() -> None:
    # Nobody knows that the one not seen for years cannot log in; and were there no last logins at
    # all, nobody would count and nothing would be guarded.
    ghosts = [admin(name, seen=None) for name in ("one", "two", "three")]

    assert rules(demoting(*ghosts)) == ["min_admins"]


def test_a_refusal_says_who_does_not_count_and_why() -> None:
    asleep = admin("asleep", seen="2026-05-01T08:00:00Z")
    fresh = admin("fresh", seen=None)
    odd = admin("odd", seen="?")
    barred = replace(admin("barred"), can_log_in=False, email_verified=False)
    late = replace(admin("late"), can_log_in=False, two_factor="enrollment_expired")
    bare = replace(admin("bare"), can_log_in=False)
    robot = service("50", "robot", grant(ADMIN))

    few = demoting(admin("first"), admin("second"), asleep, fresh, robot)
    more = demoting(admin("first"), admin("second"), odd, barred, late, bare)

    assert few.refusals[0].message == (
        "EMEA would lose the admin first@acme.example and be left with 1 admin who can log in; at "
        "least 2 must remain. Not counted: service:robot (a service user), "
        "asleep@acme.example (not seen since 2026-05-01), fresh@acme.example (never seen)."
    )
    assert more.refusals[0].message.endswith(
        "Not counted: bare@acme.example (no second factor), barred@acme.example (address not "
        "verified), late@acme.example (enrolment of the second factor expired), odd@acme.example "
        "(last seen at a time that cannot be read)."
    )


def test_a_refusal_says_who_is_admin_only_for_a_time_or_by_this_plan() -> None:
    first, second, third = admin("first"), admin("second"), admin("third")
    heir = user("10", "heir@acme.example", grant(VIEWER, EMEA))
    vendor = user("11", "vendor@mgmt.example", grant(ADMIN), is_system=True)

    made = plan(
        world(first, second, third, heir, vendor),
        assign("first@acme.example", "Viewer", account="EMEA"),
        assign(["second@acme.example", "heir@acme.example"], "Admin", account="EMEA"),
        assign("third@acme.example", "Viewer", account="EMEA"),
        assign("third@acme.example", "Admin", account="EMEA", end=NOW + HOUR),
        guardrails=FLOOR,
    )

    (refusal,) = made.refusals
    assert refusal.message.endswith(
        "Not counted: heir@acme.example (admin only by this plan), third@acme.example (for a time "
        "only), vendor@mgmt.example (the console's own)."
    )


def test_a_long_list_of_those_who_do_not_count_is_cut() -> None:
    asleep = [admin("x" * n, seen=None) for n in range(1, 8)]

    made = demoting(admin("first"), *asleep)

    assert made.refusals[0].message.endswith("xxxxx@acme.example (never seen) and 2 more.")


def test_a_warning_says_why_an_admin_does_not_count() -> None:
    asleep = admin("asleep", seen="2026-05-01T08:00:00Z")
    both = (admin("first"), asleep)

    made = plan(
        world(*both),
        assign([one.name.label for one in both], "Admin", account="EMEA"),
        guardrails=FLOOR,
    )

    (warning,) = made.warnings
    assert warning.code == "few-admins"
    assert warning.message == (
        "EMEA has 1 admin who can log in; the guardrails ask for more. Not counted: "
        "asleep@acme.example (not seen since 2026-05-01)."
    )


def test_a_warning_tells_a_passing_admin_from_a_standing_one() -> None:
    standing = (
        assign("first@acme.example", "Admin", account="EMEA"),
        assign("second@acme.example", "Viewer", account="EMEA"),
        assign("second@acme.example", "Admin", account="EMEA", end=NOW - HOUR),
    )

    made = plan(world(admin("first"), admin("second")), *standing, base=standing, guardrails=FLOOR)

    assert made.warnings[0].message.endswith("Not counted: second@acme.example (for a time only).")


def test_a_scope_keeps_an_admin_who_logs_in_to_the_console_itself() -> None:
    first, local = admin("first"), admin("local")
    sso, directory = admin("sso", source="sso_saml"), admin("dir", source="active_directory")

    refused = demoting(first, sso, directory, guardrails=LOCAL)

    assert rules(refused) == ["single_sso"]
    assert "EMEA would lose the admin first@acme.example and keep none" in (
        refused.refusals[0].message
    )
    assert rules(demoting(first, sso, local, guardrails=LOCAL)) == []
    assert rules(demoting(first, sso, guardrails=replace(LOCAL, single_sso_allowed=True))) == []


def test_a_scope_behind_sso_already_is_no_worse_for_losing_one_of_its_admins() -> None:
    behind = [admin(name, source="sso_saml") for name in ("one", "two")]

    assert rules(demoting(*behind, guardrails=LOCAL)) == []


def test_the_local_admin_who_remains_must_count() -> None:
    first, asleep = admin("first"), admin("asleep", seen=None)
    sso = admin("sso", source="sso_saml")

    assert rules(demoting(first, asleep, sso, guardrails=LOCAL)) == ["single_sso"]
    assert (
        rules(demoting(first, asleep, sso, guardrails=replace(LOCAL, admin_seen_within=None))) == []
    )


def test_a_local_admin_above_serves_the_scopes_below() -> None:
    root = user("10", "root@acme.example", grant(ADMIN))
    local = user("11", "local@acme.example", grant(ADMIN, BERLIN))

    made = plan(
        world(root, local),
        assign("root@acme.example", "Admin"),
        assign("local@acme.example", "Viewer", "EMEA/Berlin"),
        guardrails=LOCAL,
    )

    assert rules(made) == []


@pytest.mark.parametrize("kind", ["lowered", "level", "deleted", "parked"])
def test_a_break_glass_account_is_untouched_in_every_way(kind: str) -> None:
    glass = user("10", "glass@acme.example", grant(ADMIN))
    wish = {
        "lowered": (assign("glass@acme.example", "Viewer"),),
        "level": (assign("glass@acme.example", "Admin", account="EMEA"),),
    }.get(kind, ())
    left = parked() if kind == "parked" else NothingLeft.DELETE
    guardrails = replace(RELAXED, protected=(glass.name,), nothing_left=left)

    made = plan(
        world(glass),
        *wish,
        former=() if wish else (gone("glass@acme.example"),),
        guardrails=guardrails,
    )

    assert rules(made) == ["protected"]


def test_a_warning_goes_by_the_number_that_is_in_force() -> None:
    three = [admin(name) for name in ("first", "second", "third")]
    standing = assign([one.name.label for one in three], "Admin", account="EMEA")
    lifted = Override("min_admins", 4, "merger", NOW + HOUR, PLACE)

    enough = plan(world(*three), standing, guardrails=replace(FLOOR, min_admins=3))
    few = plan(world(*three), standing, guardrails=replace(FLOOR, overrides=(lifted,)))

    assert [warning.code for warning in enough.warnings] == []
    assert [warning.code for warning in few.warnings] == ["few-admins", "override-in-force"]


def test_an_admin_of_several_sites_counts_on_each() -> None:
    both = (grant(ADMIN, BERLIN), grant(ADMIN, LYON))
    first, second = (
        user("10", "first@acme.example", *both),
        user("11", "second@acme.example", *both),
    )

    made = plan(
        world(first, second),
        assign("first@acme.example", "Viewer", "EMEA/Berlin"),
        assign(["first@acme.example"], "Admin", "EMEA/Lyon"),
        assign("second@acme.example", "Admin", "EMEA/Berlin", "EMEA/Lyon"),
        guardrails=FLOOR,
    )

    assert rules(made) == ["min_admins"]
    assert made.refusals[0].message.startswith("EMEA/Berlin would lose the admin first@")


def test_everybody_who_is_lost_is_named_in_order() -> None:
    one, two = user("20", "a@acme.example", grant(ADMIN, EMEA)), admin("zoe")

    made = plan(
        world(two, one),
        assign(["zoe@acme.example", "a@acme.example"], "Viewer", account="EMEA"),
        guardrails=FLOOR,
    )

    assert "the admin a@acme.example, zoe@acme.example and be left" in made.refusals[0].message


def test_a_list_of_five_who_do_not_count_is_told_whole() -> None:
    asleep = [admin("x" * n, seen=None) for n in range(1, 6)]

    assert (
        demoting(admin("first"), *asleep)
        .refusals[0]
        .message.endswith("xxxxx@acme.example (never seen).")
    )


def test_a_window_of_another_role_or_person_makes_nobody_a_passing_admin() -> None:
    heir = user("10", "heir@acme.example", grant(VIEWER, BERLIN))
    guest = user("11", "guest@acme.example", grant(SOC, BERLIN))
    first = user("12", "first@acme.example", grant(ADMIN, BERLIN))

    made = plan(
        world(first, heir, guest),
        assign("first@acme.example", "Viewer", "EMEA/Berlin"),
        assign("heir@acme.example", "Admin", "EMEA/Berlin"),
        assign("heir@acme.example", "Viewer", "EMEA/Lyon", end=NOW + HOUR),
        assign("guest@acme.example", "Admin", "EMEA/Berlin", end=NOW + HOUR),
        assign("guest@acme.example", "SOC", "EMEA/Berlin"),
        guardrails=replace(FLOOR, min_admins=1),
    )

    assert made.refusals[0].message.endswith(
        "Not counted: guest@acme.example (for a time only), "
        "heir@acme.example (admin only by this plan)."
    )


def test_a_deleted_site_has_no_admins_to_lose() -> None:
    held = user("10", "ana@acme.example", grant(ADMIN, WARSAW), grant(SOC, BERLIN))

    made = plan(world(held), assign("ana@acme.example", "Viewer", "EMEA/Berlin"), guardrails=FLOOR)

    assert (len(made.operations), rules(made), made.warnings) == (1, [], ())


def test_the_consoles_own_principals_are_told_only_as_admins() -> None:
    viewing = user("11", "vendor@mgmt.example", grant(VIEWER), is_system=True)

    assert plan(world(viewing)).warnings == ()
