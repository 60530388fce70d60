"""What is said of a write never claims less than may have happened (T55)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit.chain import read_chain
from reconciler.audit.history import past_revokes

LENA, BO, ANA, EVE = (f"{name}@acme.example" for name in ("lena", "bo", "ana", "eve"))
PATHS = {
    LENA: "/users",
    BO: "/users/1820000000000001004",
    ANA: "/users/1820000000000001003",
    EVE: "/users/1820000000000001005",
}
BERLIN_ONLY = ("members: [ana@acme.example, ", "members: [")
JSON = {"Content-Type": "application/json"}


def taken(desk: Any) -> int:
    """How many scopes the rolling budget knows to have been taken."""
    journal = Path(desk.folder) / ".reconciler" / "journal.jsonl"
    return len(past_revokes(read_chain(journal.read_bytes()).records, None))


def resolved(desk: Any) -> dict[str, str]:
    return {
        record["data"]["principal"]["name"]: record["data"]["result"]
        for record in desk.journal()
        if record["kind"] == "resolved"
    }


@pytest.fixture
def revoking(desk: Any) -> Any:
    """A desk whose next apply takes Lyon from Ana, among other things."""
    user = desk.console.world.named(ANA)
    entries = [{"id": grant.scope_id, "roleId": grant.role_id} for grant in user.grants]
    entries.append({"id": "1820000000000000202", "roleId": "1820000000000000303"})
    data = {"scope": user.scope, "scopeRoles": entries}
    assert desk.api("PUT", PATHS[ANA], {"data": data}, "ada@acme.example")[0] == 200
    return desk


@pytest.mark.parametrize(("method", "name"), [("PUT", BO), ("POST", LENA), ("PUT", ANA)])
def test_what_was_changed_after_a_lost_answer_may_have_been_written(
    revoking: Any, proxy: Any, method: str, name: str
) -> None:
    """It takes effect, the answer is lost, and somebody is there before we read."""

    def lose(exchange: Any) -> None:
        exchange.forward()
        revoking.make(name, "Admin")
        exchange.reset()

    proxy.when(lose, method=method, path=PATHS[name])

    told = revoking.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert revoking.results()[name] == "unknown"
    assert proxy.count(method, PATHS[name]) == 1
    assert taken(revoking) == 2  # Lyon from Ana, and from Eve
    assert "ghost writes: 0" in revoking.run("audit", "reconcile").out
    revoking.run("apply", "--auto-approve")
    assert resolved(revoking)[name] == "changed since"


@pytest.mark.parametrize(
    ("method", "name", "code"), [("DELETE", EVE, 404), ("POST", LENA, 409), ("POST", LENA, 400)]
)
def test_a_no_to_the_second_request_of_a_gateway_may_be_about_the_first(
    desk: Any, proxy: Any, faults: Any, method: str, name: str, code: int
) -> None:
    """It sends one request twice, and passes the second answer on."""
    said = json.dumps({"errors": [{"code": code * 10000 + 10, "title": "No"}]}).encode()

    def twice(exchange: Any) -> None:
        exchange.forward()
        faults.status(code, said, **JSON)(exchange)

    proxy.when(twice, method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    # Whether it was that or somebody else, nobody can tell; a claim of ours would be too much.
    assert told.code == 4, told.text
    assert desk.results()[name] == "unknown"
    assert "done, though the console said no: by us or by somebody else" in told.out


@pytest.mark.parametrize(
    ("method", "name", "code"),
    [("DELETE", EVE, 404), ("POST", LENA, 409), ("PUT", BO, 400), ("PUT", BO, 429)],
)
def test_a_no_to_a_repeated_write_leaves_it_unknown_while_reading_shows_nothing(
    desk: Any, proxy: Any, faults: Any, method: str, name: str, code: int
) -> None:
    """The console shows old data, so the write is sent again and refused as done."""
    said = json.dumps({"errors": [{"code": code * 10000 + 10, "title": "No"}]}).encode()
    path = "/users" if name == LENA else PATHS[name]
    old: list[Any] = []

    def stale(exchange: Any) -> None:
        if not old:
            old.append(exchange.forward())
        exchange.answer(old[0])

    def lose(exchange: Any) -> None:
        exchange.forward()
        exchange.reset()
        proxy.when(faults.status(code, said, **JSON), method=method, path=path, times=99)

    # Each address is asked for twice, once as it is written and once in lower case.
    proxy.when(stale, method="GET", path=path, times=99, skip=1 if name == LENA else 0)
    proxy.when(lose, method=method, path=path)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.results()[name] == "unknown"


@pytest.mark.parametrize("name", [BO, ANA])
def test_an_answer_that_shows_something_else_leaves_the_write_unknown(
    revoking: Any, proxy: Any, name: str
) -> None:
    """Somebody writes right behind us, and the answer is theirs already."""

    def behind(exchange: Any) -> None:
        reply = exchange.forward()
        revoking.make(name, "Admin")
        body = json.loads(reply.body)
        body["data"] = revoking.records()[name]
        exchange.answer(type(reply)(200, json.dumps(body).encode(), JSON))

    proxy.when(behind, method="PUT", path=PATHS[name])

    told = revoking.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert revoking.results()[name] == "unknown"
    assert "written, but the console shows something else than was asked for" in told.out
    assert f"Changed by somebody else during this run: {name}" in told.out
    assert taken(revoking) == 2


def test_a_write_that_is_answered_oddly_and_cannot_be_read_back_is_unknown(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def odd(exchange: Any) -> None:
        faults.changed(change_in)(exchange)
        proxy.when(faults.status(503), method="GET", path=PATHS[BO], times=5)

    proxy.when(odd, method="PUT", path=PATHS[BO])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.results()[BO] == "unknown"
    assert "written, but not read back: " in told.out
    desk.run("apply", "--auto-approve")
    assert resolved(desk)[BO] == "applied"


@pytest.mark.parametrize(
    ("change", "result"), [("Admin", "conflict"), ("Viewer", "failed")], ids=["theirs", "nobody's"]
)
def test_a_single_no_is_believed_when_a_reading_does_not_show_our_write(
    desk: Any, proxy: Any, faults: Any, change: str, result: str
) -> None:
    def no(exchange: Any) -> None:
        desk.make(BO, change)
        faults.status(409)(exchange)

    proxy.when(no, method="PUT", path=PATHS[BO], times=9)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.results()[BO] == result
    assert proxy.count("PUT", PATHS[BO]) == 1


def test_what_does_not_last_is_unknown_and_who_changed_it_is_named(
    revoking: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.after(lambda: revoking.make(ANA, "Admin")), method="PUT", path=PATHS[ANA])

    told = revoking.run("apply", "--auto-approve")

    assert told.code == 4
    assert revoking.results()[ANA] == "unknown"
    assert f"Changed by somebody else during this run: {ANA}" in told.out
    assert taken(revoking) == 2


def change_in(body: dict[str, Any]) -> None:
    body["data"]["scopeRoles"] = []


def test_a_service_user_that_the_answer_shows_differently_is_there_and_its_token_is_kept(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.changed(change_in), method="POST", path="/service-users")
    line = ("service-user", "create", "new", "--role", "Viewer", "--site", "Acme/Berlin")

    told = desk.run(*line, "--secret-file", "new.token", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.results() == {"service:new": "unknown"}
    assert (desk.folder / "new.token").stat().st_size > 40


@pytest.mark.parametrize("code", [401, 403])
def test_a_write_that_waits_is_not_sent_after_the_console_refused_the_token(
    desk: Any, proxy: Any, faults: Any, code: int
) -> None:
    """Two are in flight: one is refused, the other was told to come again later (T60)."""
    desk.edit("access.yaml", *BERLIN_ONLY)
    both = "assignments:\n  - {members: [ana@acme.example], role: SOC, sites: [Acme/*]}\n"
    desk.edit("access.yaml", "assignments:\n", both)
    arrived: list[Any] = []

    def one_of_two(exchange: Any) -> None:
        arrived.append(exchange)
        if exchange is not arrived[0]:
            until(lambda: "failed" in desk.results().values())
            faults.status(429, Retry_After="1")(exchange)
            return
        until(lambda: len(arrived) > 1)
        faults.status(code)(exchange)

    proxy.when(one_of_two, method="PUT", times=2)

    told = desk.run("apply", "--auto-approve", "--concurrency", "2")

    assert told.code == 4, told.text
    assert proxy.count("PUT|POST|DELETE") == 2
    assert "Apply: 0 applied, 1 failed, 4 not attempted, of 5." in told.out
    assert desk.written() == []


@pytest.mark.parametrize("name", [LENA, BO, EVE])
def test_a_token_that_was_refused_is_not_sent_again(
    desk: Any, proxy: Any, faults: Any, name: str
) -> None:
    """Not even to look at what was applied before (T60)."""
    method = {LENA: "POST", BO: "PUT", EVE: "DELETE"}[name]
    proxy.when(faults.status(401), method=method, path=PATHS[name], times=99)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert proxy.seen[-1] == (method, PATHS[name])
    assert "Not verified, the reading after the run failed" in told.out
    assert desk.results()[name] == "failed"


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    while not is_so():
        pass
