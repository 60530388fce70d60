"""In a git work tree nobody drops out of management in silence; refusals are drift too."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest


def git(folder: Path, *arguments: str, date: str = "2026-11-20T00:00:00Z") -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@acme.example"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    dates = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    subprocess.run(command, env=os.environ | dates, check=True, capture_output=True)


@pytest.fixture
def committed(desk: Any) -> Any:
    """The desk's policies under git, with a commit before the last one."""
    git(desk.folder, "init", "-q", "-b", "main")
    for message in ("first", "second"):
        git(desk.folder, "add", "policies")
        git(desk.folder, "commit", "-q", "--allow-empty", "-m", message)
    return desk


@pytest.mark.parametrize("command", [("validate",), ("plan",), ("apply", "--auto-approve")])
def test_whoever_is_dropped_is_an_error_with_the_remedy(
    committed: Any, command: tuple[str, ...]
) -> None:
    committed.edit("access.yaml", "noor@acme.example, ", "")

    told = committed.run(*command)

    assert told.code == 1
    assert "no-longer-managed" in told.err
    assert "Add noor@acme.example to `former:`" in told.err
    assert committed.written() == []


def test_a_named_base_is_what_counts(committed: Any) -> None:
    committed.edit("access.yaml", "noor@acme.example, ", "")
    git(committed.folder, "commit", "-qam", "quiet")
    git(committed.folder, "commit", "-q", "--allow-empty", "-m", "later")

    assert committed.run("validate").code == 0
    assert committed.run("validate", "--base", "HEAD~2").code == 1
    assert committed.run("validate", "--base", "nowhere").code == 1


def test_a_base_that_cannot_be_read_is_told(committed: Any) -> None:
    (committed.folder / ".git" / "config").write_text("[broken\n")

    told = committed.run("validate")

    assert told.code == 0
    assert "could not be checked: git does not answer" in told.err


@pytest.mark.parametrize(
    ("date", "code"), [("2026-11-22T11:59:59Z", 0), ("2026-11-22T12:00:00Z", 3)]
)
def test_a_window_that_closed_is_forgiven_only_when_it_was_committed_before(
    committed: Any, date: str, code: int
) -> None:
    committed.write("guardrails.yaml", "version: 1\nnothing_left: delete\nmax_revokes: 0\n")
    committed.edit("access.yaml", "former: [eve@acme.example]\n", "")
    committed.edit(
        "access.yaml",
        "  - {members: [service:siem]",
        "  - {members: [eve@acme.example], role: SOC, sites: [Acme/Lyon], "
        "until: 2026-11-22T12:00:00Z}\n"
        "  - {members: [service:siem]",
    )

    invented = committed.run("plan", "--target", "eve@acme.example")
    git(committed.folder, "commit", "-qam", "a window", date=date)
    git(committed.folder, "commit", "-q", "--allow-empty", "-m", "later", date=date)
    known = committed.run("plan", "--target", "eve@acme.example")

    assert invented.code == 3
    assert "max_revokes" in invented.out
    assert known.code == code


def test_drift_that_a_guardrail_would_refuse_to_mend_is_refused_and_told(desk: Any) -> None:
    desk.write("guardrails.yaml", "version: 1\n")

    told = desk.run("drift", "--target", "eve@acme.example")

    assert told.code == 3
    assert "eve@acme.example would lose SOC on Acme/Lyon and hold nothing" in told.out
    assert "1 refused" in told.out


def test_a_run_that_died_is_told_by_the_next_one(desk: Any) -> None:
    desk.run("apply", "--auto-approve")
    journal = desk.folder / ".reconciler" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    last_intent = max(n for n, line in enumerate(lines) if '"kind":"intent"' in line)
    journal.write_text("".join(lines[: last_intent + 1]))

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "An earlier run ended before it could record what became of:" in told.err
    assert "eve@acme.example, intended at" in told.err
    resolved = next(r for r in desk.journal() if r["kind"] == "resolved")["data"]
    assert (resolved["intent"], resolved["result"]) == (last_intent + 1, "applied")


def test_a_change_that_loosens_what_judges_it_is_told(committed: Any) -> None:
    """A pull request that brings its own override; CI judges by the base's copy instead."""
    base = committed.folder / "base-guardrails.yaml"
    text = (committed.folder / "policies" / "guardrails.yaml").read_text()
    base.write_text(text)
    assert "guardrails-changed" not in committed.run("validate").err

    committed.write("guardrails.yaml", text.rstrip("\n") + "\nadmin_seen_within: any\n")

    told = committed.run("validate")
    assert told.code == 0
    assert "guardrails-changed: The guardrails are not those of the base commit" in told.err
    assert "guardrails-changed" not in committed.run("validate", "--guardrails", str(base)).err


def test_a_leaver_who_still_holds_something_is_not_forgotten(committed: Any) -> None:
    committed.edit("access.yaml", "former: [eve@acme.example]\n", "")

    told = committed.run("plan")

    assert told.code == 1
    assert "no-longer-former" in told.err
    assert "Keep eve@acme.example under `former:`" in told.err
