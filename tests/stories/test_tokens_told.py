"""A token that was revoked, or could not be, is told wherever the operation is told."""

import json
import signal
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stories.desk import NOW
from stories.test_tokens_end import (
    EVE,
    PARK,
    POLICY,
    REFUSED,
    REVOKE,
    token,
    told_of,
    with_token,
)

from reconciler.resources import resource

BAD = json.dumps({"errors": [{"code": 4000010, "title": "Validation Error"}]}).encode()
DELETE = "version: 1\nmax_revoke_fraction: 1.0\nnothing_left: delete\n"
SCHEMA = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))


@pytest.fixture
def leaving(desk: Any) -> Any:
    """A desk whose only difference is a leaver with an API token, who is to be parked."""
    desk.write("access.yaml", POLICY)
    desk.write("guardrails.yaml", PARK)
    with_token(desk, EVE)
    return desk


def outcome_of(desk: Any) -> Any:
    (told,) = (
        each["data"]
        for each in desk.journal()
        if each["kind"] == "outcome" and each["data"]["principal"]["name"] == EVE
    )
    for record in desk.journal():
        Draft202012Validator(SCHEMA).validate(record)
    return told


def an_hour_later(desk: Any) -> Any:
    """What the console's log says of the journal, once both are old enough."""
    desk.clock.passes(hours=1)
    desk.console.console.clock = lambda: NOW + timedelta(hours=1)
    return desk.run("audit", "reconcile")


@pytest.mark.parametrize("rules", [PARK, DELETE], ids=["park", "delete"])
@pytest.mark.parametrize("code", [400, 403])
def test_a_write_that_is_refused_after_the_revocation_tells_of_the_token(
    leaving: Any, proxy: Any, faults: Any, code: int, rules: str
) -> None:
    leaving.write("guardrails.yaml", rules)
    proxy.when(faults.status(code, BAD), method="PUT|DELETE")

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 4
    assert token(leaving, EVE) is None
    assert f"{EVE}: its API token was revoked; then: " in told.out
    data = outcome_of(leaving)
    assert (data["result"], data["token"]) == ("failed", "applied")
    assert data["detail"].startswith("its API token was revoked; then: ")
    log = an_hour_later(leaving)
    assert "ghost writes: 0; without activity: 0" in log.out
    assert log.code == 0, log.text


def test_a_run_that_is_ended_after_the_revocation_does_not_say_that_nothing_was_tried(
    leaving: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.after(leaving.interrupted), method="POST", path=REVOKE)

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 128 + signal.SIGTERM
    assert token(leaving, EVE) is None
    assert leaving.holds(EVE) == ["SOC Lyon"]
    data = outcome_of(leaving)
    assert (data["result"], data["token"]) == ("failed", "applied")
    what = "its API token was revoked; then: the rest was not asked: the run was interrupted"
    assert data["detail"] == what
    assert what in told.out
    assert "ghost writes: 0" in an_hour_later(leaving).out


@pytest.mark.parametrize("holds", [(), (("Viewer", "Lyon"),)], ids=["to park", "parked"])
def test_a_run_that_is_ended_while_the_revocation_has_no_answer_says_so(
    leaving: Any, proxy: Any, holds: Any
) -> None:
    with_token(leaving, EVE, *holds)

    def lose(exchange: Any) -> None:
        exchange.forward()
        leaving.interrupted()
        exchange.reset()

    proxy.when(lose, method="POST", path=REVOKE)

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 128 + signal.SIGTERM
    data = outcome_of(leaving)
    assert told_of(leaving)[1] == ("token-revocation", "unknown")
    # Where the token is the whole operation, what became of it is the result.
    is_alone = bool(holds)
    expected = ("unknown", None) if is_alone else ("failed", "unknown")
    assert (data["result"], data.get("token")) == expected
    assert ("An API token may remain: " in told.out) is not is_alone
    assert "ghost writes: 0" in an_hour_later(leaving).out


def test_a_revocation_without_an_answer_after_which_our_token_is_refused_is_unknown(
    leaving: Any, proxy: Any, faults: Any
) -> None:
    with_token(leaving, EVE, ("Viewer", "Lyon"))
    proxy.when(faults.reset_after, method="POST", path=REVOKE)
    proxy.when(faults.status(401), times=99, method="POST", path=REVOKE)

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 4
    assert outcome_of(leaving)["result"] == "unknown"


def test_a_token_that_was_not_revoked_is_in_the_record_and_at_the_sink(
    leaving: Any, proxy: Any, faults: Any, sink: Any
) -> None:
    proxy.when(faults.status(403, REFUSED), method="POST", path=REVOKE)

    told = leaving.run("apply", "--auto-approve", RECONCILER_SINK=sink.url)

    assert told.code == 4
    assert token(leaving, EVE) is not None
    data = outcome_of(leaving)
    assert (data["result"], data["token"]) == ("applied", "failed")
    assert "403" in data["remains"]
    (event,) = (one for one in sink.events if one["activity_name"] == "Revoke Token")
    assert (event["status"], event["severity"]) == ("Failure", "Medium")
    assert event["message"] == f"revoke the API token of {EVE}: failed"
    assert data["remains"] in event["status_detail"]
    assert "an API token may remain: " in leaving.run("audit", "show").out


def test_a_token_that_was_revoked_is_told_to_the_sink_whatever_became_of_the_rest(
    leaving: Any, proxy: Any, faults: Any, sink: Any
) -> None:
    proxy.when(faults.status(400, BAD), method="PUT")

    leaving.run("apply", "--auto-approve", RECONCILER_SINK=sink.url)

    (event,) = (one for one in sink.events if one["activity_name"] == "Revoke Token")
    assert (event["status"], event["user"]["name"]) == ("Success", EVE)
    told = {one["status"] for one in sink.events if one["activity_name"] == "Revoke Privileges"}
    assert told == {"Failure"}


@pytest.mark.parametrize("last", [401, 503], ids=["our token refused", "no answer"])
def test_a_token_that_may_remain_is_told_when_the_rest_is_unknown(
    leaving: Any, proxy: Any, faults: Any, last: int
) -> None:
    proxy.when(faults.status(403, REFUSED), method="POST", path=REVOKE)

    def lose(exchange: Any) -> None:
        exchange.reset()
        proxy.when(faults.status(last), path=".*/?users/.*", times=99)

    proxy.when(lose, method="PUT")

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 4
    assert "An API token may remain: " in told.out
    data = outcome_of(leaving)
    assert (data["result"], data["token"]) == ("unknown", "failed")


def test_who_could_not_be_deleted_either_may_keep_a_token(
    leaving: Any, proxy: Any, faults: Any
) -> None:
    leaving.write("guardrails.yaml", DELETE)
    proxy.when(faults.status(403, REFUSED), method="POST", path=REVOKE)
    proxy.when(faults.status(400, BAD), method="DELETE")

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 4
    assert "An API token may remain: " in told.out
    assert outcome_of(leaving)["remains"]


def test_who_is_deleted_leaves_no_token_whatever_the_revocation_said(
    leaving: Any, proxy: Any, faults: Any
) -> None:
    leaving.write("guardrails.yaml", DELETE)
    proxy.when(faults.status(403, REFUSED), method="POST", path=REVOKE)

    told = leaving.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert "remains" not in outcome_of(leaving)
