"""The end of a grant is judged when it is given: by the run that accepts it, and by it alone."""

import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PEOPLE = "eve@acme.example, mia@acme.example"
HEAD = """\
version: 1
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
  - {members: [service:reconciler-plan], role: Viewer, tenant: true}
"""
LYON, BERLIN = "SOC, sites: [Acme/Lyon]", "Viewer, sites: [Acme/Berlin]"
STRICT = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\nmax_revokes: 1\n"


def lasting(what: str, start: datetime | None = None, end: datetime | None = None) -> str:
    """Ask for something for both, for good or for a time."""
    bounds = "".join(
        f", {word}: {at.strftime('%Y-%m-%dT%H:%M:%SZ')}"
        for word, at in (("from", start), ("until", end))
        if at
    )
    return f"  - {{members: [{PEOPLE}], role: {what}{bounds}}}\n"


class Author:
    """Somebody who writes policies, commits them at the desk's time and runs the product."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        desk.write("guardrails.yaml", STRICT)

    @property
    def now(self) -> datetime:
        instant: datetime = self.desk.clock.instant
        return instant

    def writes(self, *assignments: str) -> None:
        self.desk.write("access.yaml", HEAD + "".join(assignments))

    def commits(self, *assignments: str) -> None:
        """Commit what is written, or nothing new."""
        if assignments:
            self.writes(*assignments)
        self.git("add", "policies")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@acme.example")
        dates = dict.fromkeys(("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"), self.now.isoformat())
        command = ["git", "-C", str(self.desk.folder), *identity, *arguments]
        subprocess.run(command, env=os.environ | dates, check=True, capture_output=True)

    def forgets(self) -> None:
        shutil.rmtree(self.desk.folder / ".reconciler", ignore_errors=True)

    def codes(self) -> tuple[int, int, int]:
        """What plan, drift and apply say, one after the other."""
        commands = (("plan",), ("drift",), ("apply", "--auto-approve"))
        plan, drift, apply = (self.desk.run(*command).code for command in commands)
        return plan, drift, apply


@pytest.fixture
def outside(desk: Any) -> Author:
    """No git; both hold SOC on Lyon and Viewer on Berlin for good, and the journal knows."""
    author = Author(desk)
    author.writes(lasting(LYON), lasting(BERLIN))
    assert desk.run("apply", "--auto-approve").code == 0
    return author


@pytest.fixture
def author(outside: Author) -> Author:
    """The same in git, committed long ago."""
    outside.git("init", "-q", "-b", "main")
    outside.desk.clock.passes(days=-20)
    outside.commits()
    outside.desk.clock.passes(days=20)
    return outside


def holding(author: Author) -> list[Any]:
    return [author.desk.holds(f"{name}@acme.example") for name in ("eve", "mia")]


@pytest.mark.parametrize("keeps_journal", [True, False])
def test_a_window_that_closed_before_it_was_written_is_forgiven_by_no_later_commit(
    author: Author, keeps_journal: bool
) -> None:
    written = author.desk.written()
    closed = lasting(LYON, author.now - 9 * HOUR, author.now - HOUR)
    for assignments in ((closed, lasting(BERLIN)), (), ()):
        author.commits(*assignments)
        for _ in range(2):
            if not keeps_journal:
                author.forgets()
            assert author.desk.run("plan").code == 3
            told = author.desk.run("apply", "--auto-approve")
            assert (told.code, "max_revokes" in told.out) == (3, True)
            author.desk.clock.passes(hours=5)

    assert author.desk.written() == written


@pytest.mark.parametrize("keeps_journal", [True, False])
def test_the_commit_that_brought_a_window_is_evidence_for_its_closing(
    author: Author, keeps_journal: bool
) -> None:
    author.desk.write("guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 2"))
    author.commits(lasting(LYON))
    assert author.desk.run("apply", "--auto-approve").code == 0
    author.desk.write("guardrails.yaml", STRICT)
    author.desk.clock.passes(hours=1)
    author.commits(lasting(LYON), lasting(BERLIN, author.now, author.now + 8 * HOUR))
    assert author.desk.run("apply", "--auto-approve").code == 0
    if not keeps_journal:
        author.forgets()
    assert author.codes() == (0, 2, 0)  # two are unlisted

    author.desk.clock.passes(hours=8)
    if not keeps_journal:
        author.forgets()

    assert author.codes() == (0, 2, 0)
    assert holding(author) == [["SOC Lyon"]] * 2


def test_an_end_is_counted_once_and_is_on_record_for_the_budget(author: Author) -> None:
    budget = "rolling: {max_revokes: 2, over: 24h}\n"
    author.desk.write(
        "guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 2") + budget
    )
    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + 30 * HOUR))
    written = author.desk.written()

    assert author.codes() == (0, 2, 0)
    started = [each["data"] for each in author.desk.journal() if each["kind"] == "run-started"]
    assert [(each["taken"], len(each["ends"])) for each in started] == [(0, 0), (2, 2)]
    records = len(author.desk.journal())
    assert author.codes() == (0, 2, 0)
    assert (len(author.desk.journal()), author.desk.written()) == (records, written)

    author.writes(lasting(LYON, end=author.now + HOUR), lasting(BERLIN, end=author.now + 30 * HOUR))
    told = author.desk.run("plan")
    assert "The plan takes 2 scopes away from people, after 2 in the last 24 hours" in told.out

    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + 30 * HOUR))
    author.desk.clock.passes(hours=30)
    assert author.codes() == (0, 2, 0)
    assert holding(author) == [["SOC Lyon"]] * 2


def test_a_refused_end_that_is_merged_all_the_same_stays_refused(author: Author) -> None:
    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + HOUR))
    assert author.codes() == (3, 3, 3)
    author.commits()
    assert author.codes() == (3, 3, 3)
    author.desk.clock.passes(hours=2)
    author.commits()

    assert author.codes() == (3, 3, 3)


@pytest.mark.parametrize("keeps_journal", [True, False])
def test_bringing_an_end_closer_counts(author: Author, keeps_journal: bool) -> None:
    author.desk.write("guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 2"))
    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + 3650 * DAY))
    assert author.desk.run("apply", "--auto-approve").code == 0
    author.desk.write("guardrails.yaml", STRICT)
    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + HOUR))
    if not keeps_journal:
        author.forgets()

    told = author.desk.run("plan")

    assert told.code == 3
    assert "2 of them by giving a held grant an end, or an earlier one." in told.out


def test_a_privileged_window_drawn_out_is_refused_one_commit_later_too(author: Author) -> None:
    rule = "privileged: [{roles: [SOC], max_duration: 8h}]\n"
    short = lasting(LYON), lasting("SOC, sites: [Acme/Berlin]", author.now, author.now + 6 * HOUR)
    long = lasting(LYON), lasting("SOC, sites: [Acme/Berlin]", author.now, author.now + 900 * HOUR)
    author.desk.write("guardrails.yaml", STRICT + rule)
    author.commits(lasting(LYON), lasting(BERLIN))
    author.commits(*short, lasting(BERLIN))
    assert author.desk.run("apply", "--auto-approve").code == 0

    author.commits(*long, lasting(BERLIN))
    first = author.desk.run("plan")
    author.commits()
    later = author.desk.run("plan")

    assert (first.code, later.code) == (3, 3)
    assert "for longer than 8 hours" in later.out


def test_outside_git_the_journal_is_the_evidence_and_without_it_the_remedy_says_so(
    outside: Author,
) -> None:
    outside.desk.write("guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 2"))
    outside.writes(lasting(LYON), lasting(BERLIN, end=outside.now + HOUR))
    assert outside.desk.run("apply", "--auto-approve").code == 0
    outside.desk.write("guardrails.yaml", STRICT)
    outside.desk.clock.passes(hours=1)

    elsewhere = outside.desk.run("plan", "--journal", "elsewhere.jsonl")
    drift = outside.desk.run("drift", "--journal", "elsewhere.jsonl")

    assert (elsewhere.code, drift.code) == (3, 3)
    assert "keep the journal of all runs (--journal)" in " ".join(elsewhere.out.split())
    assert outside.codes() == (0, 2, 0)


def test_a_saved_plan_puts_the_ends_of_all_policies_on_record(author: Author) -> None:
    author.desk.write("guardrails.yaml", STRICT.replace("max_revokes: 1", "max_revokes: 2"))
    author.commits(lasting(LYON), lasting(BERLIN, end=author.now + HOUR))
    assert author.desk.run("plan", "--out", "saved.json").code == 0

    assert author.desk.run("apply", "saved.json", "--auto-approve").code == 0

    author.desk.write("guardrails.yaml", STRICT)
    assert author.codes() == (0, 2, 0)


def test_a_part_of_everything_does_not_begin_the_record_of_ends(author: Author) -> None:
    author.forgets()
    author.commits(lasting(BERLIN), lasting(LYON), lasting(BERLIN, end=author.now + HOUR))
    author.desk.make("eve@acme.example", "Viewer")

    assert author.desk.run("apply", "--target", "eve@acme.example", "--auto-approve").code == 0

    (started,) = [each["data"] for each in author.desk.journal() if each["kind"] == "run-started"]
    assert "ends" not in started


def test_an_end_of_another_form_stops_everything(outside: Author) -> None:
    journal = Path(".reconciler/journal.jsonl")
    line = journal.read_bytes().splitlines(keepends=True)[0]
    journal.write_bytes(line.replace(b'"ends":[]', b'"ends":[{}]'))

    told = outside.desk.run("plan")

    assert told.code == 1
    assert "what may end rests on it" in told.err
