"""What is done to service users by hand: guarded like a policy, and told as no policy's doing."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

CREATE = (
    *("service-user", "create", "siem-export", "--role", "Viewer", "--site", "Acme/Berlin"),
    *("--secret-file", "siem.token", "--auto-approve"),
)
ADMIN = tuple("Admin" if word == "Viewer" else word for word in CREATE)
RELAXED = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\n"
PRIVILEGED = "privileged:\n  - {{roles: [Admin], {0}, standing: allow}}\n"


def rotate(name: str, *more: str) -> tuple[str, ...]:
    return ("service-user", "rotate", name, "--secret-file", "siem.token", "--auto-approve", *more)


def posts(desk: Any) -> int:
    return sum(method == "POST" for method, _ in desk.console.requests)


def data(desk: Any, kind: str) -> Any:
    return next(each["data"] for each in desk.journal() if each["kind"] == kind)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["siem", "id:1820000000000002003"])
def test_the_token_of_somebody_protected_is_not_renewed_unawares(desk: Any, name: str) -> None:
    desk.write("guardrails.yaml", f"{RELAXED}protected: [service:siem]\n")

    told = desk.run(*rotate(name))

    assert told.code == 3, told.text
    assert "service:siem is protected, and its token would stop at once" in flat(told.out)
    assert "--protected" in told.out
    assert posts(desk) == 0
    assert data(desk, "refused")["rules"] == ["protected"]
    assert not (desk.folder / "siem.token").exists()
    assert desk.run(*rotate(name, "--protected")).code == 0


def test_the_token_in_use_is_not_renewed_unawares(desk: Any) -> None:
    told = desk.run(*rotate("reconciler"))

    assert told.code == 3, told.text
    assert "service:reconciler is the identity of this token" in flat(told.out)
    assert "--own-token" in told.out
    assert posts(desk) == 0
    assert desk.run("plan").code == 0


def test_the_token_in_use_is_renewed_when_that_is_known(desk: Any) -> None:
    told = desk.run(*rotate("reconciler", "--own-token"))

    assert told.code == 0, told.text
    assert "the next one needs the new token" in told.out
    assert data(desk, "outcome")["result"] == "applied"
    assert desk.run("plan").code == 1
    desk.token = (desk.folder / "siem.token").read_text().rstrip("\n")
    assert desk.run("plan").code == 0


def test_a_protected_token_in_use_wants_both_words(desk: Any) -> None:
    desk.write("guardrails.yaml", f"{RELAXED}protected: [service:reconciler]\n")

    assert desk.run(*rotate("reconciler", "--own-token")).code == 3
    assert desk.run(*rotate("reconciler", "--protected")).code == 3
    assert desk.run(*rotate("reconciler", "--protected", "--own-token")).code == 0


def test_who_takes_another_for_the_own_one_is_told(desk: Any) -> None:
    told = desk.run(*rotate("siem", "--own-token"))

    assert told.code == 3
    assert "service:siem is not the identity of this token" in flat(told.out)
    assert posts(desk) == 0


def test_a_privileged_role_wants_its_reason_by_hand_too(desk: Any) -> None:
    desk.write("guardrails.yaml", RELAXED + PRIVILEGED.format("require_reason: true"))

    told = desk.run(*ADMIN)

    assert told.code == 3
    assert "without a reason" in flat(told.out)
    assert "Say why with --reason." in told.out
    assert posts(desk) == 0
    assert desk.run(*ADMIN, "--reason", "CHG-9").code == 0


def test_a_privileged_role_that_nobody_has_for_good_is_none_to_create_with(desk: Any) -> None:
    rule = "privileged:\n  - {roles: [Admin], standing: refuse}\n"
    desk.write("guardrails.yaml", RELAXED + rule)

    told = desk.run(*ADMIN)

    assert told.code == 3, told.text
    assert "a policy can then give it this one" in flat(told.out)


def test_a_token_for_a_privileged_role_ends_as_soon_as_the_guardrails_say(desk: Any) -> None:
    desk.write("guardrails.yaml", RELAXED + PRIVILEGED.format("max_duration: 8h"))

    late = desk.run(*ADMIN, "--expires", "2026-11-23T17:00:01Z")
    assert late.code == 3
    assert "for longer than 8 hours" in flat(late.out)
    assert "--expires" in late.out
    assert posts(desk) == 0
    assert desk.run(*ADMIN, "--expires", "2026-11-23T17:00:00Z").code == 0


def test_what_no_policy_asked_for_says_so_with_its_reason(desk: Any) -> None:
    told = desk.run(*CREATE, "--reason", "CHG-9")

    assert 'by hand  "CHG-9"  command line' in told.out
    (change,) = data(desk, "intent")["changes"]
    assert (change["reason"], change["note"]) == ("by hand", "CHG-9")
    assert change["places"] == ["command line"]


def test_the_reason_of_a_renewal_is_on_record(desk: Any) -> None:
    assert desk.run(*rotate("siem", "--reason", "CHG-10")).code == 0
    assert data(desk, "intent")["note"] == "CHG-10"

    told = desk.run("audit", "show")

    assert "rotate service:siem: CHG-10" in flat(told.out)


def test_the_reason_of_a_creation_is_shown_by_audit(desk: Any) -> None:
    desk.run(*CREATE, "--reason", "CHG-9")
    told = desk.run("audit", "show")
    assert "by hand reason: CHG-9, command line" in flat(told.out)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2027-03-31", datetime(2027, 4, 1, tzinfo=UTC)),
        ("2027-03-31T23:00:00+02:00", datetime(2027, 3, 31, 21, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_token_is_read_as_in_policies(desk: Any, text: str, end: datetime) -> None:
    assert desk.run(*CREATE, "--expires", text).code == 0
    (made,) = [each for each in desk.console.world.service_users.values() if "export" in each.name]
    assert datetime.fromisoformat(made.token_expires_at) == end


@pytest.mark.parametrize("text", ["2027-03-31 23:00+02:00", "2027-03-31 23:00", "20270331"])
def test_an_end_that_policies_do_not_know_is_refused(desk: Any, text: str) -> None:
    told = desk.run(*CREATE, "--expires", text)
    assert told.code == 1
    assert "neither a date nor a date and time" in flat(told.err)
    assert desk.console.requests == []


def test_what_a_killed_run_left_in_the_place_of_a_token_is_taken_over(
    desk: Any, proxy: Any
) -> None:
    killed: list[int] = []

    def kill(exchange: Any) -> None:
        os.kill(killed.pop(), signal.SIGKILL)
        exchange.reset()

    proxy.when(kill, method="POST", path="/service-users")
    with desk.start(*CREATE) as process:
        killed.append(process.pid)
        process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    path = Path(desk.folder, "siem.token")
    assert path.read_text().strip() == "Reserved for an API token; none came."

    told = desk.run(*CREATE)

    assert told.code == 0, told.text
    assert desk.console.console.tokens[path.read_text().rstrip("\n")]
