"""What leaves this machine, and what may come back."""

import contextlib
import json
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from reconciler.forge import http
from reconciler.forge.base import ForgeError
from reconciler.forge.http import ApiAddress, UnansweredError, UnsentError, Wire

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.fixture
def wire(wall_address: ApiAddress, clock: Any) -> Iterator[Wire]:
    with contextlib.closing(Wire(wall_address, clock.monotonic)) as found:
        yield found


def secret_of(address: ApiAddress) -> str:
    return address.token.reveal()


def test_one_request_carries_the_token_and_little_else(
    wire: Wire, wall: Any, wall_address: ApiAddress
) -> None:
    wall.say(201, {"id": 1})

    answer = wire.send("POST", f"{wall_address.url}/x", {"body": "ä \ud83d"})

    [heard] = wall.heard
    assert (heard.method, heard.target) == ("POST", "/api/v3/x")
    assert heard.json == {"body": "ä \ud83d"}
    assert set(heard.headers) == {
        "host", "accept", "accept-encoding", "authorization", "connection", "content-length",
        "content-type", "user-agent",
    }  # fmt: skip
    assert heard.headers["authorization"] == f"Bearer {secret_of(wall_address)}"
    assert heard.headers["accept-encoding"] == "identity"
    assert heard.headers["user-agent"].startswith("sentinelone-reconciler/")
    assert (answer.status, json.loads(answer.body)) == (201, {"id": 1})


def test_the_environment_and_cookies_change_nothing(
    wall: Any, wall_address: ApiAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "NETRC"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    wall.say(200, [], {"Set-Cookie": "session=1; Path=/"})
    wall.say(200, [])
    with contextlib.closing(Wire(wall_address, lambda: 0.0)) as other:
        other.send("GET", f"{wall_address.url}/x")
        other.send("GET", f"{wall_address.url}/x")
    assert ["cookie" in heard.headers for heard in wall.heard] == [False, False]


def test_a_redirect_is_an_answer_like_another(
    wire: Wire, wall: Any, wall_address: ApiAddress
) -> None:
    wall.say(302, b"", {"Location": f"{wall.url}/api/v3/elsewhere"})
    assert wire.send("GET", f"{wall_address.url}/x").status == 302
    assert len(wall.heard) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/v3/x",
        "{wall}/x",
        "{wall}/api/v3",
        "{wall}/api/v3evil/x",
        "{wall}/api/v3/../x",
        "{wall}/api/v3/%2e%2e/x",
        "{wall}/api/v3/a/%2E/x",
        "http://user@127.0.0.1:{port}/api/v3/x",
        "http://127.0.0.1:1/api/v3/x",
        "{wall}/api/v3/\x00",
        "",
        "//evil.example/api/v3/x",
    ],
)
def test_nothing_is_sent_outside_of_the_api(wire: Wire, wall: Any, url: str) -> None:
    port = wall.url.rpartition(":")[2]
    with pytest.raises(ForgeError, match="nothing was sent"):
        wire.send("GET", url.format(wall=wall.url, port=port))
    assert wall.heard == []


def test_a_slash_within_a_name_stays_within_it(
    wire: Wire, wall: Any, wall_address: ApiAddress
) -> None:
    wall.say(200, [])
    wire.send("GET", f"{wall_address.url}/labels/a%2Fb%20c?x=%2F")
    assert wall.heard[0].target == "/api/v3/labels/a%2Fb%20c?x=%2F"


@pytest.mark.parametrize(
    "url", ["http://storage.example/x?sig=1", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/x", "/x"]
)
def test_an_archive_is_not_asked_for_without_encryption(wire: Wire, url: str) -> None:
    with pytest.raises(ForgeError, match="not https") as told:
        wire.fetch(url, "GET /zip")
    assert "sig=1" not in told.value.message


def drip(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 1000000000\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"x")


def test_a_dripping_answer_ends_with_the_time(wall: Any, wall_address: ApiAddress) -> None:
    ticks = count(0.0, 10.0)
    wall.script.append(drip)
    with (
        contextlib.closing(Wire(wall_address, lambda: next(ticks))) as wire,
        pytest.raises(UnansweredError, match="ReadTimeout"),
    ):
        wire.send("GET", f"{wall_address.url}/x")


@pytest.mark.parametrize(
    "said",
    [b"", b"garbage\r\n\r\n", OK, OK + b"Content-Length: 9\r\n\r\nhalf", b"HTTP/1.1 200 OK\r\nX"],
)
def test_a_broken_answer_is_none(
    wire: Wire, wall: Any, wall_address: ApiAddress, said: bytes
) -> None:
    wall.script.append(said)
    with pytest.raises(UnansweredError, match="no whole answer to GET /api/v3/x") as told:
        wire.send("GET", f"{wall_address.url}/x")
    assert told.value.remedy
    assert told.value.__suppress_context__


def test_nobody_listening_means_nothing_was_sent(wall_address: ApiAddress) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    gone = replace(wall_address, url=f"http://127.0.0.1:{port}")
    with (
        contextlib.closing(Wire(gone, lambda: 0.0)) as other,
        pytest.raises(UnsentError, match="no connection for GET /x"),
    ):
        other.send("GET", f"{gone.url}/x")


def test_an_answer_over_the_limit_is_cut_off(
    wire: Wire, wall: Any, wall_address: ApiAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    wall.say(200, b"x" * 1000)
    wall.say(200, b"x" * 1001)
    assert len(wire.send("GET", f"{wall_address.url}/x").body) == 1000
    with pytest.raises(ForgeError, match="longer than 1000 bytes"):
        wire.send("GET", f"{wall_address.url}/x")


def test_a_packed_answer_is_refused(wire: Wire, wall: Any, wall_address: ApiAddress) -> None:
    wall.say(200, b"x", {"Content-Encoding": "gzip"})
    with pytest.raises(ForgeError, match="packed"):
        wire.send("GET", f"{wall_address.url}/x")


def test_neither_texts_nor_the_log_hold_the_token(
    wire: Wire, wall: Any, wall_address: ApiAddress, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = replace(wall_address, proxy="http://user:password@proxy.example:3128")
    wall.say(200, secret_of(address).encode())

    answer = wire.send("GET", f"{wall_address.url}/x?secret=query")

    assert secret_of(address) not in repr(answer) + repr(address)
    assert "password" not in repr(address)
    said = f"GET /api/v3/x: 200, {len(secret_of(address))} bytes"
    assert [record.getMessage() for record in caplog.records] == [said]


def test_a_proxy_is_used_only_where_it_is_named(wall: Any, wall_address: ApiAddress) -> None:
    wall.say(200, [])
    address = replace(wall_address, url="http://api.example/v3", proxy=wall.url)
    with contextlib.closing(Wire(address, lambda: 0.0)) as wire:
        wire.send("GET", "http://api.example/v3/x")
    assert wall.heard[0].target == "http://api.example/v3/x"


def certificate(folder: Path) -> Callable[[socket.socket], None]:
    """Make a certificate of its own and return what answers with it."""
    key, pem = folder / "key.pem", folder / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key),
         "-out", str(pem), "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65_536)
            secured.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    return talk


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_only_a_trusted_certificate_gets_the_token(
    wall_address: ApiAddress, bare_server: Any, tmp_path: Path
) -> None:
    url = bare_server(certificate(tmp_path))
    address = replace(wall_address, url=url)
    with contextlib.closing(Wire(address, lambda: 0.0)) as wire:
        with pytest.raises(ForgeError, match="not trusted") as told:
            wire.send("GET", f"{url}/x")
        assert not isinstance(told.value, UnsentError), "it would be tried again"
    trusting = replace(address, ca_file=tmp_path / "ca.pem")
    with contextlib.closing(Wire(trusting, lambda: 0.0)) as wire:
        assert wire.send("GET", f"{url}/x").body == b"{}"
