"""Every kind of fault on the socket: the raw bytes that a plain client sees, and what was done."""

import contextlib
import gzip
import json
import socket
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.envelopes import Request
from reconciler.simulator.faults import Fault
from reconciler.simulator.instead import answer_instead
from reconciler.simulator.serve import Running, running
from reconciler.simulator.world import World

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATH = "/web/api/v2.1/users?limit=3"
VICTIM = "/web/api/v2.1/users/1820000000000001025"


@dataclass(frozen=True)
class Seen:
    """What a client sees until the connection ends."""

    raw: bytes
    ending: str

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def declared(self) -> int:
        return int(self.headers["content-length"])


Ask = Callable[..., Seen]


@pytest.fixture
def naps() -> list[float]:
    """How long the server would have waited, wait by wait."""
    return []


@pytest.fixture
def sleep(naps: list[float]) -> Callable[[float], Awaitable[None]]:
    async def nap(seconds: float) -> None:
        naps.append(seconds)

    return nap


@pytest.fixture
def console(world: World, sleep: Callable[[float], Awaitable[None]]) -> Iterator[Running]:
    with running(world, clock=lambda: NOW, sleep=sleep) as served:
        yield served


def connect(console: Running, method: str, path: str) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", urlsplit(console.url).port or 0), timeout=120)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:1234",
             f"Authorization: ApiToken {console.token}", "Connection: close", "", ""]  # fmt: skip
    link.sendall("\r\n".join(lines).encode())
    return link


@pytest.fixture
def ask(console: Running) -> Ask:
    def send(method: str = "GET", path: str = PATH) -> Seen:
        with connect(console, method, path) as link:
            return read_all(link)

    return send


def read_all(link: socket.socket) -> Seen:
    raw = b""
    try:
        while chunk := link.recv(65536):
            raw += chunk
    except ConnectionResetError:
        return Seen(raw, "reset")
    return Seen(raw, "end")


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_an_error_of_the_console_is_in_its_envelope(
    console: Running, ask: Ask, status: int
) -> None:
    console.rehearse(f"{status}@1")
    seen = ask()
    assert seen.status == status
    assert seen.headers["content-type"] == "application/json"
    assert json.loads(seen.body)["errors"][0]["code"] == status * 10000 + 10
    assert ask().status == 200


@pytest.mark.parametrize(
    ("text", "status", "retry_after"),
    [
        ("429@1", 429, None),
        ("429=30@1", 429, "30"),
        ("429=date@1", 429, "Mon, 23 Nov 2026 09:00:00 GMT"),
        ("429=date+90@1", 429, "Mon, 23 Nov 2026 09:01:30 GMT"),
        ("502@1", 502, None),
        ("503@1", 503, None),
        ("503=5@1", 503, "5"),
        ("504@1", 504, None),
    ],
)
def test_an_error_of_the_gateway_is_a_page(
    console: Running, ask: Ask, text: str, status: int, retry_after: str | None
) -> None:
    console.rehearse(text)
    seen = ask()
    assert seen.status == status
    assert seen.headers["content-type"] == "text/html"
    assert seen.headers.get("retry-after") == retry_after
    assert b"<hr><center>nginx</center>" in seen.body


@pytest.mark.parametrize(
    ("text", "status", "target"),
    [
        ("301@1", 301, "http://127.0.0.1:1234" + PATH),
        ("302=same@1", 302, "http://127.0.0.1:1234" + PATH),
        ("307=port@1", 307, "http://127.0.0.1:1235" + PATH),
        ("308=host@1", 308, "http://console.invalid" + PATH),
        ("302=http://127.0.0.1:9/x@1", 302, "http://127.0.0.1:9/x"),
    ],
)
def test_a_redirect_leads_elsewhere(
    console: Running, ask: Ask, text: str, status: int, target: str
) -> None:
    console.rehearse(text)
    seen = ask()
    assert (seen.status, seen.headers["location"], seen.body) == (status, target, b"")


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("[::1]:65535", "http://[::1]:1/x"),
        ("console.example", "http://console.example:81/x"),
        ("x:port", "http://127.0.0.1:81/x"),
        ("[", "http://127.0.0.1:81/x"),
        ("a\tb", "http://127.0.0.1:81/x"),
        ("", "http://127.0.0.1:81/x"),
    ],
)
def test_a_redirect_is_an_address_whatever_the_host_header_says(host: str, target: str) -> None:
    request = Request("GET", "/x", headers=(("host", host),))
    delivery = answer_instead(Fault("302", "port"), request, NOW)
    assert delivery.headers == (("location", target),)


def test_a_page_and_nothing_at_all_come_with_200(console: Running, ask: Ask) -> None:
    console.rehearse("html@1", "empty@2")
    page, nothing = ask(), ask()
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert (nothing.status, nothing.declared, nothing.body) == (200, 0, b"")


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("reset-before", "reset"), ("close-before", "end"),
        ("reset-after", "reset"), ("close-after", "end"),
    ],
)  # fmt: skip
def test_not_a_byte_comes_back(console: Running, ask: Ask, kind: str, ending: str) -> None:
    console.rehearse(f"{kind}@DELETE /users/*")
    assert ask("DELETE", VICTIM) == Seen(b"", ending)
    assert len(console.changes) == (1 if kind.endswith("after") else 0)
    assert ask().status == 200


INSTEAD = sorted(name for name, kind in KINDS.items() if kind.stage == "instead")


@pytest.mark.parametrize("kind", INSTEAD)
def test_an_answer_in_place_of_the_console_s_means_nothing_was_done(
    console: Running, ask: Ask, kind: str
) -> None:
    console.rehearse(f"{kind}=1@1" if kind == "late" else f"{kind}@1")
    ask("DELETE", VICTIM)
    assert console.changes == []


@pytest.mark.parametrize("kind", [each for each in INSTEAD if each != "late"])
def test_with_effect_it_was_done_all_the_same(console: Running, ask: Ask, kind: str) -> None:
    console.rehearse(f"{kind}+effect@1")
    seen = ask("DELETE", VICTIM)
    assert [change.path for change in console.changes] == [VICTIM]
    assert seen.raw == b"" or seen.status == (200 if kind in {"html", "empty"} else int(kind))


def test_a_body_is_cut_in_half(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("truncated@1", "truncated-no-length@2", "truncated-chunked@3")
    with_length, without, chunked = ask(), ask(), ask()
    assert with_length.declared == whole.declared
    assert with_length.body == without.body == half(whole.body)
    assert "content-length" not in without.headers
    assert without.headers["connection"] == "close"
    assert chunked.headers["transfer-encoding"] == "chunked"
    size, _, chunk = chunked.body.partition(b"\r\n")
    assert (int(size, 16), chunk) == (len(whole.body), half(whole.body))


def test_the_declared_length_is_wrong(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("length-too-long@1", "length-too-short=7@2", "length-too-short=99999@3")
    long, short, nothing = ask(), ask(), ask()
    assert (long.declared, long.body) == (len(whole.body) + 10, whole.body)
    assert (short.declared, short.body) == (len(whole.body) - 7, whole.body)
    assert (nothing.declared, nothing.body) == (0, whole.body)


def test_gzip_that_is_bad_or_none_at_all(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("bad-gzip@1", "not-gzip@2")
    bad, none = ask(), ask()
    assert bad.headers["content-encoding"] == none.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(bad.body)
    assert none.body == whole.body


def test_a_bomb_is_small_and_unpacks_to_what_it_says(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("gzip-bomb=20@1")
    bomb = ask()
    assert bomb.headers["content-encoding"] == "gzip"
    assert len(bomb.body) == bomb.declared < 200_000
    unpacked = zlib.decompress(bomb.body, wbits=16 + zlib.MAX_WBITS)
    assert len(unpacked) == 20 * 2**20 + len(whole.body)
    assert unpacked.endswith(whole.body)


def test_what_comes_is_no_http(console: Running, ask: Ask) -> None:
    console.rehearse("not-http@1")
    assert ask().raw.startswith(b"\x15\x03\x01")
    console.rehearse("not-http@1")
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get(console.url + PATH)


def test_latency_waits_after_the_effect(console: Running, ask: Ask, naps: list[float]) -> None:
    console.rehearse("latency=30@1", "latency=0.5@1", "503@2", "latency@2")
    assert ask("DELETE", VICTIM).status == 200
    assert naps == [30.5]
    assert ask().status == 503
    assert naps == [30.5, 5]


def test_a_drip_comes_byte_by_byte(console: Running, ask: Ask, naps: list[float]) -> None:
    whole = ask()
    console.rehearse("drip=0.25@1")
    drip = ask()
    assert drip.body == whole.body
    assert naps == [0.25] * len(drip.raw)


def test_a_drip_ends_when_the_client_leaves(console: Running, naps: list[float]) -> None:
    console.rehearse("drip@1")
    with connect(console, "GET", "/web/api/v2.1/users?limit=1000") as link:
        assert link.recv(1) == b"H"
    with httpx.Client(trust_env=False) as client:
        assert client.get(console.url + PATH).status_code == 401
    assert all(nap == 0.05 for nap in naps)


def test_a_stall_keeps_the_connection_and_says_no_more(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("stall@1")
    with connect(console, "GET", PATH) as link:
        raw = b""
        while Seen(raw, "").body != half(whole.body):
            raw += link.recv(65536)
        assert ask().status == 200  # by its answer, all that was to be sent has been sent
        link.settimeout(0)
        with pytest.raises(BlockingIOError):
            link.recv(1)


def test_stopping_does_not_wait_for_a_stall_or_for_latency(world: World) -> None:
    with running(world) as served:
        served.rehearse("stall@1", "latency=3600@2")
        links = [connect(served, "GET", PATH) for _ in range(2)]
        with httpx.Client(trust_env=False) as client:
            while len(served.log) < 2:
                client.get(served.url + "/_simulator/")
    for link in links:
        link.close()


def test_a_reset_in_the_middle(console: Running, ask: Ask) -> None:
    whole = ask()
    console.rehearse("reset-midway@1")
    seen = ask()
    assert seen.ending == "reset"
    assert seen.body == half(whole.body)


def test_refused_connections_are_counted(console: Running, ask: Ask) -> None:
    console.rehearse("refuse=2@1")
    assert ask().status == 200
    with pytest.raises(ConnectionResetError):
        ask_or_raise(console)
    with pytest.raises(ConnectionResetError):
        ask_or_raise(console)
    assert ask().status == 200


def ask_or_raise(console: Running) -> None:
    with connect(console, "GET", PATH) as link:
        if not link.recv(1):
            raise ConnectionResetError


def test_a_slow_reader_gets_the_half_before_the_reset(console: Running) -> None:
    """More than the buffers of both sides hold, read only once the answer is on its way."""
    console.rehearse("extra-field=" + "x" * 40_000 + "@1", "reset-midway@1")
    path = "/web/api/v2.1/users?limit=1000"
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with link:
        link.connect(("127.0.0.1", urlsplit(console.url).port or 0))
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: ApiToken {console.token}"
                     "\r\n\r\n".encode())  # fmt: skip
        seen = read_all(link)
    assert seen.ending == "reset"
    assert len(seen.body) == seen.declared // 2 > 10**6


def test_a_reset_does_not_wait_for_a_client_that_left(console: Running, ask: Ask) -> None:
    console.rehearse("extra-field=" + "x" * 40_000 + "@1", "reset-midway@1")
    with connect(console, "GET", "/web/api/v2.1/users?limit=1000") as link:
        assert link.recv(1)
    assert ask().status == 200


def test_every_answer_has_the_date_of_the_clock(console: Running, ask: Ask) -> None:
    console.rehearse("503@2", "302@3", "truncated@4", clock="2030-01-01T01:00:00+01:00")
    paths = [PATH] * 4 + ["/nowhere", "/_simulator/"]
    dates = {ask("GET", path).headers["date"] for path in paths}
    assert dates == {"Tue, 01 Jan 2030 00:00:00 GMT"}


def test_an_answer_without_a_fault_keeps_the_connection(console: Running) -> None:
    console.rehearse("503@1", "nan@2", "latency@3", "gzip-bomb=1@4")
    connection = HTTPConnection(urlsplit(console.url).netloc, timeout=120)
    with contextlib.closing(connection):
        links = set()
        for _ in range(5):
            connection.request("GET", PATH, headers={"Authorization": f"ApiToken {console.token}"})
            assert connection.getresponse().read()
            links.add(connection.sock)
    assert len(links) == 1


def test_faults_of_several_stages_meet(console: Running, ask: Ask, naps: list[float]) -> None:
    console.rehearse("latency=3@1", "wrong-total=5@1", "truncated-no-length@1")
    whole = ask("GET", PATH)
    assert naps == [3]
    assert whole.headers["connection"] == "close"
    assert console.log[0].faults == ("wrong-total", "latency", "truncated-no-length")


def test_a_server_full_of_faults_writes_no_traceback(
    console: Running, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    skipped = {"stall", "change", "refuse"}
    faults: list[Any] = [name for name in KINDS if name not in skipped]
    console.rehearse(*(f"{name}@{number}" for number, name in enumerate(faults, 1)))
    for _ in faults:
        ask()
    assert caplog.records == []
    assert [entry.index for entry in console.log if entry.index] == [*range(1, len(faults) + 1)]
