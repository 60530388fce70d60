"""What an undo may not bring back: what was for a time, what wants a reason, and who has left."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

BO, EVE = "bo@acme.example", "eve@acme.example"
HEAD = """\
version: 1
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
  - {members: [service:reconciler-plan], role: Viewer, tenant: true}
"""
BO_VIEWS = "  - {members: [bo@acme.example], role: Viewer, sites: [Acme/Berlin]}\n"
RELAXED = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\n"
STRICT = (
    f"{RELAXED}privileged:\n"
    "  - {roles: [Admin], max_duration: 8h, require_reason: true, standing: allow}\n"
)


def admin(desk: Any, **time: float) -> str:
    """Bo is Admin of Berlin for some time from now, for a reason."""
    until = (desk.clock.instant + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")
    start = desk.clock.instant.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        "  - {members: [bo@acme.example], role: Admin, sites: [Acme/Berlin], "
        f"from: {start}, until: {until}, reason: INC-1}}\n"
    )


def applied(desk: Any, *assignments: str) -> str:
    """Apply what the policies say now; return the name of the run."""
    if assignments:
        desk.write("access.yaml", HEAD + "".join(assignments))
    told = desk.run("apply", "--auto-approve")
    assert told.code == 0, told.text
    run: str = desk.journal()[-1]["run"]
    return run


@pytest.fixture
def strict(desk: Any) -> Any:
    desk.write("guardrails.yaml", STRICT)
    return desk


def test_the_undo_of_a_closing_gives_nothing_back_for_good(strict: Any) -> None:
    applied(strict, BO_VIEWS, admin(strict, hours=2))
    assert strict.holds(BO) == ["Admin Berlin"]
    strict.clock.passes(hours=3)
    run = applied(strict)
    assert strict.holds(BO) == ["Viewer Berlin"]

    told = strict.run("plan", "--undo", run)

    assert f"{BO} held nothing before that could be given again, or held it for a time that" in (
        " ".join(told.out.split())
    )
    assert told.out.splitlines()[-1].startswith("No changes.")
    assert not list(Path(strict.folder, ".reconciler").glob(f"undo/{run}*"))


def test_a_journal_that_tells_no_ends_still_tells_that_a_window_closed(strict: Any) -> None:
    """As one of the first version: the reason of the change is all there is."""
    applied(strict, BO_VIEWS, admin(strict, hours=2))
    (strict.folder / ".reconciler" / "journal.jsonl").unlink()
    strict.clock.passes(hours=3)
    run = applied(strict)

    told = strict.run("plan", "--undo", run)

    assert "+ grant" not in told.out
    assert strict.run("apply", f".reconciler/undo/{run}.plan.json", "--auto-approve").code != 0


def test_what_was_taken_early_comes_back_until_its_own_end_and_not_after_it(strict: Any) -> None:
    applied(strict, BO_VIEWS, admin(strict, hours=4))
    strict.write("guardrails.yaml", RELAXED)
    run = applied(strict, BO_VIEWS)
    assert strict.holds(BO) == ["Viewer Berlin"]

    early = strict.run("plan", "--undo", run)
    strict.clock.passes(hours=5)
    late = strict.run("plan", "--undo", run)

    assert "+ grant  Admin" in early.out
    assert "until 2026-11-23T13:00:00Z" in early.out
    assert "+ grant" not in late.out


def test_no_invented_reason_satisfies_a_guardrail(strict: Any) -> None:
    strict.write("guardrails.yaml", RELAXED)
    for_good = "  - {members: [bo@acme.example], role: Admin, sites: [Acme/Berlin]}\n"
    applied(strict, for_good)
    run = applied(strict, BO_VIEWS)
    strict.write("guardrails.yaml", STRICT)

    told = strict.run("plan", "--undo", run, "--out", "undo.json")

    assert told.code == 3
    assert "would get Admin on Acme/Berlin without a reason" in told.out
    assert "revert the policies instead" in told.out
    notes = [
        change["note"]
        for operation in json.loads((strict.folder / "undo.json").read_text())["operations"]
        for change in operation["changes"]
    ]
    assert notes == [None, None]


def parked_eve(desk: Any) -> str:
    """Park a leaver, and change Bo in the same run; return its name."""
    desk.write("guardrails.yaml", RELAXED.replace("delete", "{role: Viewer, site: Acme/Lyon}"))
    desk.write(
        "access.yaml", HEAD + BO_VIEWS.replace("Viewer", "SOC") + "former: [eve@acme.example]\n"
    )
    return applied(desk)


def test_who_must_hold_nothing_gets_nothing_back_and_is_named(desk: Any) -> None:
    run = parked_eve(desk)
    assert desk.holds(EVE) == ["Viewer Lyon"]

    told = desk.run("apply", f".reconciler/undo/{run}.plan.json", "--auto-approve")

    assert told.code == 0, told.text
    assert f"{EVE} is `former` in the policies and must hold nothing" in " ".join(told.out.split())
    assert desk.holds(EVE) == ["Viewer Lyon"]
    assert desk.holds(BO) == ["Viewer Berlin"]


def test_who_has_left_only_since_the_undo_was_saved_voids_it(desk: Any) -> None:
    desk.write("guardrails.yaml", RELAXED)
    two = "  - {members: [eve@acme.example], role: SOC, sites: [Acme/Berlin, Acme/Lyon]}\n"
    applied(desk, BO_VIEWS, two)
    run = applied(desk, BO_VIEWS, two.replace(", Acme/Lyon", ""))
    desk.write("access.yaml", HEAD + BO_VIEWS + "former: [eve@acme.example]\n")

    told = desk.run("apply", f".reconciler/undo/{run}.plan.json", "--auto-approve")

    assert told.code == 3
    assert desk.holds(EVE) == ["SOC Berlin"]


def test_an_undo_may_still_take_from_somebody_who_has_left(desk: Any) -> None:
    desk.write("guardrails.yaml", RELAXED)
    run = applied(
        desk,
        BO_VIEWS,
        "  - {members: [eve@acme.example], role: SOC, sites: [Acme/Berlin, Acme/Lyon]}\n",
    )
    desk.write("access.yaml", HEAD + BO_VIEWS + "former: [eve@acme.example]\n")

    told = desk.run("apply", f".reconciler/undo/{run}.plan.json", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(EVE) == ["SOC Lyon"]
