"""The socket side: where it listens, what time it is, and how it stops."""

import contextlib
import socket
from typing import cast
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.simulator.calls import timestamp
from reconciler.simulator.records import User
from reconciler.simulator.serve import running, wall_clock
from reconciler.simulator.world import World


def test_it_listens_on_loopback_and_tells_where() -> None:
    with running() as served:
        parts = urlsplit(served.url)
        assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
        assert parts.port


def test_a_change_is_dated_by_the_clock_on_the_wall(world: World) -> None:
    before = timestamp(wall_clock())
    with running(world) as served, httpx.Client(trust_env=False) as client:
        headers = {"Authorization": f"ApiToken {served.token}"}
        url = f"{served.url}/web/api/v2.1/users/1820000000000001025"
        assert client.delete(url, headers=headers).status_code == 200
        assert before <= served.changes[0].at <= timestamp(wall_clock())


def test_a_defect_is_answered_told_and_kept(world: World) -> None:
    """A record that is none stands for a defect: every listing of users stumbles over it."""
    kept: list[int] = []
    with running(world) as served:
        served.console.keep = lambda console: kept.append(len(console.requests))
        headers = {"Authorization": f"ApiToken {served.token}", "X-Simulator-Control": "yes"}
        served.world.users["1"] = cast("User", None)
        served.rehearse("503@7", "extra-field@*")
        with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as client:
            answers = [client.get("/web/api/v2.1/users"), client.get("/_simulator/world")]
            served.world.users.pop("1")
            assert client.get("/web/api/v2.1/users").status_code == 200
        for answer in answers:
            assert answer.status_code == 500
            (error,) = answer.json()["errors"]
            assert error["code"] == 5000010
            assert error["detail"].startswith("the simulator itself failed: ")
        first, second = served.log
        assert (first.index, first.status, first.faults) == (1, 500, ("internal-error",))
        assert second.index == 2
        assert [tally.missed for tally in served.rehearsal.schedule.tallies] == [0, 1]
        assert kept == [1, 1, 2]


def test_stopping_does_not_wait_for_half_a_request() -> None:
    with running() as served:
        port = urlsplit(served.url).port
        half = socket.create_connection(("127.0.0.1", port), timeout=120)
        half.sendall(b"PUT /web/api/v2.1/users/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        with httpx.Client(trust_env=False) as client:  # by its answer the first one has arrived
            assert client.get(served.url + "/web/api/v2.1/system/status").status_code == 200
    with half, contextlib.suppress(ConnectionResetError):
        assert half.recv(1) == b""


def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    with running() as served:
        port = urlsplit(served.url).port
        assert port
        with pytest.raises(OSError, match="in use"), running(port=port):
            pass


def test_answers_are_json_and_name_no_server() -> None:
    with running() as served, httpx.Client(trust_env=False) as client:
        answer = client.get(served.url + "/web/api/v2.1/users")
    assert answer.headers["content-type"] == "application/json"
    assert "server" not in answer.headers
