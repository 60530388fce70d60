"""What somebody asks of the record; what cannot be read is shown rather than hidden."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.audit.chain import Record
from reconciler.audit.query import Query
from reconciler.domain.names import PrincipalName

SINCE = datetime(2026, 11, 23, tzinfo=UTC)
ANA = PrincipalName.parse("ana@acme.example")


def record(time: str = "2026-11-23T09:00:00Z", data: Any = None) -> Record:
    return Record(1, time, "run", "intent", data or {}, "sha256:0")


@pytest.mark.parametrize(
    ("time", "is_shown"),
    [
        ("2026-11-23T00:00:00Z", True),
        ("2026-11-22T23:59:59Z", False),
        ("2026-11-23T00:30:00+01:00", False),
        ("2026-11-22T09:00:00", True),
        ("yesterday", True),
    ],
)
def test_a_time_that_cannot_be_read_is_shown(time: str, is_shown: bool) -> None:
    assert bool(Query(since=SINCE).select([record(time)])) is is_shown


@pytest.mark.parametrize(
    ("data", "is_shown"),
    [
        ({"principal": {"name": "ANA@acme.example"}}, True),
        ({"principal": {"name": "bo@acme.example"}}, False),
        ({"principal": {"name": 7}}, False),
        ({"principal": 7}, False),
        ({}, False),
    ],
)
def test_a_principal_is_asked_for_by_name(data: Any, is_shown: bool) -> None:
    assert bool(Query(principal=ANA).select([record(data=data)])) is is_shown
