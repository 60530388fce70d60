"""A service user is made once, within the guardrails, and its token is in one file only."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

NAME = "siem-export"
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "journal.schema.json"
CREATE = (
    *("service-user", "create", NAME, "--role", "Viewer", "--site", "Acme/Berlin"),
    *("--secret-file", "siem.token"),
)
ROTATE = ("service-user", "rotate", "siem", "--secret-file", "siem.token")
GENERATE = "/service-users/1820000000000002003/generate-api-token"
BEFORE_SIEM = "2026-01-05T08:00:00.000000Z"


def secret(desk: Any) -> str:
    return str((desk.folder / "siem.token").read_text().rstrip("\n"))


def made(desk: Any, name: str = NAME) -> list[Any]:
    services = desk.console.world.service_users.values()
    return [service for service in services if service.name == name]


def posts(desk: Any) -> int:
    return sum(method == "POST" for method, _ in desk.console.requests)


def ages(desk: Any, name: str) -> None:
    """The clock of the console stands still, so somebody's token is made older."""
    [service] = made(desk, name)
    before = "2026-11-23T08:59:00.000000Z"
    desk.console.world.service_users[service.id] = replace(service, token_created_at=before)


def is_nowhere(desk: Any, value: str, told: Any) -> bool:
    """No file but the one that was named holds the token, and nothing that was printed."""
    files = [path for path in desk.folder.rglob("*") if path.is_file()]
    holding = [path.name for path in files if value.encode() in path.read_bytes()]
    return holding == ["siem.token"] and value not in told.text


def outcome(desk: Any) -> Any:
    return next(each["data"] for each in desk.journal()[::-1] if each["kind"] == "outcome")


def test_a_service_user_is_made_and_its_token_is_in_the_file_only(desk: Any) -> None:
    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(NAME) == ["Viewer Berlin"]
    path = desk.folder / "siem.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "The token is in siem.token; it ends at 2027-02-21T09:00:00Z." in told.out
    value = secret(desk)
    assert is_nowhere(desk, value, told)
    desk.token = value
    assert desk.run("plan", "--target", "service:siem").code in {0, 1, 3}
    assert desk.console.console.tokens[value].principal_id == made(desk)[0].id


def test_it_is_on_record_before_and_after(desk: Any) -> None:
    desk.run(*CREATE, "--auto-approve")

    kinds = [each["kind"] for each in desk.journal()]
    assert kinds == ["run-started", "intent", "outcome", "run-finished"]
    assert outcome(desk)["operation"] == "create"
    assert outcome(desk)["created_id"] == made(desk)[0].id
    checker = Draft202012Validator(json.loads(SCHEMA.read_text()))
    for record in desk.journal():
        checker.validate(record)


def test_the_plan_is_shown_and_a_question_is_asked(desk: Any) -> None:
    told = desk.run(*CREATE)

    assert told.code == 3
    assert "create the service user" in told.out
    assert "Viewer on Acme/Berlin" in told.out
    assert "There is no terminal to ask" in told.err
    assert not (desk.folder / "siem.token").exists()
    assert posts(desk) == 0


@pytest.mark.parametrize(
    ("where", "held"),
    [
        (("--tenant",), ["Viewer tenant"]),
        (("--account", "Acme"), ["Viewer account"]),
        (("--site", "id:1820000000000000202"), ["Viewer Lyon"]),
    ],
)
def test_the_scope_is_any_of_the_three_levels(desk: Any, where: Any, held: list[str]) -> None:
    line = ("service-user", "create", NAME, "--role", "Viewer", *where)
    assert desk.run(*line, "--secret-file", "siem.token", "--auto-approve").code == 0
    assert desk.holds(NAME) == held


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--tenant",), "exactly one of"),
        (("--expires", "2026-11-22"), "is past"),
        (("--expires", "2026-12-01T00:00:00"), "no offset"),
        (("--expires", "soon"), "is neither a date"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_asked(
    desk: Any, more: tuple[str, ...], words: str
) -> None:
    told = desk.run(*CREATE, *more, "--auto-approve")
    assert told.code == 1
    assert words in told.err.replace("\n", " ")
    assert desk.console.requests == []


@pytest.mark.parametrize("name", ["", " ", "id:1", "x" * 256, "a\nb"])
def test_a_name_that_could_not_be_told_is_refused(desk: Any, name: str) -> None:
    line = ("service-user", "create", name, "--role", "Viewer", "--tenant")
    assert desk.run(*line, "--secret-file", "siem.token", "--auto-approve").code == 1
    assert desk.console.requests == []


def test_a_date_means_through_the_end_of_that_day(desk: Any) -> None:
    desk.run(*CREATE, "--expires", "2027-03-31", "--auto-approve")
    end = "2027-04-01T00:00:00.000000Z"
    assert made(desk)[0].token_expires_at == end


@pytest.mark.parametrize(
    ("role", "where", "words"),
    [
        ("Nobody", ("--tenant",), 'No role "Nobody"'),
        ("Viewer", ("--site", "Acme/Nowhere"), "Acme/Nowhere"),
        ("Viewer", ("--site", "Acme/*"), "name one"),
    ],
)
def test_what_does_not_resolve_is_never_guessed(
    desk: Any, role: str, where: tuple[str, ...], words: str
) -> None:
    line = ("service-user", "create", NAME, "--role", role, *where)
    told = desk.run(*line, "--secret-file", "siem.token", "--auto-approve")
    assert told.code == 1
    assert words in told.err
    assert posts(desk) == 0


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("privileged: [{roles: [Viewer], require_reason: true}]", "without a reason"),
        ("privileged: [{roles: [Viewer], standing: refuse}]", "for good"),
    ],
)
def test_the_guardrails_judge_it(desk: Any, rule: str, words: str) -> None:
    desk.write("guardrails.yaml", f"version: 1\n{rule}\n")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 3, told.text
    assert words in told.out
    assert posts(desk) == 0
    assert not (desk.folder / "siem.token").exists()
    assert [each["kind"] for each in desk.journal()] == ["refused"]


def test_a_reason_satisfies_the_guardrail_that_wants_one(desk: Any) -> None:
    rule = "privileged: [{roles: [Viewer], require_reason: true}]"
    desk.write("guardrails.yaml", f"version: 1\n{rule}\n")
    assert desk.run(*CREATE, "--reason", "INC-1", "--auto-approve").code == 0


def test_a_name_that_is_taken_is_refused(desk: Any) -> None:
    line = ("service-user", "create", "siem", "--role", "Viewer", "--tenant")
    told = desk.run(*line, "--secret-file", "siem.token", "--auto-approve")
    assert told.code == 3
    assert "on the console already" in told.err
    assert posts(desk) == 0


def test_a_name_taken_between_reading_and_writing_is_a_conflict(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def take() -> None:
        grant = {"id": "1820000000000000201", "roleId": "1820000000000000302"}
        data = {"name": NAME, "scope": "site", "expirationDate": "2027-01-01T00:00:00Z"}
        desk.api("POST", "/service-users", {"data": {**data, "scopeRoles": [grant]}}, "reconciler")

    def second(exchange: Any) -> None:
        proxy.when(faults.before(take), method="GET", path="/service-users")
        exchange.answer(exchange.forward())

    proxy.when(second, method="GET", path="/service-users")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert outcome(desk)["result"] == "conflict"
    assert proxy.count("POST", "/service-users") == 0
    assert not (desk.folder / "siem.token").exists()


@pytest.mark.parametrize("what", ["there already", "link", "no folder", "not writable"])
@pytest.mark.parametrize("line", [CREATE, ROTATE])
def test_a_file_that_cannot_take_the_token_stops_it_before_the_console_is_asked(
    desk: Any, what: str, line: tuple[str, ...]
) -> None:
    path = desk.folder / "siem.token"
    line = tuple(line)
    match what:
        case "there already":
            path.write_text("somebody's")
        case "link":
            path.symlink_to(desk.folder / "elsewhere")
        case "no folder":
            line = (*line[:-1], "nowhere/siem.token")
        case _:
            line = (*line[:-1], "/proc/siem.token")

    told = desk.run(*line, "--auto-approve")

    assert told.code == 1
    assert "cannot be made" in told.err
    assert posts(desk) == 0
    assert not (desk.folder / "elsewhere").exists()
    assert what != "there already" or path.read_text() == "somebody's"


@pytest.mark.parametrize("code", [400, 401, 403, 409])
def test_when_the_console_says_no_the_file_goes_away(
    desk: Any, proxy: Any, faults: Any, code: int
) -> None:
    said = json.dumps({"errors": [{"code": code * 10000 + 10, "title": "No"}]}).encode()
    proxy.when(faults.status(code, said), method="POST", path="/service-users", times=9)

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert outcome(desk)["result"] == "failed"
    assert proxy.count("POST", "/service-users") == 1
    assert not (desk.folder / "siem.token").exists()
    assert made(desk) == []


@pytest.mark.parametrize("fault", ["reset_after", "truncated", "500", "502", "504"])
def test_a_lost_answer_never_makes_a_second_service_user(
    desk: Any, proxy: Any, faults: Any, fault: str
) -> None:
    harm = faults.status_after(int(fault)) if fault.isdigit() else getattr(faults, fault)
    proxy.when(harm, method="POST", path="/service-users")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert len(made(desk)) == 1
    assert proxy.count("POST", "/service-users") == 1
    assert outcome(desk)["result"] == "applied"
    assert outcome(desk)["created_id"] == made(desk)[0].id
    assert "service-user rotate" in told.out
    assert not (desk.folder / "siem.token").exists()

    ages(desk, NAME)
    again = ("service-user", "rotate", NAME, "--secret-file", "siem.token", "--auto-approve")
    assert desk.run(*again).code == 0
    assert desk.console.console.tokens[secret(desk)].principal_id == made(desk)[0].id


@pytest.mark.parametrize("fault", ["reset_before", "502", "html"])
def test_what_was_lost_before_the_effect_is_unknown_and_not_asked_again(
    desk: Any, proxy: Any, faults: Any, fault: str
) -> None:
    harm = faults.status(int(fault)) if fault.isdigit() else getattr(faults, fault)
    proxy.when(harm, method="POST", path="/service-users")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert made(desk) == []
    assert proxy.count("POST", "/service-users") == 1
    assert outcome(desk)["result"] == "unknown"
    assert not (desk.folder / "siem.token").exists()
    again = desk.run(*CREATE, "--auto-approve")
    assert again.code == 0, again.text
    assert "not applied" in again.err
    assert len(made(desk)) == 1


@pytest.mark.parametrize("line", [CREATE, ROTATE])
def test_a_lock_that_is_lost_on_the_way_stops_it_and_the_record_has_an_end(
    desk: Any, proxy: Any, faults: Any, line: tuple[str, ...]
) -> None:
    """The console was busy at first; when the wait is over, the lock is somebody else's."""

    def lose(exchange: Any) -> None:
        for path in (desk.folder / ".state" / "locks").glob("*.lock"):
            path.unlink()
        faults.status(429, Retry_After="5")(exchange)

    proxy.when(lose, method="POST")

    told = desk.run(*line, "--auto-approve")

    assert told.code == 4, told.text
    assert "was lost, so nothing more is written" in told.out
    assert outcome(desk)["result"] == "not attempted"
    assert desk.journal()[-1]["kind"] == "run-finished"
    assert proxy.count("POST") == 1
    assert not (desk.folder / "siem.token").exists()


def test_a_lock_that_is_lost_while_it_looks_again_stops_it_and_the_record_has_an_end(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def lose() -> None:
        for path in (desk.folder / ".state" / "locks").glob("*.lock"):
            path.unlink()

    proxy.when(faults.before(lose), method="GET", path="/service-users", skip=1)

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert outcome(desk)["result"] == "not attempted"
    assert desk.journal()[-1]["kind"] == "run-finished"
    assert posts(desk) == 0
    assert desk.run("audit", "verify").code == 0


def test_a_429_is_asked_again_because_it_cannot_have_happened(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(429), method="POST", path="/service-users")

    assert desk.run(*CREATE, "--auto-approve").code == 0
    assert proxy.count("POST", "/service-users") == 2
    assert len(made(desk)) == 1


def test_what_cannot_be_read_after_a_lost_answer_is_settled_by_the_next_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def lose(exchange: Any) -> None:
        faults.reset_after(exchange)
        proxy.when(faults.status(503), method="GET", path="/service-users", times=5)

    proxy.when(lose, method="POST", path="/service-users")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4
    assert outcome(desk)["result"] == "unknown"
    again = desk.run(*CREATE, "--auto-approve")
    assert again.code == 3
    assert "if nobody was given its token, rotate it" in again.err
    assert len(made(desk)) == 1


def test_an_answer_without_a_token_says_how_to_get_one(desk: Any, proxy: Any, faults: Any) -> None:
    def forget(exchange: Any) -> None:
        exchange.forward()
        service = made(desk)[0]
        entry = {"id": "1820000000000000201", "roleId": "1820000000000000302", "name": "Berlin"}
        told = {"id": service.id, "name": NAME, "scope": "site", "scopeRoles": [entry]}
        faults.status(200, json.dumps({"data": told}).encode())(exchange)

    proxy.when(forget, method="POST", path="/service-users")

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert "the answer holds no token" in told.out
    assert len(made(desk)) == 1
    assert not (desk.folder / "siem.token").exists()


def test_a_token_is_renewed_and_the_old_one_stops(desk: Any) -> None:
    old = desk.console.token_for("siem")

    told = desk.run(*ROTATE, "--auto-approve")

    assert told.code == 0, told.text
    value = secret(desk)
    assert is_nowhere(desk, value, told)
    assert value != old
    assert old not in desk.console.console.tokens
    assert desk.holds("siem") == ["Viewer Berlin"]
    assert outcome(desk)["operation"] == "rotate"
    assert "Renew the API token of service:siem" in told.out


def test_a_rotation_asks_as_well(desk: Any) -> None:
    told = desk.run(*ROTATE)
    assert told.code == 3
    assert posts(desk) == 0


def test_a_service_user_may_be_named_by_its_id(desk: Any) -> None:
    line = ("service-user", "rotate", "id:1820000000000002003", "--secret-file", "siem.token")
    assert desk.run(*line, "--auto-approve").code == 0


def test_nobody_of_that_name_is_told_with_candidates(desk: Any) -> None:
    line = ("service-user", "rotate", "siemm", "--secret-file", "siem.token")
    told = desk.run(*line, "--auto-approve")
    assert told.code == 1
    assert 'No service user "siemm"' in told.err


def test_an_older_console_cannot_renew_and_says_so(desk: Any, proxy: Any, faults: Any) -> None:
    proxy.when(faults.status(404, b'{"errors": [{"code": 4040010}]}'), method="POST", path=GENERATE)

    told = desk.run(*ROTATE, "--auto-approve")

    assert told.code == 4
    assert outcome(desk)["result"] == "failed"
    assert "does not have it" in told.text or "404" in told.out
    assert not (desk.folder / "siem.token").exists()


@pytest.mark.parametrize("fault", ["reset_after", "truncated", "502"])
def test_a_renewal_whose_answer_is_lost_is_not_repeated_and_told(
    desk: Any, proxy: Any, faults: Any, fault: str
) -> None:
    harm = faults.status_after(int(fault)) if fault.isdigit() else getattr(faults, fault)
    proxy.when(harm, method="POST", path=GENERATE)

    told = desk.run(*ROTATE, "--auto-approve")

    assert told.code == 4
    assert proxy.count("POST", GENERATE) == 1
    assert outcome(desk)["result"] == "applied"
    assert "its token is lost" in told.out
    ages(desk, "siem")
    assert desk.run(*ROTATE, "--auto-approve").code == 0


def test_a_renewal_that_did_not_happen_is_unknown_and_settled_by_the_next_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.reset_before, method="POST", path=GENERATE)

    told = desk.run(*ROTATE, "--auto-approve")

    assert told.code == 4
    assert outcome(desk)["result"] == "unknown"
    assert desk.console.world.named("siem").token_created_at == BEFORE_SIEM
    again = desk.run(*ROTATE, "--auto-approve")
    assert again.code == 0
    assert "a later reading shows the token from before" in again.err


def test_a_renewal_that_nobody_recorded_is_found_by_the_next_run(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def lose(exchange: Any) -> None:
        faults.reset_after(exchange)
        proxy.when(faults.status(503), method="GET", path="/service-users", times=5)

    proxy.when(lose, method="POST", path=GENERATE)

    assert desk.run(*ROTATE, "--auto-approve").code == 4
    assert outcome(desk)["result"] == "unknown"
    again = desk.run("apply", "--auto-approve")
    assert "a later reading shows a newer token" in again.err


def test_somebody_else_who_renews_first_is_not_undone(desk: Any, proxy: Any, faults: Any) -> None:
    def renew() -> None:
        desk.clock.passes(minutes=1)
        service = desk.console.world.service_users["1820000000000002003"]
        newer = "2026-11-23T09:00:30.000000Z"
        late = replace(service, token_created_at=newer)
        desk.console.world.service_users[service.id] = late

    def second(exchange: Any) -> None:
        proxy.when(faults.before(renew), method="GET", path="/service-users")
        exchange.answer(exchange.forward())

    proxy.when(second, method="GET", path="/service-users")

    told = desk.run(*ROTATE, "--auto-approve")

    assert told.code == 4, told.text
    assert outcome(desk)["result"] == "conflict"
    assert proxy.count("POST", GENERATE) == 0


@pytest.mark.parametrize("command", [CREATE, ROTATE], ids=["create", "rotate"])
def test_a_full_disk_for_the_token_is_found_before_the_console_is_asked(
    desk: Any, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    real = os.pwrite

    def full(descriptor: int, content: bytes, offset: int) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "siem.token":
            raise OSError(28, os.strerror(28))
        return real(descriptor, content, offset)

    monkeypatch.setattr(os, "pwrite", full)

    told = desk.run(*command, "--auto-approve")

    assert told.code == 1, told.text
    assert "cannot be made: No space left on device. Nothing was asked." in told.err
    assert posts(desk) == 0
    assert not (desk.folder / "siem.token").exists()


def test_a_disk_that_fails_under_the_token_is_told_with_the_way_out(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.ftruncate

    def failing(descriptor: int, length: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "siem.token":
            raise OSError(5, os.strerror(5))
        real(descriptor, length)

    monkeypatch.setattr(os, "ftruncate", failing)

    told = desk.run(*CREATE, "--auto-approve")

    assert told.code == 4, told.text
    assert "The token could not be written" in told.err
    assert "service-user rotate" in told.err
    assert outcome(desk)["result"] == "applied"
    assert not (desk.folder / "siem.token").exists()


def test_no_journal_no_service_user(desk: Any) -> None:
    told = desk.run(*CREATE, "--journal", "/proc/journal.jsonl", "--auto-approve")
    assert told.code == 1
    assert posts(desk) == 0
