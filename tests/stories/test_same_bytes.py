"""The same inputs give the same bytes, whatever surrounds the run (T65)."""

import random
import re
from typing import Any

import pytest

MOMENT = re.compile(rb'"(instant|seal)": "[^"]*"')
"""What a real clock puts into a plan, and the seal over it."""
PLACES = [("UTC", "C"), ("Asia/Kathmandu", "tr_TR.UTF-8"), ("America/St_Johns", "C.UTF-8")]


def runs(desk: Any, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Plan in processes of their own, with files, console and surroundings in other orders."""
    files = {
        "access.yaml": (desk.folder / "policies" / "access.yaml").read_text(),
        "guardrails.yaml": (desk.folder / "policies" / "guardrails.yaml").read_text(),
        "z/more.yaml": "version: 1\ngroups:\n  g: [mia@acme.example]\n",
        "a/more.yaml": "version: 1\nassignments:\n"
        "  - {members: [group:g], role: Viewer, sites: [Acme/*]}\n",
    }
    world = desk.console.world
    found = set()
    for seed in range(count):
        chance = random.Random(seed)  # noqa: S311 - an order, no secret
        zone, locale = PLACES[seed % len(PLACES)]
        monkeypatch.setenv("PYTHONHASHSEED", str(seed))
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("LC_ALL", locale)
        for name in files:
            (desk.folder / "policies" / name).unlink(missing_ok=True)
        for name in chance.sample(sorted(files), len(files)):
            desk.write(name, files[name])
        for records in (world.users, world.service_users, world.roles, world.sites):
            shuffled = chance.sample(list(records.items()), len(records))
            records.clear()
            records.update(shuffled)
        told = desk.process("plan", "--out", f"{seed}.json")
        assert told.code == 0, told.text
        found.add(MOMENT.sub(b"", (desk.folder / f"{seed}.json").read_bytes()))
    assert len(found) == 1
    assert b"group:g" not in found.pop()


def test_eight_runs_give_the_same_bytes(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(desk, monkeypatch, 8)


@pytest.mark.weekly
def test_thirty_two_runs_give_the_same_bytes(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(desk, monkeypatch, 32)
