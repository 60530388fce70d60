"""Who holds what, against who should: worlds, changes, plans."""

from dataclasses import replace

import pytest
from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    BRANCH1,
    EMEA,
    LYON,
    NOW,
    OWN,
    RELAXED,
    ROLES,
    SOC,
    TRIAGE,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    lines,
    newcomer,
    parked,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.guardrails import NothingLeft, Unlisted
from reconciler.domain.plan import OperationKind, Reason, Risk
from reconciler.domain.state import Principal
from reconciler.errors import PolicyError
from reconciler.planning.compare import precondition

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))


def test_what_is_already_held_is_no_change() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", "EMEA/Berlin"))

    assert made.is_empty
    assert not made.unlisted


def test_a_missing_grant_is_granted_and_the_rest_stays_in_the_list() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"))

    assert lines(made) == ["+ ana@acme.example SOC on EMEA/Lyon"]
    (operation,) = made.operations
    assert operation.kind is OperationKind.UPDATE
    assert operation.after is not None
    assert operation.after.grants == (grant(SOC, BERLIN), grant(SOC, LYON))


def test_a_grant_no_assignment_asks_for_is_revoked_from_a_managed_principal() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(VIEWER, LYON))

    made = plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Berlin"))

    assert lines(made) == ["- ana@acme.example Viewer on EMEA/Lyon"]


def test_a_role_replacement_is_one_operation_with_both_halves() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "Viewer", "EMEA/Berlin"))

    assert lines(made) == [
        "+ ana@acme.example Viewer on EMEA/Berlin",
        "- ana@acme.example SOC on EMEA/Berlin",
    ]
    assert len(made.operations) == 1


def test_a_level_change_replaces_the_whole_list_in_one_operation() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))

    made = plan(world(held), assign("ana@acme.example", "SOC", account="EMEA"))

    assert lines(made) == [
        "+ ana@acme.example SOC on EMEA",
        "- ana@acme.example SOC on EMEA/Berlin",
        "- ana@acme.example SOC on EMEA/Lyon",
    ]
    assert len(made.operations) == 1


def test_somebody_new_is_invited_with_the_name_from_users() -> None:
    made = plan(
        world(),
        assign("new@acme.example", "Viewer", "EMEA/Berlin"),
        users=(newcomer("new@acme.example", "Nia New"),),
    )

    (operation,) = made.operations
    assert (operation.kind, operation.full_name) == (OperationKind.INVITE, "Nia New")
    assert operation.principal_id is None


def test_spelling_an_address_with_capitals_is_no_difference() -> None:
    held = user("10", "Ana@Acme.example", grant(SOC, BERLIN))

    assert plan(world(held), assign("ana@acme.EXAMPLE", "SOC", "EMEA/Berlin")).is_empty


def test_a_principal_nobody_names_is_reported_and_not_touched() -> None:
    admin = user("11", "zoe@acme.example", grant(ADMIN))

    made = plan(world(ANA, admin), assign("ana@acme.example", "SOC", "EMEA/Berlin"))

    assert made.is_empty
    assert [(one.name.label, one.is_admin) for one in made.unlisted] == [("zoe@acme.example", True)]


def test_with_unlisted_revoke_a_principal_nobody_names_loses_everything() -> None:
    made = plan(world(ANA), guardrails=replace(RELAXED, unlisted=Unlisted.REVOKE))

    assert lines(made) == ["- ana@acme.example SOC on EMEA/Berlin"]
    assert made.operations[0].changes[0].reason is Reason.UNLISTED


def test_system_users_are_neither_unlisted_nor_written() -> None:
    system = user("12", "system@acme.example", grant(ADMIN), is_system=True)

    made = plan(world(system), guardrails=replace(RELAXED, unlisted=Unlisted.REVOKE))

    assert made.is_empty
    assert not made.unlisted


def test_a_former_principal_is_refused_by_default_because_nothing_would_be_left() -> None:
    made = plan(
        world(ANA),
        former=(gone("ana@acme.example"),),
        guardrails=replace(RELAXED, nothing_left=NothingLeft.REFUSE),
    )

    assert rules(made) == ["nothing_left"]
    assert made.is_empty


def test_a_former_principal_is_deleted_when_the_guardrails_say_so() -> None:
    made = plan(world(ANA), former=(gone("ana@acme.example"),))

    (operation,) = made.operations
    assert operation.kind is OperationKind.DELETE
    assert operation.changes[0].reason is Reason.OFFBOARDING


def test_a_former_principal_is_parked_when_the_guardrails_say_so_and_then_stays() -> None:
    guardrails = replace(RELAXED, nothing_left=parked())
    leaver = gone("ana@acme.example")

    made = plan(world(ANA), former=(leaver,), guardrails=guardrails)
    again = plan(
        world(user("10", "ana@acme.example", grant(VIEWER, LYON))),
        former=(leaver,),
        guardrails=guardrails,
    )

    assert lines(made) == [
        "+ ana@acme.example Viewer on EMEA/Lyon",
        "- ana@acme.example SOC on EMEA/Berlin",
    ]
    assert again.is_empty


def test_a_former_principal_who_is_not_there_needs_nothing() -> None:
    assert plan(world(), former=(gone("eve@acme.example"), gone("service:old"))).is_empty


def test_a_grant_on_a_deleted_site_is_ignored_left_out_of_the_next_write_and_reported() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, WARSAW))

    quiet = plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Berlin"))
    written = plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"))

    assert quiet.is_empty
    assert [warning.code for warning in quiet.warnings] == ["left-alone"]
    (operation,) = written.operations
    assert operation.before is not None
    assert grant(SOC, WARSAW) in operation.before.grants
    assert operation.after is not None
    assert grant(SOC, WARSAW) not in operation.after.grants
    assert lines(written) == ["+ ana@acme.example SOC on EMEA/Lyon"]
    assert operation.notes == ("holds SOC on the deleted site EMEA/Warsaw",)


def test_a_user_of_an_identity_provider_is_written_with_a_note() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), source="sso_saml")

    made = plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Lyon"))

    assert "identity provider (sso_saml)" in made.operations[0].notes[0]


def test_the_same_triple_by_two_ways_is_one_grant_with_both_places() -> None:
    made = plan(
        world(ANA),
        assign("ana@acme.example", "SOC", "EMEA/Berlin", line=3),
        assign("ana@acme.example", "SOC", "EMEA/Lyon", line=7),
        assign("ana@acme.example", "SOC", "EMEA/*y*", line=9),
    )

    (change,) = made.operations[0].changes
    assert [place.line for place in change.places] == [7, 9]


def test_a_site_that_appears_under_a_glob_is_told_as_such() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BRANCH1))

    made = plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Branch-*"))

    assert lines(made) == ["+ ana@acme.example SOC on EMEA/Branch-2"]
    assert made.operations[0].changes[0].reason is Reason.SITE_APPEARED


def test_members_none_grants_nothing() -> None:
    assert plan(world(), assign([], "SOC", "EMEA/Berlin")).is_empty


def test_target_limits_the_plan_to_the_named_principals() -> None:
    bo = user("11", "bo@acme.example", grant(SOC, BERLIN))
    wish = assign(["ana@acme.example", "bo@acme.example"], "Viewer", "EMEA/Berlin")

    made = plan(world(ANA, bo), wish, targets=("bo@acme.example",))

    assert {operation.name.label for operation in made.operations} == {"bo@acme.example"}


def test_an_unknown_target_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(PolicyError) as caught:
        plan(
            world(ANA),
            assign("ana@acme.example", "SOC", "EMEA/Berlin"),
            targets=("anna@acme.example",),
        )

    (problem,) = caught.value.problems
    assert problem.code == "unknown-target"
    assert "ana@acme.example" in problem.remedy


def test_no_revokes_grants_on_free_scopes_and_keeps_everything_else() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(VIEWER, LYON))

    made = plan(
        world(held),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin"),
        assign("ana@acme.example", "SOC", "US/Austin"),
        no_revokes=True,
    )

    assert lines(made) == ["+ ana@acme.example SOC on US/Austin"]
    (operation,) = made.operations
    assert operation.after is not None
    assert set(operation.after.grants) == {*held.grants, grant(SOC, AUSTIN)}
    assert operation.notes == (
        (
            "--no-revokes holds back the revoke of SOC on EMEA/Berlin; "
            "the revoke of Viewer on EMEA/Lyon; "
            "the grant of Viewer on EMEA/Berlin, which needs a revoke"
        ),
    )


def test_no_revokes_never_changes_a_level_and_never_deletes() -> None:
    made = plan(
        world(ANA, user("11", "bo@acme.example", grant(SOC, BERLIN))),
        assign("ana@acme.example", "SOC", account="EMEA"),
        former=(gone("bo@acme.example"),),
        no_revokes=True,
    )

    assert made.is_empty
    assert {warning.code for warning in made.warnings} == {"left-alone"}


def test_a_custom_role_of_the_account_is_granted_on_its_sites() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "Triage", "EMEA/Berlin", "EMEA/Lyon"))

    assert "+ ana@acme.example Triage on EMEA/Berlin" in lines(made)
    assert made.operations[0].after is not None
    assert made.operations[0].after.grants[0].role == TRIAGE


def test_wide_admin_is_high_risk_and_its_loss_is_not_low() -> None:
    held = user("10", "ana@acme.example", grant(ADMIN, EMEA))

    gained = plan(world(ANA), assign("ana@acme.example", "Admin", account="EMEA"))
    lost = plan(world(held), assign("ana@acme.example", "Viewer", account="EMEA"))

    assert gained.operations[0].changes[0].risk is Risk.HIGH
    assert [change.risk for change in lost.operations[0].changes] == [Risk.LOW, Risk.HIGH]


def test_service_users_are_managed_by_name_and_by_id_alike() -> None:
    export = service("50", "siem-export", grant(VIEWER, EMEA))

    for label in ("service:siem-export", "service:id:50"):
        made = plan(world(export), assign(label, "Viewer", account="US"))
        assert lines(made) == [
            "+ service:siem-export Viewer on US",
            "- service:siem-export Viewer on EMEA",
        ]


def test_a_service_user_named_both_ways_is_one_principal() -> None:
    export = service("50", "siem-export", grant(VIEWER, BERLIN), grant(VIEWER, LYON))

    made = plan(
        world(export),
        assign("service:siem-export", "Viewer", "EMEA/Berlin"),
        assign("service:id:50", "Viewer", "EMEA/Lyon"),
    )

    assert made.is_empty


def test_operations_that_only_grant_come_first_and_those_that_only_revoke_last() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    bo = user("11", "bo@acme.example", grant(SOC, BERLIN))
    cy = user("12", "cy@acme.example", grant(SOC, BERLIN))

    made = plan(
        world(ana, bo, cy),
        assign("ana@acme.example", "SOC", "EMEA/Berlin"),
        assign("bo@acme.example", "Viewer", "EMEA/Berlin"),
        assign("cy@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"),
        now=NOW,
    )

    assert [operation.name.label for operation in made.operations] == [
        "cy@acme.example",
        "bo@acme.example",
        "ana@acme.example",
    ]


def test_the_content_digest_does_not_depend_on_whose_token_planned() -> None:
    # Two tokens order the operations differently: what touches the own identity goes last.
    robots = [
        service("50", "a-robot", grant(SOC, BERLIN)),
        service("51", "b-robot", grant(SOC, BERLIN)),
    ]
    wish = assign(["service:a-robot", "service:b-robot"], "SOC", "EMEA/Berlin", "EMEA/Lyon")

    one = plan(world(*robots, identity=replace(OWN, id="50")), wish)
    two = plan(world(*robots, identity=replace(OWN, id="51")), wish)

    assert one.operations == two.operations[::-1]
    assert one.content_digest == two.content_digest


def test_unlisted_revoke_reaches_neither_service_users_nor_users_of_an_identity_provider() -> None:
    robot = service("50", "marketplace-app", grant(VIEWER, EMEA))
    external = user("51", "sso@acme.example", grant(SOC, BERLIN), source="sso_saml")
    cut = user("52", "cut@acme.example", grant(SOC, BERLIN), is_partial=True)

    made = plan(world(robot, external, cut), guardrails=replace(RELAXED, unlisted=Unlisted.REVOKE))

    assert made.is_empty
    assert len(made.unlisted) == 3


def test_no_revokes_parks_nobody_and_refuses_nobody() -> None:
    for rule in (parked(), NothingLeft.REFUSE, NothingLeft.DELETE):
        made = plan(
            world(ANA),
            former=(gone("ana@acme.example"),),
            guardrails=replace(RELAXED, nothing_left=rule),
            no_revokes=True,
        )
        assert made.is_empty
        assert not made.refusals


def test_no_revokes_holds_nothing_back_from_somebody_who_is_parked_already() -> None:
    there = user("10", "ana@acme.example", grant(VIEWER, LYON))
    more = user("10", "ana@acme.example", grant(VIEWER, LYON), grant(SOC, BERLIN))

    def noted(held: Principal) -> list[str]:
        guardrails = replace(RELAXED, nothing_left=parked())
        former = (gone("ana@acme.example"),)
        made = plan(world(held), former=former, guardrails=guardrails, no_revokes=True)
        assert made.is_empty
        return [warning.message for warning in made.warnings]

    assert noted(there) == []
    (told,) = noted(more)
    assert told.endswith("--no-revokes holds back the revoke of SOC on EMEA/Berlin.")


def test_a_list_with_two_roles_on_one_scope_is_never_written() -> None:
    odd = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(VIEWER, BERLIN))

    made = plan(
        world(odd), assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"), no_revokes=True
    )

    assert made.is_empty
    assert any("two roles on one scope" in warning.message for warning in made.warnings)


def test_a_precondition_notices_another_role_on_the_same_scope() -> None:
    seen = [user("10", "ana@acme.example", grant(role, BERLIN)) for role in (SOC, VIEWER)]
    elsewhere = user("10", "ana@acme.example", grant(SOC, LYON))
    nobody = None

    digests = {precondition(each) for each in (*seen, elsewhere, nobody)}

    assert len(digests) == 4
    assert precondition(seen[0]) == precondition(replace(seen[0], full_name="Ana Maria"))


def test_a_renamed_role_or_site_is_not_the_plan_that_was_reviewed() -> None:
    wish = assign("ana@acme.example", "id:2", "id:102", "id:101")
    renamed = tuple(replace(role, name="Viewer+") if role.id == "2" else role for role in ROLES)

    one = plan(world(ANA), wish)
    two = plan(world(ANA, roles=renamed), wish)

    assert one.operations[0].precondition == two.operations[0].precondition
    assert one.content_digest != two.content_digest


def test_a_precondition_does_not_depend_on_the_order_of_grants() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))

    assert precondition(held) == precondition(replace(held, grants=held.grants[::-1]))
    assert precondition(None) not in {precondition(held), None}


def test_whoever_holds_nothing_already_has_nothing_to_lose() -> None:
    bare = user("10", "ana@acme.example")
    only_deleted = user("11", "bo@acme.example", grant(SOC, WARSAW))
    leavers = (gone("ana@acme.example"), gone("bo@acme.example"))

    for rule in (NothingLeft.REFUSE, NothingLeft.DELETE, parked()):
        guardrails = replace(RELAXED, nothing_left=rule)
        made = plan(world(bare, only_deleted), former=leavers, guardrails=guardrails)
        assert (made.operations, made.refusals) == ((), ())
