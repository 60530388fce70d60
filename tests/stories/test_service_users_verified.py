"""What was made or renewed is read back, and a sink is told of it as of an apply."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stories.sink import SinkServer

from reconciler.simulator.records import Grant

NAME = "siem-export"
TOKEN = Path("siem.token")
SIEM = "1820000000000002003"
CREATE = (
    *("service-user", "create", NAME, "--role", "Viewer", "--site", "Acme/Berlin"),
    *("--secret-file", str(TOKEN), "--auto-approve"),
)
ROTATE = ("service-user", "rotate", "siem", "--secret-file", str(TOKEN), "--auto-approve")
BOTH = pytest.mark.parametrize("command", [CREATE, ROTATE], ids=["create", "rotate"])
GENERATE = f"/service-users/{SIEM}/generate-api-token"
DATES = "made at 2026-11-23T09:00:00.000000Z, ends at 2027-02-21T09:00:00.000000Z"
HARM: list[list[Any]] = [[500] * 3, ["hang"] * 3, ["drop"] * 3, [403]]
HARMED = pytest.mark.parametrize("harm", HARM, ids=["5xx", "hang", "drop", "no"])


def outcome(desk: Any) -> Any:
    return next(each["data"] for each in desk.journal()[::-1] if each["kind"] == "outcome")


def written(desk: Any) -> int:
    return sum(method == "POST" for method, _ in desk.console.requests)


def becomes(desk: Any, name: str, **changes: Any) -> Callable[[], None]:
    """Somebody changes a service user behind the back of this run."""

    def change() -> None:
        users = desk.console.world.service_users
        for service in [one for one in users.values() if one.name == name]:
            users[service.id] = replace(service, **changes)

    return change


def goes(desk: Any, name: str) -> Callable[[], None]:
    def change() -> None:
        users = desk.console.world.service_users
        for service in [one for one in users.values() if one.name == name]:
            del users[service.id]

    return change


def activities(sink: SinkServer) -> list[list[str]]:
    return [[event["activity_name"] for event in taken.events] for taken in sink.taken]


@BOTH
def test_what_is_seen_afterwards_is_told_and_recorded(desk: Any, command: Any) -> None:
    told = desk.run(*command)

    seen = "the console's answer shows it; a reading after it shows Viewer on Acme/Berlin; {}"
    assert told.code == 0
    assert outcome(desk)["detail"] == seen.format(f"its token {DATES}")
    assert outcome(desk)["detail"] in told.out


@BOTH
def test_the_token_is_in_its_file_before_anything_is_read_back(
    desk: Any, proxy: Any, faults: Any, command: Any
) -> None:
    kept: list[int] = []

    def look() -> None:
        kept.append(len(TOKEN.read_text("utf-8")))

    def made() -> None:
        proxy.when(faults.before(look), path="/service-users", times=9)

    proxy.when(faults.after(made), method="POST")

    assert desk.run(*command).code == 0
    assert kept
    assert min(kept) > 40


OTHER = (Grant("1820000000000000202", "1820000000000000302"),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grants": OTHER}, "it holds something else than was asked for"),
        ({"token_expires_at": "2029-01-01T00:00:00.000000Z"}, "its token ends at 2029-01-01T00"),
    ],
)
@BOTH
def test_what_is_not_as_it_was_asked_for_is_unknown(
    desk: Any, proxy: Any, faults: Any, command: Any, change: Any, words: str
) -> None:
    name = NAME if command is CREATE else "siem"
    proxy.when(faults.after(becomes(desk, name, **change)), method="POST")

    told = desk.run(*command)

    assert (told.code, outcome(desk)["result"]) == (4, "unknown"), told.text
    assert f"written, but a reading after it shows that {words}" in outcome(desk)["detail"]
    assert len(TOKEN.read_text("utf-8")) > 40
    assert "The token is in siem.token" in told.out


@BOTH
def test_who_is_gone_again_is_unknown(desk: Any, proxy: Any, faults: Any, command: Any) -> None:
    name = NAME if command is CREATE else "siem"
    proxy.when(faults.after(goes(desk, name)), method="POST")

    assert desk.run(*command).code == 4

    assert outcome(desk)["detail"].endswith("shows that it is not there")


def test_a_token_that_is_not_renewed_after_all_is_unknown(
    desk: Any, proxy: Any, faults: Any
) -> None:
    before = desk.console.world.service_users[SIEM]
    dates = {"token_created_at": before.token_created_at}
    proxy.when(faults.after(becomes(desk, "siem", **dates)), method="POST", path=GENERATE)

    assert desk.run(*ROTATE).code == 4

    assert outcome(desk)["detail"].endswith("shows that it has the token from before")


def test_what_shows_only_after_a_while_is_waited_for(desk: Any, proxy: Any, faults: Any) -> None:
    desk.clock.slept.clear()
    before = desk.console.world.service_users[SIEM].token_created_at

    def late(exchange: Any) -> None:
        answer = exchange.forward()
        after = desk.console.world.service_users[SIEM].token_created_at
        becomes(desk, "siem", token_created_at=before)()
        shows = faults.before(becomes(desk, "siem", token_created_at=after))
        proxy.when(shows, method="GET", path="/service-users", skip=2)
        exchange.answer(answer)

    proxy.when(late, method="POST", path=GENERATE)

    assert desk.run(*ROTATE).code == 0
    assert desk.clock.slept == [0.5, 1.0]
    assert DATES in outcome(desk)["detail"]


@BOTH
def test_what_cannot_be_read_back_is_applied_and_told(
    desk: Any, proxy: Any, faults: Any, command: Any
) -> None:
    def harm() -> None:
        proxy.when(faults.status(500), method="GET", path="/service-users.*", times=9)

    proxy.when(faults.after(harm), method="POST")

    told = desk.run(*command)

    assert (told.code, outcome(desk)["result"]) == (4, "applied")
    assert "but it was not read back: " in outcome(desk)["detail"]
    assert len(TOKEN.read_text("utf-8")) > 40


@pytest.mark.parametrize("end", [None, "soon", "2027-02-21T09:00:00"])
@BOTH
def test_a_console_that_does_not_say_when_the_token_ends_is_told(
    desk: Any, proxy: Any, faults: Any, command: Any, end: str | None
) -> None:
    def hide(body: Any) -> None:
        for one in body["data"]:
            one["apiToken"]["expiresAt"] = end

    def harm() -> None:
        proxy.when(faults.changed(hide), method="GET", path="/service-users", times=9)

    proxy.when(faults.after(harm), method="POST")

    told = desk.run(*command)

    assert (told.code, outcome(desk)["result"]) == (4, "applied")
    assert outcome(desk)["detail"].endswith("Viewer on Acme/Berlin; its token without an end")


@pytest.mark.parametrize(("seconds", "code"), [("59", 0), ("61", 4)])
def test_an_end_that_a_console_rounds_is_the_end(
    desk: Any, proxy: Any, faults: Any, seconds: str, code: int
) -> None:
    end = {"59": "2027-02-21T08:59:01.000000Z", "61": "2027-02-21T08:58:59.000000Z"}[seconds]
    proxy.when(faults.after(becomes(desk, NAME, token_expires_at=end)), method="POST")

    assert desk.run(*CREATE).code == code


@BOTH
def test_who_cannot_be_read_again_before_it_is_not_asked_for(
    desk: Any, proxy: Any, faults: Any, command: Any
) -> None:
    proxy.when(faults.status(500), method="GET", path="/service-users", skip=1, times=9)

    assert desk.run(*command).code == 4

    assert (outcome(desk)["result"], written(desk)) == ("failed", 0)
    assert outcome(desk)["detail"].startswith("not read again: ")
    assert not TOKEN.exists()


def test_an_answer_that_shows_something_else_is_unknown_and_its_token_is_kept(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def change(body: Any) -> None:
        body["data"]["scopeRoles"][0] |= {"roleId": "1820000000000000303", "roleName": "SOC"}

    proxy.when(faults.changed(change), method="POST")

    assert desk.run(*CREATE).code == 4

    assert outcome(desk)["result"] == "unknown"
    assert "the console's answer shows something else" in outcome(desk)["detail"]
    assert len(TOKEN.read_text("utf-8")) > 40


@BOTH
def test_an_end_that_cannot_be_recorded_is_told_and_the_token_is_kept(
    desk: Any, proxy: Any, faults: Any, command: Any
) -> None:
    journal = Path(".reconciler/journal.jsonl")
    proxy.when(faults.after(journal.unlink), method="POST")

    told = desk.run(*command)

    assert told.code == 4
    assert "The journal .reconciler/journal.jsonl cannot be written: " in told.err
    assert len(TOKEN.read_text("utf-8")) > 40
    assert "The token is in siem.token" in told.out


@BOTH
def test_a_required_sink_has_the_intent_before_the_console_is_asked(
    desk: Any, sink: SinkServer, command: Any
) -> None:
    seen: list[int] = []
    sink.when_taken = lambda: seen.append(written(desk))

    told = desk.run(*command, "--sink", sink.url, "--require-sink")

    assert (told.code, seen) == (0, [0, 0, 1]), told.text
    done = ["Create", "Assign Privileges"] if command is CREATE else ["Rotate Token"]
    assert activities(sink) == [["Start"], ["Intend"], done]
    assert TOKEN.read_text("utf-8").strip() not in str([one.body for one in sink.taken])


@BOTH
@HARMED
def test_a_required_sink_that_takes_no_intent_lets_nothing_be_asked(
    desk: Any, sink: SinkServer, command: Any, harm: list[Any]
) -> None:
    sink.answers.extend([200, *harm])

    told = desk.run(
        *(*command, "--require-sink"), RECONCILER_SINK=sink.url, RECONCILER_SINK_TIMEOUT="0.2"
    )

    assert (told.code, written(desk), TOKEN.exists()) == (4, 0, False)
    assert outcome(desk)["result"] == "not attempted"
    assert "the required sink does not take the record: The sink" in outcome(desk)["detail"]
    assert [each["kind"] for each in desk.journal()][-1] == "run-finished"
    assert desk.run(*command, "--sink", sink.url, "--require-sink").code == 0


@BOTH
@HARMED
def test_a_required_sink_that_fails_before_it_refuses(
    desk: Any, sink: SinkServer, command: Any, harm: list[Any]
) -> None:
    sink.answers.extend(harm)

    told = desk.run(
        *(*command, "--require-sink"), RECONCILER_SINK=sink.url, RECONCILER_SINK_TIMEOUT="0.2"
    )

    assert (told.code, written(desk), TOKEN.exists()) == (3, 0, False)
    assert "Nothing was written, because --require-sink is given." in told.err
    assert [each["kind"] for each in desk.journal()] == ["run-started", "run-finished"]


@BOTH
def test_a_required_sink_that_fails_at_the_end_is_told_by_the_exit_code(
    desk: Any, sink: SinkServer, command: Any
) -> None:
    sink.answers.extend([200, 200, 403])

    told = desk.run(*command, "--sink", sink.url, "--require-sink")

    assert (told.code, written(desk), TOKEN.exists()) == (4, 1, True)
    assert "Not delivered: The sink" in told.err


@BOTH
def test_an_optional_sink_that_fails_only_warns(desk: Any, sink: SinkServer, command: Any) -> None:
    sink.answers.extend([403, 403])

    told = desk.run(*command, RECONCILER_SINK=sink.url)

    assert (told.code, written(desk)) == (0, 1)
    assert told.err.count("Not delivered: The sink") == 2
    assert desk.run("audit", "export", "--to", sink.url).code == 0
    assert len(sink.events) >= 3


def test_a_refusal_is_delivered_too(desk: Any, sink: SinkServer) -> None:
    rule = "privileged: [{roles: [Viewer], standing: refuse}]"
    desk.write("guardrails.yaml", f"version: 1\n{rule}\n")

    assert desk.run(*CREATE, "--sink", sink.url, "--require-sink").code == 3
    assert activities(sink) == [["Refuse"]]


@BOTH
def test_a_required_sink_must_be_named(desk: Any, command: Any) -> None:
    told = desk.run(*command, "--require-sink")

    assert (told.code, written(desk)) == (1, 0)
    assert "Name it with --sink or RECONCILER_SINK." in told.err
    assert not TOKEN.exists()
