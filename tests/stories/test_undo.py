"""What a run did can be taken back with the plan it leaves, and by the same rules as any plan."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from stories.desk import NOW, small_world

from reconciler.documents.plan_file import sealed
from reconciler.simulator.serve import running

BO, LENA, EVE, SIEM = "bo@acme.example", "lena@acme.example", "eve@acme.example", "service:siem"


def undo_of(desk: Any) -> Path:
    """The undo of the last run."""
    record = desk.journal()[-1]
    assert record["kind"] == "run-finished"
    path: Path = desk.folder / ".reconciler" / record["data"]["undo"]
    return path


def principals(path: Path) -> list[str]:
    return [each["principal"]["name"] for each in json.loads(path.read_text())["operations"]]


@pytest.fixture
def undo(desk: Any) -> Path:
    """The undo of a whole apply."""
    told = desk.run("apply", "--auto-approve")
    assert told.code == 0, told.text
    return undo_of(desk)


@pytest.fixture
def refused(desk: Any, undo: Path) -> Any:
    """Check that the undo is refused, in these words, and that nothing was written."""

    def check(*words: str, path: Path | None = None) -> None:
        before = len(desk.written())
        told = desk.run("apply", str(path or undo), "--auto-approve")
        assert told.code == 3, told.text
        for word in words:
            assert word in told.text
        assert len(desk.written()) == before

    return check


def test_an_apply_leaves_its_inverse_beside_the_journal_for_its_owner_only(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve")

    path = undo_of(desk)
    assert f"To undo this run: reconciler apply {path.relative_to(desk.folder)}\n" in told.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(principals(path)) == [BO, LENA, SIEM]


def test_applying_the_undo_gives_everybody_what_they_had(desk: Any, undo: Path) -> None:
    told = desk.run("apply", str(undo), "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(BO) == ["Viewer Berlin"]
    assert desk.holds("siem") == ["Viewer Berlin"]
    assert desk.holds(LENA) is None
    started = [each["data"] for each in desk.journal() if each["kind"] == "run-started"]
    assert started[1]["undo_of"] == undo.name.partition(".")[0]
    assert "undo_of" not in started[0]


def test_an_undo_says_that_the_next_apply_does_it_again(desk: Any, undo: Path) -> None:
    told = desk.run("apply", str(undo), "--auto-approve")

    assert "the next apply does it again" in told.out.replace("\n", " ")
    assert "Undo of the run" in told.out
    assert desk.run("plan", "--detailed-exitcode").code == 2


def test_who_was_deleted_is_told_and_left_out(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve")

    assert f"{EVE} was deleted, and the console cannot bring the same user back" in told.out
    assert EVE not in principals(undo_of(desk))


def test_an_undo_can_be_undone(desk: Any, undo: Path) -> None:
    desk.run("apply", str(undo), "--auto-approve")

    told = desk.run("apply", str(undo_of(desk)), "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds(BO) == ["SOC Berlin"]
    assert desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert f"{LENA} was deleted" in told.out


def test_an_undo_is_applied_once(desk: Any, undo: Path) -> None:
    assert desk.run("apply", str(undo), "--auto-approve").code == 0
    written = len(desk.written())

    assert desk.run("apply", str(undo), "--auto-approve").code == 3
    assert len(desk.written()) == written


def test_show_reads_an_undo_without_token_and_network(desk: Any, undo: Path) -> None:
    told = desk.run("show", str(undo), SENTINELONE_URL="", SENTINELONE_TOKEN="")

    assert told.code == 0
    assert "Undo of the run" in told.out
    assert f"{EVE} was deleted" in told.out


@pytest.mark.parametrize("form", ["markdown", "html", "json", "csv"])
def test_every_form_says_what_is_undone(desk: Any, undo: Path, form: str) -> None:
    told = desk.run("show", str(undo), "--format", form)

    assert told.code == 0
    assert "undo" in told.out.lower()
    assert BO in told.out


def test_who_was_changed_since_voids_the_undo(desk: Any, refused: Any) -> None:
    desk.make(BO, "Admin")
    refused(f"What would be done for {BO} is not what was planned", "plan --undo")


def test_only_planned_undoes_the_rest(desk: Any, undo: Path) -> None:
    desk.make(BO, "Admin")

    told = desk.run("apply", str(undo), "--auto-approve", "--only-planned")

    assert told.code == 0, told.text
    assert desk.holds(BO) == ["Admin Berlin"]
    assert desk.holds("siem") == ["Viewer Berlin"]
    assert desk.holds(LENA) is None
    assert f"{BO}: somebody changed what this principal holds" in told.out


def test_who_is_changed_between_reading_and_writing_is_left_alone(
    desk: Any, proxy: Any, faults: Any
) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    change = faults.before(lambda: desk.make(BO, "Admin"))
    proxy.when(change, method="GET", path="/users/1820000000000001004")

    told = desk.run("apply", str(undo_of(desk)), "--auto-approve")

    assert told.code == 4, told.text
    assert desk.holds(BO) == ["Admin Berlin"]
    assert desk.results()[BO] == "conflict"


def test_policies_that_changed_do_not_void_an_undo(desk: Any, undo: Path) -> None:
    desk.edit("access.yaml", "bo@acme.example, ", "")
    assert desk.run("apply", str(undo), "--auto-approve").code == 0


def test_policies_that_no_longer_manage_somebody_do_not_stop_an_undo(desk: Any, undo: Path) -> None:
    desk.write("access.yaml", "version: 1\nassignments: []\n")
    assert desk.run("apply", str(undo), "--auto-approve").code == 0


def test_guardrails_that_changed_void_an_undo(desk: Any, refused: Any) -> None:
    desk.write("guardrails.yaml", "version: 1\nnothing_left: delete\nmax_revokes: 1\n")
    refused("The guardrails have changed.")


def test_the_guardrails_of_today_judge_an_undo(desk: Any, undo: Path) -> None:
    desk.write(
        "guardrails.yaml",
        "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\nmax_revokes: 1\n",
    )

    run = undo.name.partition(".")[0]
    told = desk.run("plan", "--undo", run)

    assert told.code == 3
    assert "The plan takes 2 scopes away from people; at most 1" in told.out


STRICT = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\nmax_revokes: 1\n"
LIFTED = "overrides: [{rule: max_revokes, value: 2, reason: undo, until: 2026-11-24}]\n"


def test_a_refused_undo_says_that_the_override_asks_for_a_new_plan_and_that_one_passes(
    desk: Any,
) -> None:
    desk.write("guardrails.yaml", STRICT)
    assert desk.run("apply", "--auto-approve").code == 0
    saved = str(undo_of(desk))
    run = Path(saved).name.partition(".")[0]

    told = desk.run("apply", saved, "--auto-approve")

    assert told.code == 3
    assert "make the undo anew with `reconciler plan --undo RUN --out FILE`" in (
        " ".join(told.text.split())
    )
    desk.write("guardrails.yaml", STRICT + LIFTED)
    assert "The guardrails have changed." in desk.run("apply", saved, "--auto-approve").text
    assert desk.run("plan", "--undo", run, "--out", "anew.json").code == 0
    assert desk.run("apply", "anew.json", "--auto-approve").code == 0


def test_only_the_refusal_of_an_undo_speaks_of_one(desk: Any) -> None:
    desk.write("guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 0"))

    told = desk.run("plan")

    assert told.code == 3
    assert "--undo" not in told.text


def test_a_protected_principal_loses_nothing_by_an_undo(desk: Any, undo: Path) -> None:
    desk.write(
        "guardrails.yaml",
        "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\nprotected: [service:siem]\n",
    )

    told = desk.run("plan", "--undo", undo.name.partition(".")[0])

    assert told.code == 3
    assert "service:siem is protected" in told.out


def test_without_leave_to_delete_an_invitation_stays_and_the_rest_is_undone(desk: Any) -> None:
    desk.write("guardrails.yaml", "version: 1\nmax_revoke_fraction: 1.0\n")
    desk.edit("access.yaml", "former: [eve@acme.example]\n", "")

    told = desk.run("apply", "--auto-approve")

    assert f"{LENA} was invited, and to take that back is to delete the user" in told.out
    assert desk.run("apply", str(undo_of(desk)), "--auto-approve").code == 0
    assert desk.holds(LENA) == ["SOC Berlin"]
    assert desk.holds(BO) == ["Viewer Berlin"]


def test_an_old_run_is_undone_by_a_plan_made_anew(desk: Any, undo: Path) -> None:
    desk.clock.passes(hours=25)
    assert desk.run("apply", str(undo), "--auto-approve").code == 3
    run = undo.name.partition(".")[0]

    planned = desk.run("plan", "--undo", run, "--out", "again.json")

    assert planned.code == 0, planned.text
    assert desk.run("apply", "again.json", "--auto-approve").code == 0
    assert desk.holds(BO) == ["Viewer Berlin"]


def test_a_run_that_the_journal_does_not_hold_is_not_undone(desk: Any, undo: Path) -> None:
    told = desk.run("plan", "--undo", "0" * 16)

    assert told.code == 3
    assert "The journal does not hold the run" in told.err
    assert undo.exists()


def test_another_journal_does_not_undo_the_run(desk: Any, undo: Path) -> None:
    told = desk.run("apply", str(undo), "--auto-approve", "--journal", "other.jsonl")

    assert told.code == 3
    assert "The journal does not hold the run" in told.err
    assert len(desk.written()) == 4


def test_another_console_is_refused(desk: Any, undo: Path) -> None:
    with running(small_world(), clock=lambda: NOW) as other:
        desk.url, desk.token = other.url, other.token
        assert "The saved plan is for" in desk.run("apply", str(undo), "--auto-approve").err
        told = desk.run("plan", "--undo", undo.name.partition(".")[0])
        assert told.code == 3
        assert "wrote to" in told.err
        assert not other.changes


def test_a_token_that_sees_less_is_refused(desk: Any, refused: Any) -> None:
    desk.token = desk.console.token_for("ana@acme.example")
    refused("stands at site level")


def with_seal(path: Path, tree: Any) -> Path:
    """Save an edited plan with its seal made right again."""
    edited = path.with_name("edited.json")
    edited.write_text(json.dumps(sealed(tree)))
    return edited


def grant_admin(tree: Any) -> None:
    for each in tree["operations"][0]["after"]["grants"]:
        each["role"] = {"id": "1820000000000000301", "name": "Admin"}


def another_run(tree: Any) -> None:
    tree["options"]["undo_of"]["run"] = "f" * 16


def another_head(tree: Any) -> None:
    tree["options"]["undo_of"]["head"] = "sha256:" + "1" * 64


def no_undo(tree: Any) -> None:
    del tree["options"]["undo_of"]


def one_less(tree: Any) -> None:
    tree["operations"] = tree["operations"][1:]


def another_principal(tree: Any) -> None:
    tree["operations"][0]["principal"]["name"] = "noor@acme.example"


def another_precondition(tree: Any) -> None:
    tree["operations"][0]["precondition"] = "sha256:" + "2" * 64


@pytest.mark.parametrize(
    "edit",
    [
        grant_admin,
        another_run,
        another_head,
        no_undo,
        one_less,
        another_principal,
        another_precondition,
    ],
)
def test_a_forged_undo_is_refused(undo: Path, refused: Any, edit: Any) -> None:
    tree = json.loads(undo.read_text())
    edit(tree)
    refused(path=with_seal(undo, tree))


@pytest.mark.parametrize("what", ["lena", "siem"])
def test_an_undo_holds_only_what_was_applied(desk: Any, proxy: Any, faults: Any, what: str) -> None:
    if what == "lena":
        proxy.when(faults.status(400), method="POST", path="/users")
        left = LENA
    else:
        path = "/service-users/1820000000000002003"
        proxy.when(faults.reset_before, method="PUT", path=path, times=100)
        left = SIEM

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert left not in principals(undo_of(desk))
    assert BO in principals(undo_of(desk))
    if what == "siem":
        assert f"{SIEM} may or may not have been changed by the run" in told.out


def test_a_run_that_applied_nothing_leaves_no_undo(desk: Any, proxy: Any, faults: Any) -> None:
    proxy.when(faults.status(400), method="POST|PUT|DELETE", times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert "undo" not in told.text
    assert "undo" not in desk.journal()[-1]["data"]
    assert not (desk.folder / ".reconciler" / "undo").exists()


def test_an_undo_that_cannot_be_saved_is_told_and_made_later(desk: Any) -> None:
    folder = desk.folder / ".reconciler"
    folder.mkdir()
    (folder / "undo").write_text("in the way")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "The undo of this run was not saved" in told.err
    record = desk.journal()[-1]
    assert "undo" not in record["data"]
    assert f"--undo {record['run']} " in told.err
    assert desk.run("plan", "--undo", record["run"], "--out", "later.json").code == 0
    assert desk.run("apply", "later.json", "--auto-approve").code == 0
    assert desk.holds(BO) == ["Viewer Berlin"]


def test_what_was_held_on_a_site_deleted_since_is_not_given_again(desk: Any) -> None:
    desk.run("apply", "--auto-approve")
    desk.edit("access.yaml", "sites: [Acme/Berlin, Acme/Lyon]}", "sites: [Acme/Berlin]}")
    desk.run("apply", "--auto-approve")
    latest = undo_of(desk)
    status, said = desk.api("DELETE", "/sites/1820000000000000202", name="ada@acme.example")
    assert status == 200, said

    told = desk.run("apply", str(latest), "--auto-approve", "--only-planned")

    assert told.code == 3, told.text
    assert "Nothing of the saved plan still holds" in told.err
    assert desk.holds("siem") == ["Viewer Berlin"]
