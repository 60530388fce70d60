import gzip
import logging
import shutil
import socket
import subprocess
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.console import transport as module
from reconciler.console.answers import NoAnswerError, NotSentError
from reconciler.console.transport import Transport
from reconciler.errors import (
    ConsoleError,
    NotUnderstoodError,
    RefusedError,
    SettingsError,
    UnreachableError,
)
from reconciler.settings import ConsoleSettings

Address = Callable[[str], ConsoleSettings]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def until_blank_line(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError
        received += chunk


def say(*parts: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        until_blank_line(connection)
        for part in parts:
            connection.sendall(part)

    return talk


def packed(megabytes: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    zeros = b"0" * 2**20
    return b"".join(squeeze.compress(zeros) for _ in range(megabytes)) + squeeze.flush()


def test_one_request_carries_the_token_and_little_else(
    console: Any, address: Address, clock: Any
) -> None:
    console.on("POST", "/users", {"data": 1})
    with Transport(address(console.url), clock.monotonic) as transport:
        answer = transport.send("POST", "/users", None, {"data": {"email": "ü@acme.example"}})
    (request,) = console.requests
    assert answer.status == 200
    assert answer.body == b'{"data": 1}'
    assert request.body == {"data": {"email": "ü@acme.example"}}
    assert request.headers["authorization"] == f"ApiToken {console.token}"
    assert request.headers["accept-encoding"] == "gzip"
    assert set(request.headers) == {
        "accept", "accept-encoding", "authorization", "connection", "content-length",
        "content-type", "host", "user-agent",
    }  # fmt: skip


def test_a_packed_answer_is_unpacked(console: Any, address: Address, clock: Any) -> None:
    body = gzip.compress(b'{"data": []}')
    console.on("GET", "/users", (200, body, {"Content-Encoding": "GZip"}))
    with Transport(address(console.url), clock.monotonic) as transport:
        assert transport.send("GET", "/users").body == b'{"data": []}'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    new_console: Any, address: Address, clock: Any, status: int
) -> None:
    first, second = new_console(), new_console()
    first.on("GET", "/users", (status, b"", {"Location": f"{second.url}/web/api/v2.1/users"}))
    with Transport(address(first.url), clock.monotonic) as transport:
        assert transport.send("GET", "/users").status == status
    assert second.requests == []
    assert len(first.requests) == 1


@pytest.mark.parametrize("path", ["//127.0.0.1/x", "/users/../../x", "/users/%2e%2e", "http://x/"])
def test_no_path_opens_a_socket_elsewhere(
    raw_server: Any, address: Address, clock: Any, path: str
) -> None:
    server = raw_server(say(b""))
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(RefusedError),
    ):
        transport.send("GET", path)
    assert server.connections == 0


@pytest.mark.parametrize("tail", ["/x", "?x=", "#"])
@pytest.mark.parametrize("head", ["http://127.0.0.1:{port}", "http://user:pw@127.0.0.1:{port}"])
def test_an_origin_that_is_more_than_one_is_refused_before_any_socket(
    raw_server: Any, address: Address, clock: Any, head: str, tail: str
) -> None:
    server = raw_server(say(b""))
    origin = head.replace("{port}", str(server.port))
    origin += tail if "@" not in head else ""
    with (
        Transport(address(origin), clock.monotonic) as transport,
        pytest.raises(RefusedError, match="not sent") as refusal,
    ):
        transport.send("GET", "/users")
    assert refusal.value.remedy
    assert server.connections == 0


def test_cookies_are_not_kept(console: Any, address: Address, clock: Any) -> None:
    console.on("GET", "/users", (200, {}, {"Set-Cookie": "session=1; Path=/"}))
    with Transport(address(console.url), clock.monotonic) as transport:
        transport.send("GET", "/users")
        transport.send("GET", "/users")
    assert "cookie" not in console.requests[1].headers


@pytest.fixture
def steering_proxy(raw_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Set every variable that HTTP libraries listen to."""
    proxy = raw_server(say(b""))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))
    return proxy


def test_the_environment_changes_nothing(
    console: Any, steering_proxy: Any, address: Address, clock: Any, tmp_path: Path
) -> None:
    console.on("GET", "/users", {})
    with Transport(address(console.url), clock.monotonic) as transport:
        assert transport.send("GET", "/users").status == 200
    assert console.requests[0].headers["authorization"] == f"ApiToken {console.token}"
    assert steering_proxy.connections == 0
    assert not (tmp_path / "keys").exists()


def test_an_explicit_proxy_is_used(raw_server: Any, address: Address, clock: Any) -> None:
    asked: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    proxy = raw_server(talk)
    settings = replace(address("https://acme.sentinelone.net"), proxy=proxy.url)
    with (
        Transport(settings, clock.monotonic) as transport,
        pytest.raises(NotSentError, match="ProxyError"),
    ):
        transport.send("GET", "/users")
    assert asked[0].startswith(b"CONNECT acme.sentinelone.net:443 ")
    assert transport._token.reveal().encode() not in asked[0]


def test_a_ca_file_without_certificates_is_an_error(
    address: Address, clock: Any, tmp_path: Path
) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("nothing here")
    with pytest.raises(SettingsError, match="RECONCILER_CA_FILE"):
        Transport(replace(address("https://127.0.0.1:1"), ca_file=pem), clock.monotonic)


def dripping(*beginning: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        until_blank_line(connection)
        for part in beginning:
            connection.sendall(part)
        while True:
            connection.sendall(b"x")

    return talk


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param((OK, b"Content-Length: 999999999\r\n\r\n"), id="body"),
        pytest.param((OK, b"X-Long: "), id="headers"),
    ],
)
def test_a_dripping_answer_ends_with_the_time(
    raw_server: Any, address: Address, clock: Any, beginning: tuple[bytes, ...]
) -> None:
    server = raw_server(dripping(*beginning))
    clock.step = 10.0
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(NoAnswerError, match="ReadTimeout"),
    ):
        transport.send("GET", "/users")
    assert clock.seconds <= module.REQUEST_SECONDS + 2 * clock.step


def test_no_time_left_to_connect_or_to_write(raw_server: Any, address: Address, clock: Any) -> None:
    server = raw_server(say(OK, b"Content-Length: 0\r\n\r\n"))
    with Transport(address(server.url), clock.monotonic) as transport:
        clock.step = 61.0
        with pytest.raises(NotSentError, match="ConnectTimeout"):
            transport.send("GET", "/users")
        clock.step = 31.0
        with pytest.raises(NoAnswerError, match="WriteTimeout"):
            transport.send("GET", "/users")


BROKEN = {
    "no answer at all": (),
    "a cut status line": (b"HTTP/1.1 2",),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n",),
    "a cut body": (OK, b"Content-Length: 50\r\n\r\n", b'{"data": ['),
    "a cut chunk": (OK, b"Transfer-Encoding: chunked\r\n\r\n", b'10\r\n{"data"'),
    "a length that is no number": (OK, b"Content-Length: many\r\n\r\n", b"{}"),
    "two lengths": (OK, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n", b"{}"),
    "100,000 headers": (OK, b"X-A: b\r\n" * 100_000, b"\r\n"),
    "a cut packed body": (
        OK,
        b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n",
        gzip.compress(b'{"data": []}' * 9)[:20],
    ),
}


@pytest.mark.parametrize("parts", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_no_answer(
    raw_server: Any, address: Address, clock: Any, parts: tuple[bytes, ...]
) -> None:
    server = raw_server(say(*parts))
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(NoAnswerError) as failure,
    ):
        transport.send("GET", "/users")
    assert failure.value.remedy


OVER_LIMIT = {
    "headers": ((OK, b"X-A: b\r\n" * 201, b"Content-Length: 2\r\n\r\n{}"), "headers"),
    "coding": ((OK, b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}"), "coding"),
    "two codings": (
        (OK, b"Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}"),
        "coding",
    ),
    "not gzip": ((OK, b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), "not gzip"),
}


@pytest.mark.parametrize(("parts", "reason"), OVER_LIMIT.values(), ids=OVER_LIMIT.keys())
def test_an_answer_over_a_limit_is_not_understood(
    raw_server: Any, address: Address, clock: Any, parts: tuple[bytes, ...], reason: str
) -> None:
    server = raw_server(say(*parts))
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(NotUnderstoodError, match=reason),
    ):
        transport.send("GET", "/users")


def test_a_bomb_is_refused_in_little_memory(console: Any, address: Address, clock: Any) -> None:
    bomb = packed(200)
    assert len(bomb) < 2**20
    console.on("GET", "/users", (200, bomb, {"Content-Encoding": "gzip"}))
    with Transport(address(console.url), clock.monotonic) as transport:
        tracemalloc.start()
        try:
            with pytest.raises(NotUnderstoodError, match="when unpacked"):
                transport.send("GET", "/users")
            assert tracemalloc.get_traced_memory()[1] < 256 * 2**20
        finally:
            tracemalloc.stop()


def test_a_body_without_end_is_cut_off(raw_server: Any, address: Address, clock: Any) -> None:
    megabyte = b"100000\r\n" + b"0" * 2**20 + b"\r\n"
    parts = (OK, b"Transfer-Encoding: chunked\r\n\r\n", *[megabyte] * 40)
    server = raw_server(say(*parts))
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(NotUnderstoodError, match="bytes"),
    ):
        transport.send("GET", "/users")


def test_nobody_listening_means_nothing_was_sent(address: Address, clock: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        Transport(address(f"http://127.0.0.1:{port}"), clock.monotonic) as transport,
        pytest.raises(NotSentError, match="no connection"),
    ):
        transport.send("GET", "/users")


def test_an_answer_is_passed_on_unchanged_and_the_log_says_little(
    console: Any, address: Address, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    console.on("GET", "/users", (401, console.token.encode(), {"X-Echo": console.token}))
    with Transport(address(console.url), clock.monotonic) as transport:
        answer = transport.send("GET", "/users", {"email": "eve@acme.example"})
        assert console.token not in repr(vars(transport))
    assert answer.body == console.token.encode()
    assert console.token not in repr(answer)
    assert caplog.messages == [f"GET /users: 401, {len(answer.body)} bytes"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_only_a_trusted_certificate_gets_the_token(
    address: Address, clock: Any, tmp_path: Path, raw_server: Any
) -> None:
    import ssl  # noqa: PLC0415 - only this test speaks TLS

    key, pem = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key),
         "-out", str(pem), "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    received: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            received.append(secured.recv(65536))
            secured.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    server = raw_server(talk)
    settings = address(f"https://127.0.0.1:{server.port}")
    with (
        Transport(settings, clock.monotonic) as transport,
        pytest.raises(UnreachableError, match="not trusted") as refusal,
    ):
        transport.send("GET", "/users")
    assert not isinstance(refusal.value, NotSentError), "it would be tried again"
    assert received == []
    with Transport(replace(settings, ca_file=pem), clock.monotonic) as transport:
        assert transport.send("GET", "/users").body == b"{}"
    assert received[0].startswith(b"GET /web/api/v2.1/users HTTP/1.1\r\n")


def test_every_error_of_this_room_has_a_remedy(
    raw_server: Any, address: Address, clock: Any
) -> None:
    server = raw_server(say(b"garbage"))
    with (
        Transport(address(server.url), clock.monotonic) as transport,
        pytest.raises(ConsoleError) as failure,
    ):
        transport.send("GET", "/users")
    assert failure.value.remedy
    assert failure.value.__suppress_context__
