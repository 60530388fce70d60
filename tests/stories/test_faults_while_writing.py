"""Whatever happens to a write: it happens once, and what is said about it is true."""

import json
from typing import Any

import pytest

LENA, BO, SIEM, EVE = "lena@acme.example", "bo@acme.example", "service:siem", "eve@acme.example"
ORDER = [SIEM, LENA, BO, EVE]
"""In the order of execution."""
WRITES = [("PUT", SIEM), ("POST", LENA), ("PUT", BO), ("DELETE", EVE)]
CHANGES = "POST|PUT|DELETE"
PATHS = {
    LENA: "/users",
    BO: "/users/1820000000000001004",
    SIEM: "/service-users/1820000000000002003",
    EVE: "/users/1820000000000001005",
}


def is_done(desk: Any) -> bool:
    people: list[str] = [user.email for user in desk.console.world.users.values()]
    return (
        people.count(LENA) == 1
        and desk.holds(LENA) == ["SOC Berlin"]
        and desk.holds(BO) == ["SOC Berlin"]
        and desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
        and desk.holds(EVE) is None
    )


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize("fault", ["reset_after", "502", "500", "504", "truncated", "html_after"])
def test_a_lost_answer_after_the_effect_is_applied_and_confirmed_by_reading(
    desk: Any, proxy: Any, faults: Any, method: str, name: str, fault: str
) -> None:
    harm: Any = {
        "reset_after": faults.reset_after,
        "truncated": faults.truncated,
        "html_after": faults.status_after(200),
    }.get(fault) or faults.status_after(int(fault))
    proxy.when(harm, method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert is_done(desk)
    assert len(desk.written()) == 4
    assert desk.results() == dict.fromkeys(ORDER, "applied")
    assert told.out.count("confirmed by reading\n") == 1
    assert proxy.count(method, PATHS[name]) == 1


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize("fault", ["reset_before", "502", "html", "429"])
def test_a_lost_answer_before_the_effect_is_tried_again_after_reading(
    desk: Any, proxy: Any, faults: Any, method: str, name: str, fault: str
) -> None:
    harm = faults.status(int(fault)) if fault.isdigit() else getattr(faults, fault)
    proxy.when(harm, method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert is_done(desk)
    assert len(desk.written()) == 4
    assert proxy.count(method, PATHS[name]) == 2
    if fault != "429":
        first, last = (
            index for index, seen in enumerate(proxy.seen) if seen == (method, PATHS[name])
        )
        assert "GET" in {method for method, _ in proxy.seen[first:last]}


@pytest.mark.parametrize(("method", "name"), WRITES)
def test_a_write_that_takes_effect_late_is_still_one_write_and_told_as_done(
    desk: Any, proxy: Any, faults: Any, method: str, name: str
) -> None:
    """A gateway holds the first request back, answers 504, and lets it through with the second."""
    held: list[Any] = []

    def hold(exchange: Any) -> None:
        held.append(exchange)
        faults.status(504)(exchange)

    proxy.when(hold, method=method, path=PATHS[name])

    def release() -> None:
        held[0].forward()

    proxy.when(faults.before(release), method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    assert is_done(desk)
    assert told.code == 0, told.text
    assert desk.results() == dict.fromkeys(ORDER, "applied")


@pytest.mark.parametrize(("method", "name"), WRITES)
def test_a_write_that_never_shows_is_unknown_and_tried_at_most_three_times(
    desk: Any, proxy: Any, faults: Any, method: str, name: str
) -> None:
    proxy.when(faults.reset_before, method=method, path=PATHS[name], times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert "may not have happened. It does not show after 3 attempts." in told.out
    assert proxy.count(method, PATHS[name]) == 3
    assert desk.results() == {**dict.fromkeys(ORDER, "applied"), name: "unknown"}
    assert len(desk.written()) == 3
    assert desk.run("apply", "--auto-approve").code == 4


@pytest.mark.parametrize(("method", "name"), WRITES)
def test_what_cannot_be_read_after_a_lost_answer_is_unknown_and_settled_by_the_next_run(
    desk: Any, proxy: Any, faults: Any, method: str, name: str
) -> None:
    def lose(exchange: Any) -> None:
        faults.reset_after(exchange)
        path = "/users" if name == LENA else PATHS[name].replace("/1820000000000002003", "")
        proxy.when(faults.status(503), method="GET", path=path, times=5)

    proxy.when(lose, method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert desk.results() == {**dict.fromkeys(ORDER, "applied"), name: "unknown"}
    assert is_done(desk)
    assert desk.run("apply", "--auto-approve").code == 0
    assert len(desk.written()) == 4


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("place", range(4))
def test_a_refused_token_in_the_middle_stops_the_run_at_once(
    desk: Any, proxy: Any, faults: Any, place: int, code: int
) -> None:
    method, name = WRITES[place]
    proxy.when(faults.status(code), method=method, path=PATHS[name], times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert proxy.count(method, PATHS[name]) == 1
    assert desk.results() == {**dict.fromkeys(ORDER[:place], "applied"), name: "failed"}
    assert told.out.count("the console refuses the token\n") == 3 - place
    assert sum(desk.journal()[-1]["data"]["results"].values()) == 4
    assert len(desk.written()) == place


def test_a_refused_token_while_reading_again_stops_the_run_at_once(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(403), method="GET", path=PATHS[BO], times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert proxy.count("GET", PATHS[BO]) == 1
    assert desk.results() == {SIEM: "applied", LENA: "applied", BO: "failed"}
    assert "2 applied, 1 failed, 1 not attempted, of 4" in told.out
    assert "Give the token's role the permission Users.view" in told.out


def test_three_failures_in_a_row_stop_the_run(desk: Any, proxy: Any, faults: Any) -> None:
    said = json.dumps({"errors": [{"code": 4000010, "title": "Validation Error"}]}).encode()
    proxy.when(faults.status(400, said), method=CHANGES, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert "3 failed, 1 not attempted, of 4" in told.out
    assert sum(proxy.count(method) for method in ("POST", "PUT", "DELETE")) == 3
    assert desk.recorded("outcome") == ORDER[:3]
    assert "Validation Error" in told.out


def test_failures_that_are_not_in_a_row_do_not_stop_the_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(400), path=PATHS[SIEM], method="PUT")
    proxy.when(faults.status(400), path=PATHS[BO], method="PUT")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert "2 applied, 2 failed, of 4" in told.out


def test_a_yes_that_a_reading_after_the_run_does_not_show_is_unknown(
    desk: Any, proxy: Any, faults: Any
) -> None:
    """The console says 200 and forgets."""
    users = desk.console.world.users
    before = users["1820000000000001004"]

    def forget() -> None:
        users["1820000000000001004"] = before

    proxy.when(faults.after(forget), method="PUT", path=PATHS[BO])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert desk.results()[BO] == "unknown"
    assert proxy.count("PUT", PATHS[BO]) == 1
    assert f"Not what was applied any more: {BO}." in told.out
    assert "3 applied, 1 unknown, of 4" in told.out


def test_a_console_that_shows_a_write_only_after_a_while_is_waited_for(
    desk: Any, proxy: Any
) -> None:
    old: list[Any] = []
    late: list[Any] = []

    def stale(exchange: Any) -> None:
        """Answer the first two listings after the write with the one before it."""
        old.append(exchange.forward())
        is_late = proxy.count("PUT", PATHS[BO]) > 0 and len(late) < 2
        late.extend([exchange] if is_late else [])
        exchange.answer(old[0] if is_late else old[-1])

    proxy.when(stale, method="GET", path="/users", times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert desk.results()[BO] == "applied"
    assert proxy.count("PUT", PATHS[BO]) == 1
    assert desk.clock.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    "when",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2027 00:00:00 +" + "9" * 40],
)
def test_a_pause_until_an_impossible_date_is_an_ordinary_pause(
    desk: Any, proxy: Any, faults: Any, when: str
) -> None:
    proxy.when(faults.status(429, Retry_After=when), method="PUT", path=PATHS[BO])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert is_done(desk)
