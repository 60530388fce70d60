"""The product run whole against a simulated console, in this process, to be cut off anywhere.

Nothing of the product is replaced. What is replaced is the network beneath httpx: a request is
handed to the simulator as a function call instead of through a socket, thirty times as fast. Faults
that damage bytes need the socket, see `Lab.served`.
"""

import contextlib
import io
import json
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from reliability import invariants
from reliability.nursery import Nursery
from reliability.worlds import NOW, Case

from reconciler.cli.main import run
from reconciler.settings import Runtime
from reconciler.simulator.calls import Change
from reconciler.simulator.envelopes import Request
from reconciler.simulator.history import copy_of
from reconciler.simulator.rehearsal import Rehearsal
from reconciler.simulator.scenario import parse
from reconciler.simulator.serve import open_console, running
from reconciler.simulator.world import World

WRITES = ("POST", "PUT", "DELETE")
OWN = "reconciler"


class Died(BaseException):
    """The process is gone: nobody catches this, and nothing happens after it."""


@dataclass
class Life:
    """One run, from start to end or death. Every step asks here whether it may still happen."""

    ends_at: int | None = None
    steps: int = 0
    is_over: bool = False
    last: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, what: str) -> None:
        """Count one step; the one at which life ends raises, and so do all that follow."""
        with self._lock:
            if not self.is_over:
                self.last = what
                self.is_over = self.steps == self.ends_at
                self.steps += 1
            if self.is_over:
                raise Died(what)


@dataclass(frozen=True)
class Told:
    """What a command said and how it ended; code None: it died."""

    code: int | None
    text: str


class Wire:
    """The network: a request goes straight to the console."""

    def __init__(self, lab: "Lab", life: Life) -> None:
        self._lab = lab
        self._life = life

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        asked = Request(
            request.method,
            request.url.path,
            request.url.query.decode(),
            tuple((k.lower(), v) for k, v in request.headers.items()),
            body,
        )
        call = f"{request.method} {request.url.path}"
        with self._lab.door:
            self._life.step(f"before {call}")
            self._lab.at_the_door(asked)
            answer = self._lab.rehearsal.perform(asked)
            self._lab.behind_the_door(asked)
            self._life.step(f"after {call}")
        if not answer.is_plain:
            raise httpx.ReadError("the connection broke", request=request)
        stream = httpx.ByteStream(answer.body)
        return httpx.Response(answer.status, headers=list(answer.content()), stream=stream)


class Lab:
    """A company, its console, its policies, and a journal."""

    def __init__(self, case: Case, folder: Path, token: str = "") -> None:
        self.case = case
        self.folder = folder
        self.instant: datetime = NOW
        self.seconds = 0.0
        self.door = threading.RLock()
        console = open_console(copy_of(case.world), lambda: self.instant)
        if token:
            console.new_token = lambda: token
        self.rehearsal = Rehearsal(console)
        self.token = console.mint_apply_token()
        self.url = "http://127.0.0.1:9"
        self.violations: list[str] = []
        self.command = ""
        self.life = Life()
        # One for all runs, as a process has one: click never forgets a stream it has written to.
        self._out = io.StringIO()
        for name, text in case.files.items():
            path = folder / "policies" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    @property
    def world(self) -> World:
        """The console's world, the ground truth."""
        return self.rehearsal.console.world

    @property
    def changes(self) -> list[Change]:
        """Everything that was changed on the console."""
        return self.rehearsal.console.changes

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.jsonl"

    def start_over(self) -> None:
        """Put the console back to where it began, and take a new journal."""
        self.rehearsal.begin_with(copy_of(self.case.world))
        self.rehearsal.arrange(parse({"faults": []}))
        for path in self.folder.iterdir():
            if path.is_dir() and path.name != "policies":
                shutil.rmtree(path)
            elif path.is_file() and not path.name.endswith(".saved"):
                path.unlink()

    def rehearse(self, *faults: Any, seed: int = 0) -> None:
        """Set faults as the simulator's scenarios spell them."""
        self.rehearsal.arrange(parse({"faults": list(faults), "seed": seed}))

    def records(self) -> list[dict[str, Any]]:
        """The whole lines of the journal."""
        if not self.journal.exists():
            return []
        lines = self.journal.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def tear(self, share: float) -> None:
        """Leave a part of a record at the journal's end, as a crash within a write does."""
        line = self.journal.read_bytes().split(b"\n")[-2] if self.records() else b'{"data":{}'
        with self.journal.open("ab") as file:
            file.write(line[: max(1, int(len(line) * share))])

    def run(self, command: str, *more: str, ends_at: int | None = None) -> Told:
        """Run one command line, whole or until it dies; its output is checked as it comes."""
        self.life = life = Life(ends_at)
        self.command = command
        # A process that dies gives its lock back; one that dies only here cannot.
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        runtime = Runtime(self._environ(), self._now(life), self._sleep(life), self._monotonic)
        arguments = [command, "--policies", str(self.folder / "policies"), *more]
        if command == "apply":
            arguments += ["--auto-approve", "--journal", str(self.journal)]
        out = self._out
        out.seek(0)
        out.truncate()
        code: int | None = None
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            self._network(life),
            contextlib.suppress(Died),
        ):
            code = run(arguments, runtime)
        told = Told(code, out.getvalue())
        self.violations += invariants.of_output(told.text, self.token, told.code)
        return told

    def at_the_door(self, asked: Request) -> None:
        """A request arrives: what must be true at this moment?"""
        if asked.method in WRITES:
            if self.command != "apply":
                self.violations.append(f"P8 {self.command} wrote: {asked.method} {asked.path}")
            self.violations += invariants.announced(asked, self.journal)

    def behind_the_door(self, asked: Request) -> None:
        """A request took effect: does every guardrail hold at this moment?"""
        if asked.method in WRITES:
            self.violations += invariants.floors(self.case, self.world)

    def _environ(self) -> dict[str, str]:
        return {
            "SENTINELONE_URL": self.url,
            "SENTINELONE_TOKEN": self.token,
            "RECONCILER_STATE": str(self.folder / "state"),
        }

    def _now(self, life: Life) -> Callable[[], datetime]:
        def now() -> datetime:
            life.step("the clock is read, as before every record")
            return self.instant

        return now

    def _sleep(self, life: Life) -> Callable[[float], None]:
        def sleep(seconds: float) -> None:
            life.step("a pause")
            self.seconds += seconds

        return sleep

    def _monotonic(self) -> float:
        return self.seconds

    @contextlib.contextmanager
    def _network(self, life: Life) -> Iterator[None]:
        """Put the wire where httpx's sockets are; loading certificates for none takes time."""
        wire = Wire(self, life)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                httpx.HTTPTransport, "handle_request", lambda _, r: wire.handle_request(r)
            )
            patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
            yield


class Served(Lab):
    """The same over real sockets, for faults that damage bytes and for processes."""

    nursery: Nursery

    @classmethod
    @contextlib.contextmanager
    def open(cls, case: Case, folder: Path, token: str = "") -> Iterator["Served"]:
        """Serve the console for the length of a `with` block."""

        async def at_once(_seconds: float) -> None:
            return None

        lab = cls(case, folder)
        world = copy_of(case.world)
        console = running(world, clock=lambda: lab.instant, sleep=at_once)
        with console as served, Nursery.open() as nursery:
            lab.nursery = nursery
            lab.rehearsal, lab.url, lab.token = served.rehearsal, served.url, served.token
            if token:
                served.console.new_token = lambda: token
                lab.token = served.console.mint_apply_token()
            yield lab

    @contextlib.contextmanager
    def _network(self, life: Life) -> Iterator[None]:  # noqa: ARG002 - as inherited
        yield
