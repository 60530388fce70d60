"""What a SIEM is told: every deed, in the forms it takes; what was only asked for as no deed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.audit.chain import Record, hash_of, read_chain
from reconciler.audit.deeds import EXPORTED, NOT_EXPORTED
from reconciler.audit.export import FORMS, exported
from reconciler.domain.digest import canonical
from reconciler.resources import resource

HERE = Path(__file__).resolve().parent
KINDS = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))["properties"][
    "kind"
]["enum"]
Event = dict[str, Any]

DIGEST = "sha256:" + "a" * 64
RUN = {
    "tool_version": "0.1.0",
    "origin": "https://acme.sentinelone.net",
    "account_ids": ["100"],
    "actor": "service:reconciler",
    "content_digest": DIGEST,
    "policy_digest": DIGEST,
    "guardrails_digest": DIGEST,
    "operations": 3,
}
ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
NEW = {"kind": "user", "name": "new@acme.example", "id": ""}
SIEM = {"kind": "service", "name": "service:siem", "id": "11"}
EXPORT = {"kind": "service", "name": "service:export", "id": ""}


def change(action: str = "grant", *, risk: str = "low", **other: str) -> Event:
    site = {"scope": "EMEA/Berlin", "scope_id": "101", "scope_level": "site"}
    role = {"role": "SOC", "role_id": "3"}
    why = {"reason": "your change", "places": ["policies/a.yaml:4:5"], "note": "", "commit": ""}
    return {"action": action, "risk": risk, **site, **role, **why, **other}


TENANT = {"scope": "tenant", "scope_id": "", "scope_level": "tenant"}
ADMIN = {"role": "Admin", "role_id": "1"}


def outcome(principal: Event, result: str, *changes: Event, operation: str = "update") -> Event:
    created = "77" if principal in (NEW, EXPORT) and result == "applied" else ""
    told = {"operation": operation, "principal": principal, "result": result, "detail": "told"}
    return {**told, "created_id": created, "changes": list(changes)}


STORY: list[tuple[str, Event]] = [
    ("refused", {**RUN, "rules": ["max_revokes", "min_admins"]}),
    ("run-started", RUN),
    ("intent", {"operation": "update", "principal": ANA, "changes": [change(), change("revoke")]}),
    ("outcome", outcome(ANA, "applied", change(), change("revoke", scope="EMEA/Lyon"))),
    ("outcome", outcome(ANA, "applied", change(risk="high", **TENANT, **ADMIN))),
    ("outcome", outcome(NEW, "applied", change(risk="medium", **ADMIN), operation="invite")),
    ("outcome", outcome(ANA, "applied", change("revoke"), operation="delete")),
    ("outcome", outcome(SIEM, "failed", change())),
    ("outcome", outcome(ANA, "conflict", change())),
    ("outcome", outcome(ANA, "unknown", change())),
    ("outcome", outcome(ANA, "not attempted", change())),
    ("intent", {"operation": "update", "principal": ANA, "changes": [change()]}),
    ("run-finished", {"results": {"applied": 4}}),
    ("recovered", {"bytes": 7, "sha256": DIGEST}),
    ("resolved", {"principal": ANA, "intent": 12, "result": "applied", "detail": "told"}),
    ("resolved", {"principal": ANA, "intent": 12, "result": "changed since", "detail": "told"}),
    ("token-revocation", {"principal": ANA, "result": "applied", "detail": ""}),
    ("lock-taken-over", {"lock": "the Lease a/b", "nonce": "0" * 32, "takeover": "run 1 since 9"}),
    ("intent", {"operation": "create", "principal": EXPORT, "changes": [change()]}),
    ("outcome", outcome(EXPORT, "applied", change(), operation="create")),
    ("outcome", outcome(EXPORT, "unknown", change(), operation="create")),
    ("outcome", outcome(EXPORT, "conflict", change(risk="high", **ADMIN), operation="create")),
    ("intent", {"operation": "rotate", "principal": SIEM, "changes": []}),
    ("outcome", outcome(SIEM, "applied", operation="rotate")),
    ("outcome", outcome(SIEM, "failed", operation="rotate")),
    ("resolved", {"principal": SIEM, "intent": 23, "result": "not applied", "detail": "told"}),
]


def journal(story: list[tuple[str, Event]]) -> tuple[Record, ...]:
    lines: list[bytes] = []
    previous = "sha256:" + "0" * 64
    for number, (kind, data) in enumerate(story, start=1):
        time = f"2026-11-22T09:00:{number:02}.25Z"
        form = {"sequence": number, "previous": previous, "time": time, "run": "0" * 16}
        lines.append(canonical(form | {"kind": kind, "data": data}))
        previous = hash_of(lines[-1])
    chain = read_chain(b"".join(line + b"\n" for line in lines))
    assert chain.fault is None
    return chain.records


RECORDS = journal(STORY)


def events(form: str) -> list[Event]:
    return [event for _, event in exported(RECORDS, form)]


def validator(event: Event) -> Draft202012Validator:
    name = f"{event['metadata']['version']}-{event['class_uid']}.json"
    return Draft202012Validator(json.loads((HERE / "ocsf" / name).read_text("utf-8")))


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
def test_every_event_is_valid_in_its_version(form: str) -> None:
    """T71; the schemas are in tests/audit/ocsf, with a notice of where they are from."""
    for event in events(form):
        assert [error.message for error in validator(event).iter_errors(event)] == []


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("user", None) or event.pop("entity", None),
        lambda event: event.update(made_up=1),
        lambda event: event.pop("type_uid"),
        lambda event: event["metadata"].pop("product"),
    ],
)
def test_the_schemas_would_see_a_mistake(form: str, spoil: Any) -> None:
    for event in events(form):
        spoil(event)
        assert list(validator(event).iter_errors(event))


def test_every_kind_of_record_is_exported_or_left_out_for_a_reason() -> None:
    """T72."""
    assert sorted([*EXPORTED, *NOT_EXPORTED]) == sorted(KINDS)
    numbers = {number for number, _ in exported(RECORDS, "ocsf-1.8")}
    assert {RECORDS[number - 1].kind for number in numbers} == set(EXPORTED)


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
def test_an_intent_is_told_as_nobody_s_access(form: str) -> None:
    """T72: a SIEM that counts grants counts none that was only asked for."""
    told = [one for one in events(form) if one["unmapped"]["reconciler"]["result"] == "intended"]

    assert [one["entity"]["name"] for one in told] == [
        *("ana@acme.example", "ana@acme.example", "service:export", "service:siem")
    ]
    assert {(one["class_uid"], one["activity_name"]) for one in told} == {(3004, "Intend")}
    assert not any(key in one for one in told for key in ("user", "privileges", "iam_roles"))


def lives(form: str, operation: str) -> list[tuple[int, str, str]]:
    """Class, activity and status of the events about a whole user."""
    return [
        (one["class_uid"], one["activity_name"], one["status"])
        for one in events(form)
        if one["unmapped"]["reconciler"]["operation"] == operation
        and not any(key in one for key in ("entity", "privileges", "iam_roles"))
    ]


def test_a_service_user_is_created_and_its_token_renewed_in_each_version() -> None:
    ends = ("Success", "Unknown", "Failure")
    assert lives("ocsf-1.8", "create") == [(3001, "Create", end) for end in ends]
    assert lives("ocsf-1.9", "create") == [(3007, "Create", end) for end in ends]
    ends = ("Success", "Failure", "Failure")
    assert lives("ocsf-1.8", "rotate") == [(3001, "Rotate Token", end) for end in ends]
    assert lives("ocsf-1.9", "rotate") == [(3007, "Rotate Token", end) for end in ends]


def test_every_result_has_a_status() -> None:
    told = {
        event["unmapped"]["reconciler"]["result"]: event["status"] for event in events("ocsf-1.8")
    }

    assert told == {
        "refused": "Failure",
        "started": "Other",
        "intended": "Other",
        "applied": "Success",
        "failed": "Failure",
        "conflict": "Failure",
        "unknown": "Unknown",
        "not attempted": "Other",
        "changed since": "Unknown",
        "not applied": "Failure",
    }


@pytest.mark.parametrize("form", FORMS)
def test_events_read_as_they_were_approved(form: str, request: pytest.FixtureRequest) -> None:
    """T73; rewritten by --bless only."""
    file = HERE / "golden" / f"{form}.jsonl"
    told = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events(form))
    if request.config.getoption("--bless"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(told, encoding="utf-8")

    assert told == file.read_text("utf-8")


def test_severity_follows_the_risk() -> None:
    told = Counter(
        (event["unmapped"]["reconciler"]["change"]["risk"], event["severity_id"])
        for event in events("ocsf-1.8")
        if event["class_uid"] == 3005
    )

    assert set(told) == {("low", 1), ("medium", 2), ("high", 3)}


LIFTED = "rolling is lifted to 9 until 2026-12-01T00:00:00Z: CHG-9"


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
def test_what_is_done_while_a_guardrail_is_lifted_is_of_note(form: str) -> None:
    story = journal(
        [
            ("run-started", {**RUN, "overrides": [LIFTED]}),
            ("intent", {"operation": "update", "principal": ANA, "changes": [change()]}),
            ("outcome", outcome(ANA, "applied", change(), change("revoke"))),
        ]
    )

    told = [event for _, event in exported(story, form)]

    assert [(one["severity_id"], one["severity"]) for one in told] == [
        *((3, "Medium"), (1, "Informational"), (3, "Medium"), (3, "Medium"))
    ]
    assert told[0]["unmapped"]["reconciler"]["overrides"] == [LIFTED]
    assert all(list(validator(one).iter_errors(one)) == [] for one in told)


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
@pytest.mark.parametrize(
    ("result", "more", "expected"),
    [
        ("failed", {"token": "applied"}, ("Success", "Informational", "applied")),
        ("applied", {"token": "applied"}, ("Success", "Informational", "applied")),
        ("applied", {"token": "failed", "remains": "403"}, ("Failure", "Medium", "failed")),
        ("unknown", {"token": "unknown", "remains": "lost"}, ("Unknown", "Medium", "unknown")),
        ("applied", {"token": [1], "remains": {}}, None),
        ("applied", {"remains": 1}, ("Unknown", "Medium", "unknown")),
        ("applied", {"token": "failed"}, None),
        ("applied", {}, None),
    ],
)
def test_a_token_that_was_to_end_first_is_told_by_itself(
    form: str, result: str, more: Event, expected: Any
) -> None:
    data = outcome(ANA, result, change("revoke"), operation="delete") | more

    records = journal([("run-started", RUN), ("outcome", data)])

    told = [event for _, event in exported(records, form)]

    tokens = [one for one in told if one["activity_name"] == "Revoke Token"]
    found = [(one["status"], one["severity"], one["message"]) for one in tokens]
    message = f"revoke the API token of ana@acme.example: {expected and expected[2]}"
    assert found == ([(*expected[:2], message)] if expected else [])
    assert [str(more.get("remains", "")) in one["status_detail"] for one in tokens] == [True] * len(
        tokens
    )
    assert len({one["metadata"]["uid"] for one in told}) == len(told) == 3 + len(tokens)
    assert all(list(validator(one).iter_errors(one)) == [] for one in told)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_only_keeps_a_judgement_on_record_is_no_event(form: str) -> None:
    records = journal(
        [("run-started", {**RUN, "operations": 0}), ("run-finished", {"results": {}})]
    )

    assert list(exported(records, form)) == []


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9"])
def test_every_event_has_a_name_of_its_own(form: str) -> None:
    uids = [event["metadata"]["uid"] for event in events(form)]

    assert len(set(uids)) == len(uids)


def test_the_flat_form_is_flat() -> None:
    """T74."""
    for event in events("sdl"):
        assert not any(isinstance(value, dict | list) for value in event.values())
        assert [key for key in event if key.startswith("event.")] == ["event.type"]
        assert event["dataSource.category"] == "security"
    assert events("sdl")[0]["time"] == 1795338001.25


def test_the_flat_form_names_the_site() -> None:
    assert {event["site_id"] for event in events("sdl")} == {"", "101"}


def test_a_cloud_event_carries_the_uid_of_what_is_in_it() -> None:
    for envelope in events("cloudevents"):
        assert envelope["id"] == envelope["data"]["metadata"]["uid"]
        assert envelope["specversion"] == "1.0"
        assert all(envelope[key] for key in ("source", "type", "subject", "time"))


def test_a_cut_edited_or_moved_event_breaks_the_chain_of_events() -> None:
    told = events("ocsf-1.9")
    assert broken(told) == []

    assert broken([told[0], *told[2:]]) == [1]
    assert broken([told[1], told[0], *told[2:]])
    assert broken([{**told[0], "message": "another"}, *told[1:]]) == [0]


def broken(told: list[Event]) -> list[int]:
    """Check the events as somebody would who has only them."""
    faults, previous = [], None
    for number, event in enumerate(told):
        [link] = event["attestation_list"]
        bare = {key: value for key, value in link.items() if key != "fingerprint"}
        own = hash_of(canonical({**event, "attestation_list": [bare]}))
        named = link.get("prev_event", {}).get("uid")
        if own != f"sha256:{link['fingerprint']['value']}" or named != previous:
            faults.append(number)
        previous = event["metadata"]["uid"]
    return faults


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [{}, {"principal": 1, "changes": 7, "intent": "x", "rules": 3}])
def test_a_record_of_a_foreign_form_is_exported_without_an_error(
    form: str, kind: str, data: Event
) -> None:
    records = journal([(kind, data)])

    assert json.dumps(list(exported(records, form)))


@pytest.mark.parametrize("time", ["yesterday", "2026-11-22T09:00:00"])
def test_a_time_that_cannot_be_read_is_no_time(time: str) -> None:
    record = replace(RECORDS[3], time=time)

    [(_, event), *_] = exported([record], "ocsf-1.8")

    assert (event["time"], event["metadata"]["original_time"]) == (0, time)


def test_a_principal_of_an_unknown_kind_has_no_address() -> None:
    data = outcome({"kind": "robot", "name": "r2"}, "applied", change())
    [(_, event)] = exported([replace(RECORDS[3], data=data | {"created_id": ""})], "ocsf-1.8")

    assert event["user"] == {"name": "r2", "type_id": 0, "type": "Unknown"}
