"""Other actors, late effects, and reads that lag behind."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.simulator.serve import Running

Names = Callable[[str], str]
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def holds(client: httpx.Client, ids: Names) -> Callable[[], int]:
    """Count what Ana is seen to hold; -1 when she is not seen at all."""

    def count() -> int:
        answer = client.get(f"/users/{ids('ana@acme.example')}")
        return len(answer.json()["data"]["scopeRoles"]) if answer.status_code == 200 else -1

    return count


@pytest.fixture
def give(client: httpx.Client, ids: Names, grant: Entry) -> Callable[..., int]:
    """Give Ana the role SOC on some sites, and return the status."""

    def put(*sites: str) -> int:
        entries = [grant("SOC", f"Acme EMEA/{site}") for site in sites]
        body = {"data": {"scope": "site", "scopeRoles": entries}}
        return client.put(f"/users/{ids('ana@acme.example')}", json=body).status_code

    return put


@pytest.mark.parametrize(("when", "seen"), [("before", -1), ("after", 3)])
def test_somebody_else_is_quicker_or_slower(
    console: Running, holds: Callable[[], int], ids: Names, when: str, seen: int
) -> None:
    act = {"as": "petra@acme.example", "method": "DELETE", "path": "/users/{ana@acme.example}"}
    console.rehearse({"kind": "change", "at": 2, "when": when, "requests": [act]})
    assert [holds(), holds(), holds()] == [3, seen, -1]
    (change,) = console.changes
    assert (change.actor, change.method) == ("Petra Novotná", "DELETE")
    assert change.path == f"/web/api/v2.1/users/{ids('ana@acme.example')}"
    told = [(each.index, each.principal, each.faults) for each in console.log]
    own = [(1, "reconciler", ()), (2, "reconciler", ("change",)), (3, "reconciler", ())]
    assert [each for each in told if each[0]] == own
    assert (None, "petra@acme.example", ("change",)) in told
    assert [path.rpartition("/")[2] for _, path in console.requests] == [
        ids("ana@acme.example")] * 3  # fmt: skip


def test_others_may_do_several_things_with_bodies_and_queries(
    console: Running, client: httpx.Client, ids: Names, grant: Entry
) -> None:
    body = {"data": {"scope": "account", "scopeRoles": [grant("Viewer", "Acme EMEA")]}}
    console.rehearse(
        {"kind": "change", "at": 1, "requests": [
            {"as": "petra@acme.example", "method": "PUT", "path": "/users/{ana@acme.example}",
             "body": body},
            {"as": "reconciler", "method": "GET", "path": "/web/api/v2.1/users?limit=1"},
            {"as": "petra@acme.example", "method": "DELETE", "path": "/users/{nobody}"},
        ]}
    )  # fmt: skip
    client.get("/user")
    assert [entry.status for entry in console.log] == [200, 200, 404, 200]
    assert console.world.users[ids("ana@acme.example")].scope == "account"
    assert set(console.console.tokens) == {console.token}


def test_others_need_their_rights(console: Running, client: httpx.Client) -> None:
    console.rehearse("change=ana@acme.example DELETE /users/{petra@acme.example}@1")
    client.get("/user")
    assert console.log[0].status in {403, 404}
    assert console.changes == []


def test_whoever_is_to_act_must_be_known(console: Running) -> None:
    console.rehearse("503@5")
    with pytest.raises(ValueError, match="change: nobody is called 'zed' here"):
        console.rehearse("change=zed GET /users@1")
    assert [fault.kind for fault in console.rehearsal.schedule.faults] == ["503"]


def test_whoever_was_to_act_may_have_gone(
    console: Running, client: httpx.Client, ids: Names
) -> None:
    console.rehearse("change=ana@acme.example GET /user@2")
    client.delete(f"/users/{ids('ana@acme.example')}")
    client.get("/user")
    assert console.log[1].status == 401
    assert console.log[1].principal is None


def test_a_late_effect_comes_when_the_client_no_longer_expects_it(
    console: Running, client: httpx.Client, holds: Callable[[], int], ids: Names
) -> None:
    console.rehearse("late=2@1", "late=0@DELETE /users/*#2")
    assert client.delete(f"/users/{ids('ana@acme.example')}").status_code == 504
    assert [holds(), holds(), holds()] == [3, 3, -1]
    assert [entry.faults for entry in console.log] == [("late",), (), (), ("late",), ()]
    assert console.log[3].index is None
    assert console.changes[0].actor == "reconciler"
    victim = f"/users/{ids('marco@acme.example')}"
    assert client.delete(victim).status_code == 504
    assert client.get(victim).status_code == 404


def test_a_stale_read_lags_by_so_many_writes(
    console: Running, holds: Callable[[], int], give: Callable[..., int]
) -> None:
    console.rehearse("stale@GET /users/*#1-2", "stale=2@GET /users/*#3", "stale=9@GET /users/*#4")
    assert [give("Berlin"), give("Berlin", "Lyon")] == [200, 200]
    assert [holds() for _ in range(5)] == [1, 1, 3, 3, 2]


def test_a_stale_read_before_any_write_is_right(
    console: Running, holds: Callable[[], int], give: Callable[..., int]
) -> None:
    console.rehearse("stale@1-2", "stale=0@3")
    assert holds() == 3
    assert give("Berlin") == 200
    assert holds() == 1
    assert [tally.missed for tally in console.rehearsal.schedule.tallies] == [2, 1]


def test_a_refused_write_is_no_state_of_its_own(
    console: Running, client: httpx.Client, holds: Callable[[], int], give: Callable[..., int]
) -> None:
    console.rehearse("stale@GET /users/*")
    assert give("Berlin") == 200
    assert client.delete("/users/1").status_code == 404
    assert holds() == 3


def test_a_lagging_console_catches_up_with_its_clock(
    console: Running, holds: Callable[[], int], give: Callable[..., int]
) -> None:
    clock = console.rehearsal.clock
    console.rehearse("lag=5@GET /**")
    assert give("Berlin") == 200
    assert holds() == 3
    clock.advance(3)
    assert give("Berlin", "Lyon") == 200
    assert holds() == 3
    clock.advance(2)
    assert holds() == 1
    clock.advance(3)
    assert holds() == 2


def test_the_present_world_is_there_again_after_a_stale_read(
    console: Running, client: httpx.Client, give: Callable[..., int]
) -> None:
    console.rehearse("stale@GET /**")
    present = console.world
    give("Berlin")
    client.get("/users")
    assert console.world is present


def test_a_reset_goes_back_to_the_first_world_and_request(
    console: Running, client: httpx.Client, holds: Callable[[], int], give: Callable[..., int]
) -> None:
    console.rehearse("503@2")
    give("Berlin")
    assert holds() == -1
    console.rehearsal.reset()
    assert (console.changes, console.requests, console.log) == ([], [], [])
    assert [holds(), holds(), holds()] == [3, -1, 3]
    assert client.get("/user").status_code == 200
