"""One line a request, and never a token in it."""

import io
import sys
from collections.abc import Callable

import httpx
import pytest

from reconciler.simulator.diary import tell
from reconciler.simulator.envelopes import Request
from reconciler.simulator.rehearsal import Rehearsal
from reconciler.simulator.serve import Running

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]


@pytest.fixture
def lines(console: Running) -> list[str]:
    """Every line that is told from now on."""
    told: list[str] = []
    console.rehearsal.diary.log = told.append
    return told


def test_a_line_has_instant_number_request_status_and_who(
    client: httpx.Client, open_client: OpenClient, lines: list[str]
) -> None:
    client.get("/users", params={"query": "secret-question"})
    open_client("").get("/users")
    assert lines == [
        '2026-11-23T09:00:00.000000Z 1 GET /web/api/v2.1/users 200 "reconciler"',
        "2026-11-23T09:00:00.000000Z 2 GET /web/api/v2.1/users 401 -",
    ]


def test_a_line_names_the_faults_that_took_effect(
    console: Running, client: httpx.Client, lines: list[str]
) -> None:
    console.rehearse("latency=0@1", "wrong-total@1", "reset-after@2", "cursor-loop@3")
    client.get("/users")
    with pytest.raises(httpx.ReadError):
        client.get("/users")
    client.get("/user")
    assert [line.split(" ", 1)[1] for line in lines] == [
        '1 GET /web/api/v2.1/users 200 "reconciler" wrong-total,latency',
        '2 GET /web/api/v2.1/users - "reconciler" reset-after',
        '3 GET /web/api/v2.1/user 200 "reconciler"',
    ]


def test_whoever_deletes_himself_is_named(
    acting_as: OpenClient, ids: Names, lines: list[str]
) -> None:
    acting_as("petra@acme.example").delete(f"/users/{ids('petra@acme.example')}")
    assert lines[0].endswith('200 "petra@acme.example"')


def test_a_line_is_one_line_whatever_is_asked(console: Running, lines: list[str]) -> None:
    path = "/web/api/v2.1/users/x\n2026 9 GET /fake\x1b[31m\u2028"
    console.rehearsal.perform(Request("GET", path))
    (line,) = lines
    assert line.isprintable()
    assert line.isascii()
    assert "%0A2026%209%20GET" in line


def test_a_token_is_never_told_wherever_it_stands(
    console: Running, client: httpx.Client, lines: list[str]
) -> None:
    client.get(f"/users/{console.token}")
    client.get("/users", params={"query": console.token})
    client.post("/users", json={"data": {"email": console.token}})
    client.put(f"/users/{console.token}/{console.token}")
    assert len(lines) == 4
    assert console.token not in "".join(lines)
    assert console.token not in "".join(map(repr, console.log))
    assert "/web/api/v2.1/users/*** " in lines[0]


def test_control_requests_are_not_told(
    console: Running, client: httpx.Client, lines: list[str]
) -> None:
    client.get(console.url + "/_simulator/")
    assert lines == []
    assert console.rehearsal.index == 0


def test_nobody_listens_to_a_closed_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    tell("anything")
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    tell("anything")
    assert heard.getvalue() == "anything\n"


def test_a_rehearsal_without_a_listener_keeps_its_diary(console: Running) -> None:
    rehearsal = Rehearsal(console.console)
    rehearsal.perform(Request("GET", "/web/api/v2.1/users"))
    assert [entry.status for entry in rehearsal.diary.entries] == [401]
