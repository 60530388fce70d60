"""Who looked at a run, as the journal keeps it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from builders import RELAXED, plan, user, world
from jsonschema import Draft202012Validator, ValidationError

from reconciler.audit import events
from reconciler.domain.review import Approval, Review
from reconciler.resources import resource

SCHEMA = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))
HEAD = "b" * 40
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
REVIEW = Review(trigger="push", commit="a" * 40, request="7")


def recorded(*approvals: Approval) -> Any:
    """Return the approvals in the start of a run, which the schema takes."""
    started = events.run_started(
        plan(world(user("10", "ana@acme.example")), guardrails=RELAXED),
        tool_version="1",
        actor="service:reconciler",
        review=replace(REVIEW, approvals=approvals),
    )
    told = started["review"]
    checked(told)
    return told["approvals"]


def checked(review: Any) -> None:
    schema = {"$ref": "#/$defs/review", "$defs": SCHEMA["$defs"]}
    Draft202012Validator(schema).validate(review)


def test_an_approval_is_kept_with_its_time_where_the_host_says_one() -> None:
    east = AT.astimezone(timezone(timedelta(hours=2)))

    assert recorded(Approval("bea", HEAD, AT), Approval("cho", ""), Approval("dan", "", east)) == [
        {"by": "bea", "commit": HEAD, "at": "2026-11-23T09:30:00Z"},
        {"by": "cho", "commit": ""},
        {"by": "dan", "commit": "", "at": "2026-11-23T09:30:00Z"},
    ]


@pytest.mark.parametrize("wrong", [1795424400, None, {}])
def test_a_time_that_is_none_is_no_record(wrong: Any) -> None:
    one = {"by": "bea", "commit": HEAD, "at": wrong}

    with pytest.raises(ValidationError):
        checked({"trigger": "push", "commit": "a" * 40, "approvals": [one]})
