"""Somebody else at the console while we apply: nothing of theirs is lost without a word (T51).

The console replaces whole lists and knows no versions. So one moment is left between our last
read and our write; what is lost in it can only be reported.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

LENA, BO, SIEM, EVE = "lena@acme.example", "bo@acme.example", "service:siem", "eve@acme.example"
SAVED = "reviewed.json"
ADA = "ada@acme.example"


def promoted(desk: Any, name: str) -> None:
    """Somebody makes them an Admin."""
    if desk.console.world.named(name.removeprefix("service:")):
        desk.make(name.removeprefix("service:"), "Admin")


def removed(desk: Any, name: str) -> None:
    """Somebody deletes them."""
    user = desk.console.world.named(name)
    if user:
        assert desk.api("DELETE", f"/users/{user.id}", None, ADA)[0] == 200


def renamed(desk: Any, name: str) -> None:
    """Somebody gives them another address."""
    user = desk.console.world.named(name)
    entries = [{"id": grant.scope_id, "roleId": grant.role_id} for grant in user.grants]
    data = {"scope": user.scope, "scopeRoles": entries, "email": f"new.{name}"}
    assert desk.api("PUT", f"/users/{user.id}", {"data": data}, ADA)[0] == 200


def invited(desk: Any, name: str) -> None:
    """Somebody invites them first."""
    entry = {"id": "1820000000000000202", "roleId": "1820000000000000301"}
    data = {"email": name, "fullName": "Somebody", "scope": "site", "scopeRoles": [entry]}
    if not desk.console.world.named(name):
        assert desk.api("POST", "/users", {"data": data}, ADA)[0] == 200


@pytest.mark.parametrize(
    ("name", "interfere"),
    [
        (BO, promoted),
        # The same law in every kind of race, at more positions: tests/reliability, row R5.
        pytest.param(EVE, promoted, marks=pytest.mark.weekly),
        pytest.param(SIEM, promoted, marks=pytest.mark.weekly),
        pytest.param(BO, removed, marks=pytest.mark.weekly),
        pytest.param(BO, renamed, marks=pytest.mark.weekly),
        pytest.param(LENA, invited, marks=pytest.mark.weekly),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_change_by_somebody_else_is_kept_or_reported_wherever_it_falls(
    desk: Any, proxy: Any, sweep: Any, name: str, interfere: Callable[[Any, str], None]
) -> None:
    """Before every single request of an apply, in turn, somebody changes a planned principal."""
    silent = []
    overwritten = 0
    for at, told in sweep(lambda desk: interfere(desk, name)):
        theirs = next((c for c in desk.console.changes if c.actor != "reconciler"), None)
        if theirs is None:
            continue  # too late: we had deleted or invited them already
        ours = [
            change
            for change in desk.console.changes[theirs.sequence :]
            if (change.before or {}).get("id") == (theirs.after or theirs.before)["id"]
        ]
        overwritten += bool(ours)
        is_refused = told.code in {1, 3} and desk.written() == []
        is_reported = is_refused or (told.code == 4 and name in told.text)
        is_seen_by_nobody = ("GET", "/users") not in proxy.seen[at:]
        if not is_reported and (ours or not is_seen_by_nobody):
            silent.append((at, told.text))
        assert "nothing was written" not in told.text or not desk.written()
    assert silent == []
    # The one moment between our last read and our write.
    assert overwritten == (0 if interfere in {removed, invited} else 1)


@pytest.fixture
def sweep(desk: Any, proxy: Any, faults: Any) -> Callable[[Callable[[Any], None]], Iterator[Any]]:
    """Apply the same plan once for each of its requests, something else just before that one."""

    def every(action: Callable[[Any], None]) -> Iterator[Any]:
        assert desk.run("plan", "--out", SAVED).code == 0
        at, requests = 0, 1
        while at < requests:
            desk.start_over()
            proxy.start_over()
            proxy.when(faults.before(lambda: action(desk)), at=at)
            told = desk.run("apply", SAVED, "--auto-approve")
            requests = max(requests, len(proxy.seen))
            yield at, told
            at += 1
        assert requests > 20

    return every


def test_three_conflicts_in_a_row_end_three_principals_and_not_the_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    desk.run("plan", "--out", SAVED)
    moves = iter([SIEM, LENA, BO])

    def interfere() -> None:
        for name in moves:
            (invited if name == LENA else promoted)(desk, name)

    # After the first complete reading; nobody has been written yet.
    proxy.when(faults.before(interfere), path="/activities")

    told = desk.run("apply", SAVED, "--auto-approve")

    assert told.code == 4
    assert desk.results() == {
        SIEM: "conflict", LENA: "conflict", BO: "conflict", EVE: "applied",
    }  # fmt: skip
    assert desk.written() == ["DELETE eve@acme.example"]


def test_an_address_that_two_people_have_by_now_is_not_written_to(
    desk: Any, proxy: Any, faults: Any
) -> None:
    users = desk.console.world.users

    def appear() -> None:
        for number in ("1820000000000001101", "1820000000000001102"):
            users[number] = replace(users["1820000000000001003"], id=number, email=LENA)

    proxy.when(faults.before(appear), path="/activities")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert desk.results()[LENA] == "failed"
    assert "2 users have the address" in told.out
    assert proxy.count("POST") == 0


def test_a_principal_the_token_may_not_manage_any_more_is_left_alone(
    desk: Any, proxy: Any, faults: Any
) -> None:
    users = desk.console.world.users

    def ordain() -> None:
        users["1820000000000001004"] = replace(users["1820000000000001004"], is_system=True)

    proxy.when(faults.before(ordain), path="/activities")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert desk.results()[BO] == "conflict"
    assert desk.holds(BO) == ["Viewer Berlin"]


@pytest.mark.parametrize("code", [403, 404, 501, 503])
def test_an_activity_log_that_cannot_be_read_is_a_note_and_changes_no_exit_code(
    desk: Any, proxy: Any, faults: Any, code: int
) -> None:
    proxy.when(faults.status(code), path="/activities", times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "Not verified, who else writes during this run" in told.err
    assert len(desk.written()) == 4


@pytest.mark.parametrize("entry", ['"x"', "null", "7", "[]", "{}", '{"createdAt":1}'])
def test_a_log_of_an_unknown_form_is_a_note_too(
    desk: Any, proxy: Any, faults: Any, entry: str
) -> None:
    pagination = {"totalItems": 1, "nextCursor": None}
    said = json.dumps({"data": [json.loads(entry)], "pagination": pagination})
    body = faults.status(200, said.encode(), Content_Type="application/json")
    proxy.when(body, path="/activities", times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert "Not verified, who else writes during this run: GET /activities: " in told.err
    assert len(desk.written()) == 4


def test_a_log_that_fails_after_the_writing_is_a_note_too(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(403), path="/activities", skip=2, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "Not verified, who else wrote during this run" in told.err


def test_a_console_that_fails_after_the_writing_does_not_unsay_it(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(503), path="/sites", skip=1, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert "Apply: 4 applied, of 4." in told.out
    assert "Not verified, the reading after the run failed" in told.out
    assert "nothing was written" not in told.text


def test_changes_of_days_ago_and_our_own_are_nobody_else_s(desk: Any) -> None:
    desk.make("bo@acme.example", "Admin")
    desk.make("bo@acme.example", "Viewer")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "Changed by somebody else" not in told.out
