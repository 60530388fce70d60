"""Somebody comes and somebody goes: invitations, offboarding, and the tokens that go first."""

import json
from dataclasses import replace
from typing import Any

import pytest

EVE, LENA = "eve@acme.example", "lena@acme.example"
EVE_ID = "1820000000000001005"
REVOKE = "/users/revoke-api-token"
PARKED = "version: 1\nmax_revoke_fraction: 1.0\nnothing_left: {role: Viewer, site: Acme/Berlin}\n"
ONLY_EVE = """\
version: 1
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
former: [eve@acme.example]
"""


def with_token(desk: Any, email: str) -> str:
    """Give somebody an API token, as the console shows and knows it."""
    users, user = desk.console.world.users, desk.console.world.named(email)
    made, ends = "2026-11-01T08:00:00.000000Z", "2026-12-01T08:00:00.000000Z"
    users[user.id] = replace(user, token_created_at=made, token_expires_at=ends)
    token: str = desk.console.token_for(email)
    assert desk.api("GET", "/user", name=email)[0] == 200
    return token


@pytest.fixture
def leaver(desk: Any) -> str:
    """Eve, who leaves and has an API token of her own."""
    desk.write("access.yaml", ONLY_EVE)
    return with_token(desk, EVE)


def steps(desk: Any) -> list[tuple[str, str]]:
    """Kind and result of the records about Eve, in order."""
    return [
        (each["kind"], each["data"].get("result", ""))
        for each in desk.journal()
        if each["data"].get("principal", {}).get("name") == EVE
    ]


def sent(desk: Any) -> list[tuple[str, str]]:
    return [each for each in desk.console.requests if each[0] in {"POST", "PUT", "DELETE"}]


@pytest.mark.usefixtures("leaver")
def test_the_plan_says_that_a_token_is_revoked_first(desk: Any) -> None:
    told = desk.run("plan")

    assert "an API token, if there is one, is revoked first" in told.out


@pytest.mark.usefixtures("leaver")
def test_who_is_deleted_loses_the_token_first_as_a_step_of_its_own(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert [path.rpartition("/v2.1")[2] for _, path in sent(desk)] == [REVOKE, f"/users/{EVE_ID}"]
    assert steps(desk) == [("intent", ""), ("token-revocation", "applied"), ("outcome", "applied")]
    assert desk.holds(EVE) is None


@pytest.mark.usefixtures("leaver")
def test_who_is_parked_loses_the_token_first(desk: Any) -> None:
    desk.write("guardrails.yaml", PARKED)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(EVE) == ["Viewer Berlin"]
    assert steps(desk) == [("intent", ""), ("token-revocation", "applied"), ("outcome", "applied")]
    assert desk.console.world.named(EVE).token_created_at is None


def test_who_has_no_token_is_asked_nothing_about_it(desk: Any) -> None:
    desk.write("access.yaml", ONLY_EVE)

    desk.run("apply", "--auto-approve")

    assert steps(desk) == [("intent", ""), ("outcome", "applied")]
    assert [method for method, _ in sent(desk)] == ["DELETE"]


def test_who_only_changes_keeps_the_token(desk: Any) -> None:
    with_token(desk, "bo@acme.example")

    desk.run("apply", "--auto-approve")

    assert desk.console.world.named("bo@acme.example").token_created_at
    assert "token-revocation" not in {each["kind"] for each in desk.journal()}


@pytest.mark.usefixtures("leaver")
@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncated"])
def test_a_lost_answer_to_the_revocation_is_asked_again(
    desk: Any, proxy: Any, faults: Any, fault: str
) -> None:
    proxy.when(getattr(faults, fault), method="POST", path=REVOKE)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert proxy.count("POST", REVOKE) == 2
    assert steps(desk)[1] == ("token-revocation", "applied")


@pytest.mark.usefixtures("leaver")
@pytest.mark.parametrize(("code", "result"), [(403, "failed"), (400, "failed"), (404, "failed")])
def test_who_is_parked_though_the_token_stays_is_told_and_is_no_success(
    desk: Any, proxy: Any, faults: Any, code: int, result: str
) -> None:
    desk.write("guardrails.yaml", PARKED)
    said = json.dumps({"errors": [{"code": code * 10000 + 10, "title": "No"}]}).encode()
    proxy.when(faults.status(code, said), method="POST", path=REVOKE, times=9)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.holds(EVE) == ["Viewer Berlin"]
    assert "An API token may remain: POST /users/revoke-api-token" in told.out
    assert proxy.count("POST", REVOKE) == 1
    assert steps(desk)[1:] == [("token-revocation", result), ("outcome", "applied")]


@pytest.mark.usefixtures("leaver")
def test_a_revocation_that_never_answers_is_unknown_and_the_access_ends_all_the_same(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.reset_before, method="POST", path=REVOKE, times=9)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert proxy.count("POST", REVOKE) == 3
    assert steps(desk)[1:] == [("token-revocation", "unknown"), ("outcome", "applied")]
    assert desk.holds(EVE) is None


@pytest.mark.usefixtures("leaver")
def test_our_own_token_refused_at_the_revocation_stops_the_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(401), method="POST", path=REVOKE, times=9)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert proxy.count("POST", REVOKE) == 1
    assert desk.holds(EVE) == ["SOC Lyon"]
    assert steps(desk) == [("intent", ""), ("outcome", "failed")]


@pytest.mark.usefixtures("leaver")
def test_unlisted_people_are_revoked_with_their_tokens_where_the_guardrails_say_so(
    desk: Any,
) -> None:
    desk.write(
        "guardrails.yaml",
        "version: 1\nunlisted: revoke\nnothing_left: delete\nmax_revoke_fraction: 1.0\n",
    )
    desk.write("access.yaml", ONLY_EVE.replace("former: [eve@acme.example]\n", ""))

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(EVE) is None
    assert desk.holds("mia@acme.example") is None
    assert desk.holds("stray") == ["Viewer Lyon"]
    assert steps(desk)[1] == ("token-revocation", "applied")


def test_an_invitation_sends_no_password_while_the_console_onboards(desk: Any) -> None:
    assert desk.console.world.settings.onboarding

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    posts = [each for each in desk.console.log if each.method == "POST"]
    assert len(posts) == 1
    assert desk.holds(LENA) == ["SOC Berlin"]


def test_a_console_without_onboarding_wants_a_password_and_is_told_so(desk: Any) -> None:
    world = desk.console.world
    world.settings = type(world.settings)(onboarding=False)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert desk.results()[LENA] == "failed"
    assert "password" in told.out
    assert desk.holds(LENA) is None


def test_the_undo_of_an_invitation_takes_the_new_users_token_too(desk: Any) -> None:
    desk.run("apply", "--auto-approve")
    undo = desk.journal()[-1]["data"]["undo"]
    with_token(desk, LENA)

    told = desk.run("apply", f".reconciler/{undo}", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(LENA) is None
    revoked = [each for each in desk.journal() if each["kind"] == "token-revocation"]
    assert [each["data"]["principal"]["name"] for each in revoked] == [LENA]
