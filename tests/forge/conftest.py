"""Code hosts that are being served, a socket that says what it is told to, and a clock."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from codehost import github

from reconciler.forge.api import Api
from reconciler.forge.base import Forge
from reconciler.forge.choice import open_forge
from reconciler.forge.http import ApiAddress
from reconciler.settings import Token

CANARY = "ghs_canary4711secret"
DATE = "Mon, 23 Nov 2026 09:00:00 GMT"
"""What every scripted answer says in `Date`; 1795424400 in seconds."""


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Heard:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Part = bytes | Callable[[socket.socket], None]


class Socket:
    """Answers each connection with the next thing of `script`; then hangs up at once."""

    def __init__(self) -> None:
        self.script: list[Part] = []
        self.heard: list[Heard] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(
        self, status: int, content: Any = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Let the next answer be this; content that is not bytes is sent as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        told = {"Date": DATE, "Content-Length": str(len(body)), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.script.append(
            f"HTTP/1.1 {status} X\r\n{lines}Connection: close\r\n\r\n".encode() + body
        )

    def close(self) -> None:
        with socket.create_connection(self._listener.getsockname()):
            self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                if self._listener.fileno() == -1:
                    return
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection.makefile("rb") as reader:
            first = reader.readline().decode().split()
            headers = {}
            while line := reader.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = reader.read(int(headers.get("content-length", 0)))
        if len(first) < 2:
            return
        self.heard.append(Heard(first[0], first[1], headers, body))
        part = self.script.pop(0) if self.script else b""
        if callable(part):
            part(connection)
        else:
            connection.sendall(part)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wall() -> Iterator[Socket]:
    found = Socket()
    yield found
    found.close()


@pytest.fixture
def wall_address(wall: Socket) -> ApiAddress:
    return ApiAddress(
        name="GitHub",
        url=f"{wall.url}/api/v3",
        token=Token(CANARY),
        token_header=("Authorization", "Bearer "),
        headers={"Accept": "application/json"},
        remedy="Give the job `permissions: {needs}`.",
    )


@pytest.fixture
def wall_api(wall_address: ApiAddress, clock: Clock) -> Iterator[Api]:
    with Api(wall_address, clock.monotonic, clock.sleep) as found:
        yield found


@pytest.fixture
def hub() -> Iterator[github.GitHub]:
    with github.running() as host:
        yield host


Opener = Callable[..., Forge]


@pytest.fixture
def open_hub(hub: github.GitHub, clock: Clock) -> Iterator[Opener]:
    """Open the host as a job with these permissions, and more of the environment if given."""
    with ExitStack() as stack:

        def opened(permissions: Mapping[str, str], **more: str) -> Forge:
            environ = {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": hub.api,
                "GITHUB_REPOSITORY": hub.world.repository,
                "GITHUB_TOKEN": hub.world.actions_token(permissions),
                **more,
            }
            forge = stack.enter_context(open_forge(environ, clock.monotonic, clock.sleep))
            assert forge is not None
            return forge

        yield opened


@pytest.fixture
def bare_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serve whatever talks to connections itself, over TLS; the address begins with https."""
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(talk: Callable[[socket.socket], None]) -> str:
        def loop() -> None:
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    if stopped.is_set():
                        return
                    connection.settimeout(10)
                    talk(connection)

        threads.append(threading.Thread(target=loop, daemon=True))
        threads[-1].start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    stopped.set()
    for thread in threads:
        socket.create_connection(listener.getsockname()).close()
        thread.join(10)
    listener.close()
