"""`apply FILE --only-planned`: what was reviewed and still holds, nothing else (T62)."""

from pathlib import Path
from typing import Any

import pytest

SAVED = "reviewed.json"
BO, EVE, LENA = "bo@acme.example", "eve@acme.example", "lena@acme.example"
SIEM = "PUT /web/api/v2.1/service-users/1820000000000002003"
PLANNED = {f"PUT {BO}", f"DELETE {EVE}", f"POST {LENA}", SIEM}
HOLDERS = """\
  - {members: [bo@acme.example], role: Viewer, sites: [Acme/Berlin]}
  - {members: [mia@acme.example], role: Admin, sites: [Acme/Lyon]}"""
CHANGED = "somebody changed what this principal holds since it was planned"


@pytest.fixture
def saved(desk: Any) -> Path:
    assert desk.run("plan", "--out", SAVED).code == 0
    path: Path = desk.folder / SAVED
    return path


@pytest.fixture
def part(desk: Any, saved: Path) -> Any:
    """Apply what is left of the saved plan; return what was said."""

    def applied(code: int = 0, *options: str) -> Any:
        told = desk.run("apply", str(saved), "--auto-approve", "--only-planned", *options)
        assert told.code == code, told.text
        return told

    return applied


def test_a_plan_that_holds_is_executed_whole(desk: Any, part: Any) -> None:
    told = part()
    assert set(desk.written()) == PLANNED
    assert "left out" not in told.out


def test_whom_somebody_changed_is_left_out_by_name_and_the_rest_is_done(
    desk: Any, part: Any
) -> None:
    desk.make(BO, "Admin")
    told = part()
    assert set(desk.written()) == PLANNED - {f"PUT {BO}"}
    assert "1 of 4 planned operations left out" in told.out
    assert f"  {BO}: {CHANGED}" in told.out
    assert desk.holds(BO) == ["Admin Berlin"]


def test_what_somebody_has_done_already_is_no_longer_needed(desk: Any, part: Any) -> None:
    desk.make(BO, "SOC")
    user = desk.console.world.named(EVE)
    assert desk.api("DELETE", f"/users/{user.id}", None, "ada@acme.example")[0] == 200
    told = part()
    assert set(desk.written()) == {f"POST {LENA}", SIEM}
    assert told.out.count("no longer needed: the console has it so already") == 2


def test_policies_may_change_as_long_as_the_operation_is_the_same(desk: Any, part: Any) -> None:
    desk.edit("access.yaml", "role: SOC", "role: SOC\n    reason: a new shift")
    desk.edit("guardrails.yaml", "1.0", "0.9")
    told = part()
    assert set(desk.written()) == {f"DELETE {EVE}", SIEM}
    assert told.out.count("something else would be done now") == 2, "the reason is shown"


def test_whom_the_policies_changed_is_left_out_and_no_one_new_comes_in(
    desk: Any, part: Any
) -> None:
    desk.edit("access.yaml", "bo@acme.example, ", "")
    desk.edit(
        "access.yaml",
        "assignments:",
        f"assignments:\n{HOLDERS}",
    )
    told = part()
    assert set(desk.written()) == PLANNED - {f"PUT {BO}"}
    assert f"{BO}: no longer asked for" in told.out
    assert "mia" not in told.out
    assert desk.holds("mia@acme.example") == ["SOC Lyon"]


def test_another_result_is_not_what_was_reviewed(desk: Any, part: Any) -> None:
    desk.edit("access.yaml", "sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")
    told = part()
    assert SIEM not in desk.written()
    assert "service:siem: something else would be done now" in told.out


def test_a_target_that_the_policies_dropped_is_left_out(desk: Any) -> None:
    assert desk.run("plan", "--out", SAVED, "--target", BO, "--target", "service:siem").code == 0
    desk.edit("access.yaml", "bo@acme.example, ", "")
    desk.edit("access.yaml", "  lena@", "  bo@acme.example: {}\n  lena@")
    told = desk.run("apply", SAVED, "--auto-approve", "--only-planned")
    assert told.code == 0, told.text
    assert desk.written() == [SIEM]


def test_the_part_is_judged_anew_by_the_guardrails_of_now(desk: Any, part: Any) -> None:
    desk.edit("guardrails.yaml", "version: 1", "version: 1\nmax_revokes: 0")
    told = part(3)
    assert "max_revokes" in told.out
    assert desk.written() == []

    user = desk.console.world.named(EVE)
    assert desk.api("DELETE", f"/users/{user.id}", None, "ada@acme.example")[0] == 200

    told = part()
    assert "max_revokes" not in told.out
    assert set(desk.written()) == PLANNED - {f"DELETE {EVE}"}


@pytest.mark.parametrize("only_planned", [(), ("--only-planned",)])
def test_without_the_option_any_difference_refuses(
    desk: Any, saved: Path, only_planned: tuple[str, ...]
) -> None:
    desk.make(BO, "Admin")
    told = desk.run("apply", str(saved), "--auto-approve", *only_planned)
    assert told.code == (0 if only_planned else 3)
    assert bool(desk.written()) == bool(only_planned)


def test_when_nothing_holds_any_more_it_is_refused(desk: Any) -> None:
    assert desk.run("plan", "--out", SAVED, "--target", BO).code == 0
    desk.make(BO, "Admin")
    told = desk.run("apply", SAVED, "--auto-approve", "--only-planned")
    assert told.code == 3
    assert "Nothing of the saved plan still holds" in told.err
    assert f"{BO}: {CHANGED}" in told.out
    assert desk.written() == []


def test_when_all_of_it_is_so_already_there_is_nothing_to_do(desk: Any, part: Any) -> None:
    part()
    before = desk.written()
    told = part()
    assert desk.written() == before
    assert told.out.count("no longer needed") == 4


def test_a_window_that_closed_is_left_out_and_one_that_opened_waits(desk: Any) -> None:
    ana = "members: [ana@acme.example], role: Admin, sites: [Acme/Berlin]"
    closing = f"{{{ana}, until: 2026-11-23T12:00:00Z}}"
    coming = "{members: [mia@acme.example], role: SOC, sites: [Acme/Lyon]}"
    opening = (
        "{members: [mia@acme.example], role: Admin, sites: [Acme/Lyon], from: 2026-11-23T10:00:00Z}"
    )
    desk.edit("access.yaml", "former:", f"  - {closing}\n  - {coming}\n  - {opening}\nformer:")
    assert desk.run("plan", "--out", SAVED).code == 0
    desk.clock.passes(hours=3)

    told = desk.run("apply", SAVED, "--auto-approve", "--only-planned")

    assert told.code == 0, told.text
    assert set(desk.written()) == PLANNED
    assert "ana@acme.example: no longer due" in told.out
    assert desk.holds("mia@acme.example") == ["SOC Lyon"]


def test_an_end_that_was_put_off_is_not_a_revoke_any_more(desk: Any) -> None:
    """A revoke planned because a window closed; the policy extends it before apply (T38)."""
    window = "  - {members: [siem-owner@acme.example], role: SOC, sites: [Acme/Lyon]}\n"
    desk.edit("access.yaml", "users:\n", "users:\n  siem-owner@acme.example: {name: Siem Owner}\n")
    over = "until: 2026-11-23T08:00:00Z"
    standing = "  - {members: [mia@acme.example], role: Viewer, sites: [Acme/Berlin]}\n"
    desk.edit(
        "access.yaml",
        "former:",
        window
        + standing
        + "  - {members: [mia@acme.example], role: SOC, sites: [Acme/Lyon], "
        + over
        + "}\nformer:",
    )
    assert desk.run("plan", "--out", SAVED, "--target", "mia@acme.example").code == 0
    assert "- revoke SOC" in desk.run("show", SAVED).out
    desk.edit("access.yaml", over, "until: 2026-11-24T08:00:00Z")

    whole = desk.run("apply", SAVED, "--auto-approve")
    part = desk.run("apply", SAVED, "--auto-approve", "--only-planned")

    assert (whole.code, part.code) == (3, 3)
    assert "The policy files have changed." in whole.err
    assert "mia@acme.example: something else would be done now" in part.out
    assert desk.holds("mia@acme.example") == ["SOC Lyon"]
    assert desk.written() == []


@pytest.mark.parametrize(("hours", "code"), [(25, 3), (-1, 3), (23, 0)])
def test_age_binds_a_part_too(desk: Any, part: Any, hours: int, code: int) -> None:
    desk.clock.passes(hours=hours)
    part(code)
    assert bool(desk.written()) == (code == 0)


def test_the_option_is_for_saved_plans(desk: Any) -> None:
    told = desk.run("apply", "--only-planned", "--auto-approve")
    assert told.code == 1
    assert "needs a PLANFILE" in told.err
    assert desk.written() == []
