"""What the stories of locks share: applies as processes, each with a journal of its own.

So it is not the journal that keeps them apart.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jsonschema
from stories.desk import PATIENCE, Told

from reconciler.resources import resource

WRITES = "POST|PUT|DELETE"
DONE = {
    "lena@acme.example": ["SOC Berlin"],
    "bo@acme.example": ["SOC Berlin"],
    "siem": ["Viewer Berlin", "Viewer Lyon"],
    "eve@acme.example": None,
}
APPLY = "apply --auto-approve --concurrency 1 --journal"
MAIN = "from reconciler.__main__ import main\nmain()\n"


def starter(desk: Any, end: Any) -> Callable[..., "subprocess.Popen[str]"]:
    """Start an apply with a journal of its own."""

    def _start(number: int, script: str = MAIN, **environ: str) -> "subprocess.Popen[str]":
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SENTINELONE_")}
        journal = desk.folder / f"{number}.jsonl"
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", script, *f"{APPLY} {journal}".split()],
            cwd=desk.folder,
            env=clean | desk.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        end(process)
        return process

    return _start


def ended(process: "subprocess.Popen[str]") -> Told:
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in out + err
    return Told(process.returncode, out, err)


def holds(desk: Any) -> dict[str, Any]:
    return {name: desk.holds(name) for name in DONE}


def killed_at_its_first_write(start: Any, proxy: Any, faults: Any, **options: Any) -> None:
    """Start number 0 and kill it when it is about to write."""
    started: list[Any] = []

    def kill() -> None:
        started[0].send_signal(signal.SIGKILL)
        started[0].wait(PATIENCE)

    proxy.when(faults.before(kill), method=WRITES)
    started.append(start(0, **options))
    said = started[0].communicate(timeout=PATIENCE)
    assert started[0].returncode == -signal.SIGKILL, said


def fit_the_schema(records: list[Any]) -> None:
    schema = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))
    judge = jsonschema.Draft202012Validator(schema)
    assert [error.message for record in records for error in judge.iter_errors(record)] == []


def takeovers(desk: Any, number: int) -> list[Any]:
    """What the journal of one run says about takeovers."""
    text = (desk.folder / f"{number}.jsonl").read_text(encoding="utf-8")
    desk_journal = desk.folder / ".reconciler"
    desk_journal.mkdir(exist_ok=True)
    (desk_journal / "journal.jsonl").write_text(text, encoding="utf-8")
    records = desk.journal()
    fit_the_schema(records)
    taken = [r["data"]["takeover"] for r in records if r["kind"] == "lock-taken-over"]
    started = next(record for record in records if record["kind"] == "run-started")
    assert [lock["takeover"] for lock in started["data"]["locks"] if lock["takeover"]] == taken
    return taken
