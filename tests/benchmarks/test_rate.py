"""The rate promise: as fast as the console allows, and not one 429 (issue 5, item 1).

On demand: `python -m pytest -m benchmark tests/benchmarks/test_rate.py`; takes a good minute. The
console is a process of its own with the published limits and 100 ms latency; the product too.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from reconciler.simulator.records import Account, Grant, Role, ServiceUser, Site, User
from reconciler.simulator.throttle import LIMITS, longest_prefix
from reconciler.simulator.world import World, dump

PEOPLE = 1000
LATENCY = 0.1
FACTOR = 1.15
_SEEN = "2026-11-01T08:00:00.000000Z"

pytestmark = pytest.mark.benchmark


def company() -> World:
    """A thousand people who are Viewers on one site."""
    admin = Role("301", "Admin", predefined=True, permissions=("*",))
    viewer = Role("302", "Viewer", predefined=True, permissions=("*.view",))
    soc = Role("303", "SOC", predefined=True, permissions=("*.view",))
    people = {
        str(10_000 + n): User(
            str(10_000 + n),
            f"u{n}@acme.example",
            f"U {n}",
            "site",
            (Grant("201", "302"),),
            first_login=_SEEN,
            last_login=_SEEN,
        )
        for n in range(PEOPLE)
    }
    machine: dict[str, Any] = {"scope": "tenant", "uuid": "u", "created_by": "10000"}
    robot = ServiceUser("501", "reconciler", grants=(Grant("", "301"),), **machine)
    return World(
        accounts={"101": Account("101", "Acme")},
        sites={"201": Site("201", "Berlin", "101")},
        roles={role.id: role for role in (admin, viewer, soc)},
        users=people,
        service_users={"501": robot},
    )


def policy() -> str:
    members = ", ".join(f"u{n}@acme.example" for n in range(PEOPLE))
    return (
        f"version: 1\nassignments:\n- {{members: [{members}], role: SOC, sites: [Acme/Berlin]}}\n"
    )


def allowed(requests: Counter[str]) -> float:
    """Seconds that the published limits ask for so many requests: the slowest path decides."""
    return max((n - LIMITS[path][1]) / LIMITS[path][0] for path, n in requests.items())


def test_a_thousand_changed_users_take_what_the_limit_permits_and_cause_no_429(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "world.json").write_text(dump(company()))
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "access.yaml").write_text(policy())
    rules = "version: 1\nmax_revokes: 5000\nmax_revoke_fraction: 1.0\n"
    (tmp_path / "policies" / "guardrails.yaml").write_text(rules)
    served = ["--world", str(tmp_path / "world.json"), "--rate-limits", "--no-log"]
    served += ["--fault", f"latency={LATENCY}@*"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SENTINELONE_")}
    simulator = subprocess.Popen(
        [sys.executable, "-P", "-m", "reconciler.simulator", *served],
        stdout=subprocess.PIPE,
        text=True,
        env=clean,
    )  # fmt: skip
    try:
        assert simulator.stdout
        where = json.loads(simulator.stdout.readline())
        environment = clean | {
            "SENTINELONE_URL": where["url"],
            "SENTINELONE_TOKEN": where["token"],
            "RECONCILER_STATE": str(tmp_path / "state"),
        }
        before = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "reconciler", "apply", "--auto-approve"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        elapsed = time.monotonic() - before
        asked = Request(f"{where['url']}/_simulator/log", headers={"X-Simulator-Control": "yes"})  # noqa: S310 - loopback
        with urlopen(asked) as answer:  # noqa: S310 - loopback
            entries = json.load(answer)["entries"]
    finally:
        simulator.send_signal(signal.SIGTERM)
        simulator.communicate(timeout=120)
    paths = [entry["path"].removeprefix("/web/api/v2.1") for entry in entries]
    counted = Counter(prefix for path in paths if (prefix := longest_prefix(LIMITS, path)))
    wrote = [n for n, entry in enumerate(entries) if entry["method"] == "PUT"]
    moments = [datetime.fromisoformat(entries[n]["at"]) for n in (0, wrote[0], wrote[-1], -1)]
    first, put, last, end = moments
    # What the console sees; how fast a machine starts Python and makes a plan is not its limit's.
    taken = (end - first).total_seconds() + LATENCY
    refused = [entry for entry in entries if entry["status"] == 429]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{PEOPLE} users: {dict(counted)} in {taken:.1f} s from first to last, the limits "
            f"permit {allowed(counted):.1f} s (factor {taken / allowed(counted):.3f}); writing "
            f"{(last - put).total_seconds():.1f} s, the process as a whole {elapsed:.1f} s "
            f"(factor {elapsed / allowed(counted):.3f}); {len(refused)} times 429\n"
        )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr
    assert f"{PEOPLE} applied" in done.stdout
    assert refused == []
    assert taken <= FACTOR * allowed(counted)
