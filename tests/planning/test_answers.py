"""Why somebody has access, and who has it: from the policies alone, and beside a console."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    EMEA,
    LYON,
    NOW,
    SOC,
    TRIAGE,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    newcomer,
    service,
    user,
    world,
)

from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.policy import Assignment, Policy
from reconciler.domain.state import Actual, Principal
from reconciler.errors import SettingsError
from reconciler.planning.answers import Answer, Standing, explain, who_can
from reconciler.planning.known import Known
from reconciler.planning.powers import is_role, power, unread_note

ANA = "ana@acme.example"
HOUR = timedelta(hours=1)
STANDING = assign(ANA, "SOC", "EMEA/Berlin", line=7)


def known(*assignments: Assignment, actual: Actual | None = None, **policy: object) -> Known:
    return Known.of(Policy(assignments=assignments, **policy), actual, NOW)  # type: ignore[arg-type]


def told(answer: Answer) -> list[str]:
    held = {True: " held", False: " missing", None: ""}
    return [
        f"{a.grant.role.name} on {a.grant.scope.name}: {a.state}{held[a.is_held]}"
        for a in answer.accesses
    ]


def asked(known_: Known, text: str, on: str) -> list[str]:
    answers = who_can(known_, power(known_, text).is_of, known_.scope(on))
    return [answer.name.label for answer in answers]


# explain, from the policies alone


def test_without_a_console_names_stay_as_they_are_written() -> None:
    answer = explain(known(assign(ANA, "EMEA/Triage", "EMEA/Branch-*", line=3)), ANA)

    assert told(answer) == ["EMEA/Triage on EMEA/Branch-*: in force"]
    assert (answer.standing, answer.is_on_console, answer.id) == (Standing.MANAGED, None, None)
    (source,) = answer.accesses[0].sources
    assert (source.place.line, source.pattern) == (3, "EMEA/Branch-*")


def test_one_triple_asked_for_twice_has_two_sources() -> None:
    answer = explain(known(STANDING, replace(STANDING, reason="INC-1")), ANA)

    assert [source.reason for source in answer.accesses[0].sources] == [None, "INC-1"]


def test_the_group_that_brought_somebody_in_is_told() -> None:
    member = replace(STANDING.members[0], group="soc")
    answer = explain(known(replace(STANDING, members=(member,))), "ANA@acme.example")

    assert answer.accesses[0].sources[0].group == "soc"


@pytest.mark.parametrize(
    ("start", "end", "state"),
    [
        (NOW - HOUR, NOW + HOUR, "in force"),
        (NOW, None, "in force"),
        (NOW + HOUR, None, "coming"),
        (None, NOW, "closed"),
    ],
)
def test_a_window_is_open_coming_or_closed(start: None, end: None, state: str) -> None:
    answer = explain(known(assign(ANA, "SOC", "EMEA/Lyon", start=start, end=end)), ANA)

    assert told(answer) == [f"SOC on EMEA/Lyon: {state}"]
    assert (answer.accesses[0].window is not None) == (state == "in force")


def test_a_window_at_another_level_suspends_what_stands() -> None:
    window = assign(ANA, "Admin", account="EMEA", end=NOW + HOUR)

    assert told(explain(known(STANDING, window), ANA)) == [
        "Admin on EMEA: in force",
        "SOC on EMEA/Berlin: suspended while a window is open",
    ]


def test_a_leaver_and_a_newcomer_without_assignments_are_known() -> None:
    asked_of = known(former=(gone(ANA),), users=(newcomer("bo@acme.example"),))

    assert explain(asked_of, ANA).standing is Standing.FORMER
    assert explain(asked_of, ANA).place == gone(ANA).place
    assert explain(asked_of, "bo@acme.example").standing is Standing.NAMED


def test_a_name_in_no_policy_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="No policy names") as close:
        explain(known(STANDING), "anna@acme.example")
    with pytest.raises(SettingsError) as far:
        explain(known(STANDING), "zz@other.example")

    assert ANA in close.value.remedy
    assert "--from console" in far.value.remedy


# --on


@pytest.mark.parametrize(
    ("assignment", "on", "is_reached"),
    [
        (assign(ANA, "SOC"), "EMEA/Berlin", True),
        (assign(ANA, "SOC"), "Tenant", True),
        (assign(ANA, "SOC", account="EMEA"), "EMEA/Berlin", True),
        (assign(ANA, "SOC", account="EMEA"), "EMEA", True),
        (assign(ANA, "SOC", account="EMEA"), "US/Austin", False),
        (assign(ANA, "SOC", account="EMEA"), "tenant", False),
        (assign(ANA, "SOC", "EMEA/Berlin"), "EMEA/Berlin", True),
        (assign(ANA, "SOC", "EMEA/Berlin"), "EMEA/Lyon", False),
        (assign(ANA, "SOC", "EMEA/Berlin"), "EMEA", False),
        (assign(ANA, "SOC", "EMEA/B*"), "EMEA/Berlin", True),
        (assign(ANA, "SOC", "EMEA/b*"), "EMEA/Berlin", False),
        (assign(ANA, "SOC", "US/B*"), "EMEA/Berlin", False),
        (assign(ANA, "SOC", "EMEA/[B]*"), "EMEA/Berlin", False),
    ],
)
def test_access_is_inherited_from_above(assignment: Assignment, on: str, is_reached: bool) -> None:
    asked_of = known(assignment)

    assert bool(explain(asked_of, ANA, asked_of.scope(on)).accesses) is is_reached


def test_ids_as_written_are_the_level_that_the_policies_give_them() -> None:
    asked_of = known(assign(ANA, "SOC", account="id:100"), assign(ANA, "SOC", "id:101"))

    assert told(explain(asked_of, ANA, asked_of.scope("id:100"))) == ["SOC on id:100: in force"]
    assert told(explain(asked_of, ANA, asked_of.scope("id:101"))) == ["SOC on id:101: in force"]


def test_what_is_named_below_the_scope_is_noted() -> None:
    asked_of = known(assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon", "US/Austin"))
    answer = explain(asked_of, ANA, asked_of.scope("EMEA"))

    assert (answer.accesses, answer.notes) == ((), ("named on 2 scopes below EMEA as well",))


@pytest.mark.parametrize("text", ["EMEA/Berlim", "Berlin"])
def test_without_a_console_a_scope_that_no_policy_names_is_an_error(text: str) -> None:
    asked_of = known(STANDING, assign(ANA, "SOC", "US/*"))

    with pytest.raises(SettingsError, match="no policy names it") as error:
        asked_of.check_named(asked_of.scope(text))
    assert error.value.remedy.startswith('Did you mean "EMEA/Berlin"? Other scopes')
    for other in ("EMEA/Berlin", "EMEA", "US/Austin", "tenant"):
        asked_of.check_named(asked_of.scope(other))


def test_a_pattern_is_no_scope_to_ask_about() -> None:
    with pytest.raises(SettingsError, match="no pattern"):
        known(STANDING).scope("EMEA/*")


# beside a console


def test_the_console_agrees_or_not() -> None:
    actual = world(user("10", ANA, grant(SOC, BERLIN), grant(ADMIN, AUSTIN)))
    answer = explain(known(STANDING, assign(ANA, "SOC", "EMEA/Lyon"), actual=actual), ANA)

    assert told(answer) == [
        "SOC on EMEA/Berlin: in force held",
        "SOC on EMEA/Lyon: in force missing",
        "Admin on US/Austin: in no policy held",
    ]
    assert (answer.id, answer.is_on_console) == ("10", True)


def test_patterns_become_sites_beside_a_console() -> None:
    actual = world(user("10", ANA))
    answer = explain(known(assign(ANA, "SOC", "EMEA/Branch-*"), actual=actual), ANA)

    assert [access.grant.scope.name for access in answer.accesses] == [
        "EMEA/Branch-1",
        "EMEA/Branch-2",
    ]
    assert {source.pattern for a in answer.accesses for source in a.sources} == {"EMEA/Branch-*"}


def test_a_scope_the_console_does_not_have_is_an_error_with_a_suggestion() -> None:
    asked_of = known(STANDING, actual=world())

    with pytest.raises(SettingsError) as error:
        asked_of.scope("EMEA/Berlim")
    assert "EMEA/Berlin" in error.value.remedy
    assert asked_of.scope("id:100") == EMEA.scope
    assert asked_of.scope("id:101") == BERLIN.scope
    with pytest.raises(SettingsError, match='No account "Berlin"') as half:
        asked_of.scope("Berlin")
    assert 'Did you mean "EMEA/Berlin"' in half.value.remedy
    asked_of.check_named(LYON.scope)
    with pytest.raises(SettingsError):
        asked_of.scope("id:999")


def test_names_that_mean_nothing_there_do_not_stand_in_the_way() -> None:
    asked_of = known(STANDING, assign(ANA, "SOC", "EMEA/Nowhere"), actual=world(user("10", ANA)))

    assert told(explain(asked_of, ANA)) == ["SOC on EMEA/Berlin: in force missing"]
    assert [problem.code for problem in asked_of.problems] == ["unknown-site"]


def test_somebody_in_no_policy_is_unlisted() -> None:
    actual = world(user("10", ANA, grant(SOC, BERLIN)))

    assert explain(known(actual=actual), ANA).standing is Standing.UNLISTED
    with pytest.raises(SettingsError, match="neither in the policies nor on the console") as error:
        explain(known(actual=actual), "anna@acme.example")
    assert ANA in error.value.remedy


def test_a_service_user_is_found_by_name_and_by_id() -> None:
    actual = world(service("20", "siem", grant(VIEWER, LYON)))
    asked_of = known(assign("service:id:20", "Viewer", "EMEA/Lyon"), actual=actual)

    by_name, by_id = explain(asked_of, "service:siem"), explain(asked_of, "service:id:20")
    assert by_name == by_id
    assert told(by_id) == ["Viewer on EMEA/Lyon: in force held"]


def test_a_name_that_several_have_needs_an_id() -> None:
    twins = (service("20", "siem", grant(VIEWER, LYON)), service("21", "siem"))
    same = (user("30", ANA), user("31", ANA))
    asked_of = known(assign("service:id:20", "SOC", "EMEA/Lyon"), actual=world(*twins, *same))

    assert told(explain(asked_of, "service:id:20"))[0] == "SOC on EMEA/Lyon: in force missing"
    with pytest.raises(SettingsError, match="id:30, id:31"):
        explain(asked_of, ANA)


@pytest.mark.parametrize(
    ("principal", "note"),
    [
        (user("10", ANA, is_system=True), "system principal"),
        (user("10", ANA, source="sso_saml"), "identity provider (sso_saml)"),
        (user("10", ANA, is_partial=True), "there may be more"),
        (user("10", ANA, can_log_in=False), "cannot log in"),
        (user("10", ANA, grant(SOC, WARSAW)), "deleted site EMEA/Warsaw"),
    ],
)
def test_what_else_matters_about_somebody_is_noted(principal: Principal, note: str) -> None:
    answer = explain(known(actual=world(principal)), ANA)

    assert len(answer.notes) == 1
    assert note in answer.notes[0]
    assert answer.accesses == ()


def test_a_service_user_needs_no_second_factor() -> None:
    assert explain(known(actual=world(service("20", "siem"))), "service:siem").notes == ()


# who-can


def test_everybody_with_the_role_there_or_above() -> None:
    asked_of = known(
        assign("a@acme.example", "SOC"),
        assign("b@acme.example", "SOC", account="EMEA"),
        assign("c@acme.example", "SOC", "EMEA/Berlin"),
        assign("d@acme.example", "SOC", "EMEA/Lyon"),
        assign("e@acme.example", "Viewer", "EMEA/Berlin"),
        assign("f@acme.example", "SOC", "EMEA/Berlin", start=NOW + HOUR),
        assign("g@acme.example", "SOC", "EMEA/B*", end=NOW + HOUR),
        former=(gone("h@acme.example"),),
    )

    assert asked(asked_of, "SOC", "EMEA/Berlin") == [f"{n}@acme.example" for n in "abcg"]
    assert asked(asked_of, "soc", "US/Austin") == ["a@acme.example"]


def test_beside_a_console_holders_in_no_policy_count_and_so_do_grants_to_come() -> None:
    actual = world(
        user("10", ANA),
        user("11", "bo@acme.example", grant(SOC, EMEA)),
        user("12", "cy@acme.example", grant(VIEWER, BERLIN)),
    )
    asked_of = known(STANDING, actual=actual)
    answers = who_can(asked_of, power(asked_of, "tenant/SOC").is_of, BERLIN.scope)

    assert [(a.name.label, a.standing.value, told(a)[0]) for a in answers] == [
        (ANA, "managed", "SOC on EMEA/Berlin: in force missing"),
        ("bo@acme.example", "unlisted", "SOC on EMEA: in no policy held"),
    ]


def test_roles_as_written_are_found_without_their_owner() -> None:
    asked_of = known(assign(ANA, "EMEA/Triage", "EMEA/Berlin"))

    assert asked(asked_of, "Triage", "EMEA/Berlin") == [ANA]
    assert asked(asked_of, "emea/triage", "EMEA/Berlin") == [ANA]


def test_the_exact_spelling_of_a_role_wins() -> None:
    asked_of = known(
        assign(ANA, "SOC", "EMEA/Berlin"), assign("bo@acme.example", "soc", "EMEA/Berlin")
    )

    assert asked(asked_of, "SOC", "EMEA/Berlin") == [ANA]


def test_a_role_in_no_policy_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match='"SOCK"') as close:
        power(known(STANDING), "SOCK")
    with pytest.raises(SettingsError) as permission:
        power(known(STANDING), "Users.create")

    assert '"SOC"' in close.value.remedy
    assert "--snapshot" in permission.value.remedy


# who-can, by permission

CREATE = Permission("Users", "Users.create", "Create")
CREATE_SITE = Permission("Sites", "Sites.create", "Create")
VIEW = Permission("Users", "Users.view", "View")
PAGES = (
    RolePermissions(ADMIN.id, (CREATE_SITE, CREATE, VIEW)),
    RolePermissions(VIEWER.id, (VIEW,)),
    RolePermissions(TRIAGE.id, (CREATE,)),
)


def paged() -> Known:
    actual = world(
        user("10", ANA, grant(ADMIN)),
        user("11", "bo@acme.example", grant(TRIAGE, EMEA)),
        user("12", "cy@acme.example", grant(VIEWER, BERLIN)),
        user("13", "di@acme.example", grant(SOC, BERLIN)),
    )
    return known(actual=replace(actual, permissions=PAGES))


@pytest.mark.parametrize("text", ["Users.create", "users.CREATE", "Users: Create", "users: create"])
def test_a_permission_is_held_by_whoever_has_a_role_that_grants_it(text: str) -> None:
    assert asked(paged(), text, "EMEA/Berlin") == [ANA, "bo@acme.example"]
    assert asked(paged(), text, "US/Austin") == [ANA]


def test_a_title_alone_is_enough_where_it_is_unique() -> None:
    assert asked(paged(), "view", "EMEA/Berlin") == [ANA, "cy@acme.example"]
    with pytest.raises(SettingsError, match=r"Sites: Create .Sites.create., Users: Create"):
        power(paged(), "Create")


def test_roles_whose_pages_were_not_read_are_told() -> None:
    found = power(paged(), "Users.create")

    assert found.permission == CREATE
    assert "holders are missing: SOC" in str(unread_note(paged(), found))
    assert unread_note(paged(), power(paged(), "Admin")) is None


def test_unknown_permissions_are_errors_with_suggestions() -> None:
    with pytest.raises(SettingsError, match="No role and no permission") as close:
        power(paged(), "Users.creat")
    with pytest.raises(SettingsError) as far:
        power(paged(), "zzz")
    with pytest.raises(SettingsError, match="was not read"):
        power(known(actual=world()), "Users.create")

    assert "Users.create" in close.value.remedy
    assert "Users: Create" in far.value.remedy
    assert is_role(paged(), "Admin")
    assert not is_role(paged(), "Users.create")


def test_a_place_is_told_for_leavers_and_for_those_only_named() -> None:
    asked_of = known(STANDING, users=(newcomer(ANA), newcomer("bo@acme.example")))

    assert explain(asked_of, ANA).place is None
    assert explain(asked_of, "bo@acme.example").place == newcomer("bo@acme.example").place


def test_of_two_windows_the_one_to_come_counts() -> None:
    past = assign(ANA, "SOC", "EMEA/Lyon", end=NOW - HOUR)
    coming = assign(ANA, "SOC", "EMEA/Lyon", start=NOW + HOUR)

    assert told(explain(known(past, coming), ANA)) == ["SOC on EMEA/Lyon: coming"]


def test_a_grant_is_suspended_though_a_window_of_it_is_to_come() -> None:
    wide = assign(ANA, "Admin", account="EMEA", end=NOW + HOUR)
    coming = assign(ANA, "SOC", "EMEA/Berlin", start=NOW + 2 * HOUR)

    assert told(explain(known(STANDING, wide, coming), ANA)) == [
        "Admin on EMEA: in force",
        "SOC on EMEA/Berlin: suspended while a window is open",
    ]
