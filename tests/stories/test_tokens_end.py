"""Whose access ends keeps no API token: whatever else is already right, and however a run dies."""

import json
import os
import signal
from dataclasses import replace
from typing import Any

import pytest

EVE, LENA, SIEM = "eve@acme.example", "lena@acme.example", "siem"
REVOKE = "/users/revoke-api-token"
MADE, ENDS = "2026-11-01T08:00:00.000000Z", "2026-12-01T08:00:00.000000Z"
PARK = "version: 1\nmax_revoke_fraction: 1.0\nnothing_left: {role: Viewer, site: Acme/Lyon}\n"
POLICY = """\
version: 1
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
former: [eve@acme.example]
"""
REFUSED = json.dumps({"errors": [{"code": 4030010, "title": "Insufficient permissions"}]}).encode()
SITES = {"Berlin": "1820000000000000201", "Lyon": "1820000000000000202"}
ROLES = {"Viewer": "1820000000000000302", "SOC": "1820000000000000303"}


def with_token(desk: Any, email: str, *holds: tuple[str, str], ends: str = ENDS) -> None:
    """Give somebody an API token, and these grants if any are named."""
    users, user = desk.console.world.users, desk.console.world.named(email)
    grants = [replace(user.grants[0], scope_id=SITES[s], role_id=ROLES[r]) for r, s in holds]
    users[user.id] = replace(
        user, token_created_at=MADE, token_expires_at=ends, grants=tuple(grants) or user.grants
    )


def token(desk: Any, email: str) -> str | None:
    made: str | None = desk.console.world.named(email).token_created_at
    return made


def told_of(desk: Any, email: str = EVE) -> list[tuple[str, str]]:
    """Kind and result of the records about somebody, in order."""
    return [
        (each["kind"], each["data"].get("result", ""))
        for each in desk.journal()
        if each["data"].get("principal", {}).get("name") == email
    ]


def intent_of(desk: Any, email: str = EVE) -> Any:
    return next(
        each["data"]
        for each in desk.journal()
        if each["kind"] == "intent" and each["data"]["principal"]["name"] == email
    )


@pytest.fixture
def parking(desk: Any) -> Any:
    """A desk whose leavers are parked as viewers of Lyon."""
    desk.write("access.yaml", POLICY)
    desk.write("guardrails.yaml", PARK)
    return desk


def test_a_leaver_who_already_holds_the_parking_grant_loses_the_token_with_the_rest(
    parking: Any,
) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"), ("SOC", "Berlin"))

    told = parking.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert parking.holds(EVE) == ["Viewer Lyon"]
    assert token(parking, EVE) is None
    assert told_of(parking)[1] == ("token-revocation", "applied")
    assert intent_of(parking)["revokes_token"] is True


def test_who_is_parked_already_and_has_a_token_is_a_difference_until_it_is_revoked(
    parking: Any,
) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))

    planned = parking.run("plan", "--detailed-exitcode")
    assert planned.code == 2
    assert "revoke the API token that is left" in planned.out
    assert "Plan: 0 to grant, 0 to revoke, 0 to invite, 0 to delete" in planned.out
    drifted = parking.run("drift", "--target", EVE)
    assert drifted.code == 2
    assert "1 API token to revoke" in drifted.out

    assert parking.run("apply", "--auto-approve").code == 0
    assert token(parking, EVE) is None
    assert [step for step in parking.written() if not step.startswith("POST")] == []
    assert told_of(parking) == [
        ("intent", ""),
        ("token-revocation", "applied"),
        ("outcome", "applied"),
    ]
    assert parking.run("plan").out.splitlines()[-1].startswith("No changes.")


def test_a_token_that_is_over_is_no_difference(parking: Any) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"), ends="2026-11-22T08:00:00.000000Z")

    assert parking.run("plan").out.splitlines()[-1].startswith("No changes.")


def test_a_refused_revocation_is_tried_again_by_the_next_run(
    parking: Any, proxy: Any, faults: Any
) -> None:
    with_token(parking, EVE)
    proxy.when(faults.status(403, REFUSED), method="POST", path=REVOKE, times=2)

    assert parking.run("apply", "--auto-approve").code == 4
    again = parking.run("apply", "--auto-approve")
    assert again.code == 4, again.text
    assert token(parking, EVE) == MADE
    assert told_of(parking)[-1] == ("outcome", "failed")

    assert parking.run("apply", "--auto-approve").code == 0
    assert token(parking, EVE) is None


def test_the_undo_of_an_invitation_that_parks_somebody_takes_the_token(desk: Any) -> None:
    desk.write("guardrails.yaml", PARK)
    desk.run("apply", "--auto-approve")
    undo = desk.journal()[-1]["data"]["undo"]
    with_token(desk, LENA)

    told = desk.run("apply", f".reconciler/{undo}", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(LENA) == ["Viewer Lyon"]
    assert token(desk, LENA) is None


def test_who_is_given_the_parking_grant_by_a_policy_keeps_the_token(parking: Any) -> None:
    people = "former: [eve@acme.example]\n"
    viewers = "  - {members: [eve@acme.example], role: Viewer, sites: [Acme/Lyon]}\n"
    parking.write("access.yaml", POLICY.replace(people, viewers))
    with_token(parking, EVE)

    assert parking.run("apply", "--auto-approve").code == 0

    assert parking.holds(EVE) == ["Viewer Lyon"]
    assert token(parking, EVE) == MADE


def test_without_revokes_the_token_stays_and_that_is_told(parking: Any) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))

    told = parking.run("apply", "--auto-approve", "--no-revokes")

    assert told.code == 0
    assert "--no-revokes holds back the revoke of its API token" in told.out
    assert token(parking, EVE) == MADE


@pytest.mark.parametrize(
    ("rule", "word"),
    [("protected: [eve@acme.example]", "protected"), ("additive_only: true", "additive_only")],
)
def test_a_guardrail_against_taking_holds_for_a_token_too(
    parking: Any, rule: str, word: str
) -> None:
    parking.write("guardrails.yaml", f"{PARK}{rule}\n")
    with_token(parking, EVE, ("Viewer", "Lyon"))

    told = parking.run("apply", "--auto-approve")

    assert told.code == 3
    assert f"{word}: " in told.out
    assert token(parking, EVE) == MADE


def test_a_parked_service_user_is_said_to_keep_its_token(parking: Any) -> None:
    parking.write("access.yaml", POLICY.replace("[eve@acme.example]", "[service:siem]"))

    first = parking.run("apply", "--auto-approve")
    assert first.code == 0, first.text
    assert parking.holds(SIEM) == ["Viewer Lyon"]
    later = parking.run("plan")
    for told in (first, later):
        assert "its API token stays valid" in " ".join(told.out.split())


def test_a_saved_plan_that_revokes_a_token_says_so_and_is_carried_out(parking: Any) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))
    assert parking.run("plan", "--out", "token.json").code == 0
    (operation,) = json.loads((parking.folder / "token.json").read_text())["operations"]
    assert (operation["kind"], operation["revokes_token"]) == ("revoke token", True)

    told = parking.run("apply", "token.json", "--auto-approve")

    assert told.code == 0, told.text
    assert token(parking, EVE) is None


def test_a_saved_plan_whose_token_is_gone_by_now_is_done_already(parking: Any) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))
    parking.run("plan", "--out", "token.json")
    users, user = parking.console.world.users, parking.console.world.named(EVE)
    users[user.id] = replace(user, token_created_at=None, token_expires_at=None)

    told = parking.run("apply", "token.json", "--auto-approve", "--only-planned")

    assert "the console has it so already" in told.text


@pytest.mark.parametrize("holds", [(), (("Viewer", "Lyon"),)], ids=["to park", "parked"])
def test_a_disk_full_after_the_revocation_is_told_with_what_happened(
    parking: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch, holds: Any
) -> None:
    with_token(parking, EVE, *holds)
    real = os.fsync

    def revoked_and_full(exchange: Any) -> None:
        exchange.answer(exchange.forward())

        def full(_descriptor: int) -> None:
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(os, "fsync", full)

    proxy.when(revoked_and_full, method="POST", path=REVOKE)

    told = parking.run("apply", "--auto-approve")
    monkeypatch.setattr(os, "fsync", real)

    assert told.code == 4, told.text
    assert f"{EVE}: its API token was revoked" in told.out
    assert "No space left on device" in told.err
    assert token(parking, EVE) is None


def test_a_run_killed_after_the_revocation_leaves_the_next_one_to_say_so(
    parking: Any, proxy: Any
) -> None:
    with_token(parking, EVE)
    killed: list[int] = []

    def revoked_and_killed(exchange: Any) -> None:
        exchange.forward()
        os.kill(killed.pop(), signal.SIGKILL)
        exchange.reset()

    proxy.when(revoked_and_killed, method="POST", path=REVOKE)
    with parking.start("apply", "--auto-approve") as process:
        killed.append(process.pid)
        process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert parking.holds(EVE) == ["SOC Lyon"]

    told = parking.run("apply", "--auto-approve")

    assert "not applied, a later reading shows what was there before, and no API token" in told.err
    assert parking.holds(EVE) == ["Viewer Lyon"]


def test_a_revocation_without_an_answer_that_our_token_may_not_repeat_is_on_record(
    parking: Any, proxy: Any, faults: Any
) -> None:
    with_token(parking, EVE)
    proxy.when(faults.reset_after, method="POST", path=REVOKE)
    proxy.when(faults.status(401), method="POST", path=REVOKE, times=9)

    told = parking.run("apply", "--auto-approve")

    assert told.code == 4
    assert ("token-revocation", "unknown") in told_of(parking)


def test_a_token_that_went_between_plan_and_step_is_asked_for_no_more(
    parking: Any, proxy: Any, faults: Any
) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))
    users, user = parking.console.world.users, parking.console.world.named(EVE)

    def leave() -> None:
        users[user.id] = replace(user, token_created_at=None, token_expires_at=None)

    proxy.when(faults.before(leave), method="GET", path=f"/users/{user.id}")

    told = parking.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert proxy.count("POST", REVOKE) == 0
    assert "no API token is left" in told.out


def test_a_token_alone_whose_revocation_never_answers_is_unknown(
    parking: Any, proxy: Any, faults: Any
) -> None:
    with_token(parking, EVE, ("Viewer", "Lyon"))
    proxy.when(faults.reset_before, method="POST", path=REVOKE, times=9)

    told = parking.run("apply", "--auto-approve")

    assert told.code == 4
    assert told_of(parking)[-1] == ("outcome", "unknown")
    again = parking.run("apply", "--auto-approve")
    assert "not applied, the API token is still there" in again.err
