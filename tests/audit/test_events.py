"""Plans and outcomes as the journal keeps them."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import BERLIN, NOW, RELAXED, SOC, assign, gone, grant, newcomer, plan, user, world
from jsonschema import Draft202012Validator

from reconciler.audit import events
from reconciler.audit.chain import Record, read_chain
from reconciler.audit.journal import Journal
from reconciler.audit.unfinished import Resolution, unfinished
from reconciler.domain.ends import End
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Change, Holding, Operation, Plan
from reconciler.domain.policy import Window
from reconciler.errors import Problem
from reconciler.resources import resource

SCHEMA = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))
DIGEST = "sha256:" + "a" * 64
HOUR = timedelta(hours=1)
ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
EVE = user("11", "eve@acme.example", grant(SOC, BERLIN))


def every_kind() -> Plan:
    """An invitation, an update and a deletion."""
    return plan(
        world(ANA, EVE),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin", reason="INC-1", line=4),
        assign("new@acme.example", "SOC", account="EMEA"),
        users=(newcomer("new@acme.example"),),
        former=(gone("eve@acme.example"),),
        guardrails=RELAXED,
    )


def operation(name: str) -> Operation:
    return next(each for each in every_kind().operations if each.name.label == name)


def ending(name: str) -> Operation:
    """The same, granted for a time."""
    made = operation(name)
    window = Window(NOW - HOUR, NOW + HOUR)
    changes = [
        replace(one, window=window) if one.action == "grant" else one for one in made.changes
    ]
    return replace(made, changes=tuple(changes))


def test_a_grant_for_a_time_says_until_when_in_intent_and_outcome() -> None:
    made = ending("ana@acme.example")
    told = (events.intent(made), events.outcome(Outcome(made, Result.APPLIED)))

    for each in told:
        assert [one.get("until") for one in each["changes"]] == ["2026-11-22T10:00:00Z", None]
    change = SCHEMA["$defs"]["change"]
    assert change["properties"]["until"]
    assert "until" not in change["required"]  # journals from before have none


def test_an_intent_says_before_after_and_why() -> None:
    told = events.intent(operation("ana@acme.example"))

    assert told["principal"] == {"kind": "user", "name": "ana@acme.example", "id": "10"}
    assert told["operation"] == "update"
    assert told["before"] == {"level": "site", "grants": [{"scope_id": "101", "role_id": "3"}]}
    assert told["after"] == {"level": "site", "grants": [{"scope_id": "101", "role_id": "2"}]}
    assert told["changes"][0] == {
        "action": "grant",
        "role": "Viewer",
        "role_id": "2",
        "scope": "EMEA/Berlin",
        "scope_id": "101",
        "scope_level": "site",
        "reason": "policy",
        "places": ["policies/a.yaml:4:5"],
        "risk": "low",
        "note": "INC-1",
        "commit": "",
    }


def test_an_invitation_has_no_before_and_a_deletion_no_after() -> None:
    assert events.intent(operation("new@acme.example"))["before"] is None
    assert events.intent(operation("new@acme.example"))["principal"]["id"] == ""
    assert events.intent(operation("eve@acme.example"))["after"] is None


def test_the_end_of_a_run_counts_every_result() -> None:
    one = operation("ana@acme.example")
    outcomes = [Outcome(one, Result.APPLIED), Outcome(one, Result.APPLIED)]

    told = events.run_finished([*outcomes, Outcome(one, Result.NOT_ATTEMPTED)])

    assert told == {"results": {"applied": 2, "not attempted": 1}}
    assert events.run_finished([]) == {"results": {}}


def test_an_outcome_keeps_the_id_that_the_console_gave() -> None:
    told = events.outcome(Outcome(operation("new@acme.example"), Result.APPLIED, "ok", "77"))

    assert (told["created_id"], told["detail"], told["result"]) == ("77", "ok", "applied")
    assert events.outcome(Outcome(operation("new@acme.example"), Result.FAILED))["created_id"] == ""


def test_an_outcome_without_a_token_says_nothing_of_one() -> None:
    told = events.outcome(Outcome(operation("ana@acme.example"), Result.APPLIED))

    assert not {"token", "remains"} & told.keys()


def test_a_whole_run_matches_the_published_schema(
    journal: Callable[[], Journal], path: Path, records: Callable[[], list[dict[str, Any]]]
) -> None:
    made = every_kind()
    outcomes = [Outcome(each, result) for each in made.operations for result in Result]
    started = events.run_started(made, tool_version="1", actor="service:reconciler")
    lasting = [
        End.of(op.name, "", c.grant, made.instant) for op in made.operations for c in op.grants
    ]
    started |= events.ends(replace(made, ends=(*lasting, replace(lasting[0], until=None)), taken=1))
    with journal() as opened:
        opened.append(
            "run-started", started | {"policy_digest": DIGEST, "guardrails_digest": DIGEST}
        )
        for each in (*made.operations, ending("ana@acme.example")):
            opened.append("intent", events.intent(each))
        for outcome in outcomes:
            opened.append("outcome", events.outcome(outcome))
        opened.append("run-finished", events.run_finished(outcomes))
        refused = events.refused(made, tool_version="1", actor="service:reconciler")
        opened.append("refused", refused | {"policy_digest": DIGEST, "guardrails_digest": DIGEST})
        lock = {"lock": "the Lease a/b", "nonce": "0" * 32, "takeover": "run 1"}
        opened.append("lock-taken-over", lock)
        step = events.token_revocation(made.operations[0], "failed", "the console said no")
        opened.append("token-revocation", step)
        left = unfinished(record for record in chain(path) if record.kind == "intent")[0]
        told = events.resolved(Resolution(left, "applied", "a later reading shows it"))
        opened.append("resolved", told)
    with path.open("ab") as file:
        file.write(b'{"da')
    with journal():
        pass

    for record in records():
        Draft202012Validator(SCHEMA).validate(record)
    kinds = SCHEMA["properties"]["kind"]["enum"]
    assert {record["kind"] for record in records()} == set(kinds)


def chain(path: Path) -> tuple[Record, ...]:
    return read_chain(path.read_bytes()).records


KEPT = {
    "Operation.kind": "operation",
    "Operation.name": "principal",
    "Operation.principal_id": "principal",
    "Operation.before": "before",
    "Operation.after": "after",
    "Operation.changes": "changes",
    "Operation.precondition": "precondition",
    "Operation.taken": "taken",
    "Operation.revokes_token": "revokes_token",
    "Operation.note": "note",
    "Change.action": "action",
    "Change.grant": "role_id",
    "Change.reason": "reason",
    "Change.risk": "risk",
    "Change.places": "places",
    "Change.note": "note",
    "Change.commit": "commit",
    "Change.window": "until",
    "Holding.level": "level",
    "Holding.grants": "grants",
    "Outcome.operation": "operation",
    "Outcome.result": "result",
    "Outcome.detail": "detail",
    "Outcome.created_id": "created_id",
    "Outcome.token": "token",
    "Outcome.remains": "remains",
}
"""Field -> the key of the record that keeps it."""

NOT_KEPT = {
    "Operation.full_name": "personal data; the console keeps it, the journal needs it for nothing",
    "Operation.notes": "wording of the plan, which the plan file keeps",
    "Operation.effects": "follows from roles and scopes, and what the roles permitted at the time",
}
"""Fields that the journal leaves out, and why."""


@pytest.mark.parametrize("kind", [Operation, Change, Holding, Outcome])
def test_every_field_of_what_was_done_is_kept_or_left_out_for_a_reason(kind: type) -> None:
    intent = events.intent(ending("ana@acme.example"))
    told = {
        Operation: intent,
        Change: intent["changes"][0],
        Holding: intent["before"],
        Outcome: events.outcome(
            Outcome(
                operation("ana@acme.example"), Result.APPLIED, token=Result.FAILED, remains="403"
            )
        ),
    }[kind]

    for field in fields(kind):
        name = f"{kind.__name__}.{field.name}"
        assert (name in KEPT) is not (name in NOT_KEPT), name
        assert name in NOT_KEPT or KEPT[name] in told, name


def test_limits_that_are_lifted_are_on_record() -> None:
    lifted = Problem(None, "override-in-force", "rolling is lifted to 9 until then: CHG-9", "")
    noise = Problem(None, "override-ended", "another ended", "")
    plain = replace(every_kind(), policy_digest=DIGEST, guardrails_digest=DIGEST)

    told = [
        events.run_started(one, tool_version="0.1.0", actor="service:reconciler")
        for one in (plain, replace(plain, warnings=(noise, lifted)))
    ]

    assert "overrides" not in told[0]
    assert told[1]["overrides"] == ["rolling is lifted to 9 until then: CHG-9"]
    line = {"sequence": 1, "previous": DIGEST, "time": "2026-11-22T09:00:00Z", "run": "0" * 16}
    for kind, data in (("run-started", told[1]), ("refused", {**told[1], "rules": []})):
        Draft202012Validator(SCHEMA).validate({**line, "kind": kind, "data": data})
