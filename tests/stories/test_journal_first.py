"""The journal comes first: no record, no change (T59, T66, T67)."""

import json
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

ORDER = ["service:siem", "lena@acme.example", "bo@acme.example", "eve@acme.example"]
"""In the order of execution."""
CHANGES = "POST|PUT|DELETE"


def test_the_journal_holds_the_intent_when_the_write_arrives(desk: Any, proxy: Any) -> None:
    """Write-ahead: what the console is asked is on disk before it is asked (T66)."""
    intended: list[list[str]] = []

    def look(exchange: Any) -> None:
        intended.append(desk.recorded("intent"))
        exchange.answer(exchange.forward())

    proxy.when(look, method=CHANGES, times=100)

    assert desk.run("apply", "--auto-approve").code == 0
    assert intended == [ORDER[:1], ORDER[:2], ORDER[:3], ORDER]


def test_every_intent_is_there_before_its_change_and_every_intent_has_an_outcome(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0

    kinds = [record["kind"] for record in desk.journal()]
    assert kinds == ["run-started", *["intent", "outcome"] * 4, "run-finished"]
    assert desk.recorded("intent") == desk.recorded("outcome") == ORDER
    assert len(desk.written()) == 4


def unwritable_folder(path: Path) -> None:
    path.parent.write_text("a file where a folder is needed")


def a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def a_link(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(path.parent / "elsewhere")


def edited(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"sequence":1}\n')


def full(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/dev/full")


@pytest.mark.parametrize(
    "harm",
    [unwritable_folder, a_folder, a_link, edited, full],
    ids=lambda harm: harm.__name__,
)
def test_without_a_journal_nothing_is_written(desk: Any, harm: Callable[[Path], None]) -> None:
    harm(desk.folder / ".reconciler" / "journal.jsonl")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1, told.text
    assert "journal" in told.err
    assert desk.console.changes == []


def test_a_disk_that_fills_up_before_the_first_intent_means_no_write(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve", "--journal", "/dev/full")

    assert told.code == 1, told.text
    assert "journal" in told.err
    assert desk.console.changes == []


@pytest.mark.parametrize("size", range(600, 6000, 450))
def test_a_disk_that_fills_up_in_the_middle_ends_the_run_before_the_next_write(
    desk: Any, proxy: Any, limited: Any, size: int
) -> None:
    with limited(size):
        told = desk.run("apply", "--auto-approve")
    written = len(desk.written())
    whole = [json.loads(line) for line in journal_lines(desk)]
    intents = sum(record["kind"] == "intent" for record in whole)

    if told.code == 0:
        assert written == 4
        return
    assert told.code == (4 if written else 1), told.text
    assert "The journal .reconciler/journal.jsonl cannot be written" in told.err
    # Every change has its intent; no intent, no change.
    assert written <= intents == proxy.count(CHANGES)
    # The line that was torn is set aside, and the next run goes on by itself.
    assert desk.run("apply", "--auto-approve").code == 0
    assert desk.run("plan", "--detailed-exitcode").code == 0
    assert len(desk.written()) == 4


def journal_lines(desk: Any) -> list[str]:
    """The whole lines of the journal."""
    text = (desk.folder / ".reconciler" / "journal.jsonl").read_text()
    return list(text.split("\n")[:-1])


@pytest.fixture
def limited() -> Callable[[int], AbstractContextManager[None]]:
    """No file may grow beyond so many bytes; what a full disk looks like to one process."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


def test_a_write_that_is_tried_again_is_not_sent_when_the_journal_has_failed_meanwhile(
    desk: Any, proxy: Any, limited: Any
) -> None:
    """Two are in flight: the disk is full when the one ends, and the other lost its answer."""
    both = "assignments:\n  - {members: [ana@acme.example], role: SOC, sites: [Acme/*]}\n"
    desk.edit("access.yaml", "members: [ana@acme.example, ", "members: [")
    desk.edit("access.yaml", "assignments:\n", both)
    journal = desk.folder / ".reconciler" / "journal.jsonl"
    arrived: list[Any] = []
    full = ExitStack()

    def one_of_two(exchange: Any) -> None:
        arrived.append(exchange)
        if exchange is not arrived[0]:
            while journal.read_bytes().endswith(b"\n"):
                pass  # until half of the first one's outcome is there
            exchange.reset()
            return
        while len(desk.recorded("intent")) < 2 or len(arrived) < 2:
            pass
        full.enter_context(limited(journal.stat().st_size + 300))
        exchange.answer(exchange.forward())

    proxy.when(one_of_two, method="PUT", times=2)
    with full:
        told = desk.run("apply", "--auto-approve", "--concurrency", "2")

    assert told.code == 4, told.text
    assert "cannot be written" in told.err
    assert proxy.count(CHANGES) == 2
    assert len(desk.written()) == 1
    assert re.search("^unknown +update [^ ]+: PUT .* Then: ", told.out, re.MULTILINE), told.out


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.jsonl"))


def replaced(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm", [Path.unlink, moved, replaced], ids=["deleted", "moved", "replaced"]
)
def test_a_journal_that_is_not_there_any_more_ends_the_run(
    desk: Any, proxy: Any, faults: Any, harm: Callable[[Path], None]
) -> None:
    journal = desk.folder / ".reconciler" / "journal.jsonl"
    proxy.when(faults.before(lambda: harm(journal)), method=CHANGES, skip=1)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert "The journal .reconciler/journal.jsonl cannot be written: " in told.err
    assert len(desk.written()) == 2
    assert f"applied       invite {ORDER[1]}" in told.out


def test_a_journal_that_another_apply_holds_refuses(desk: Any, proxy: Any, faults: Any) -> None:
    """While the first is at its first write, the second comes and goes."""
    second: list[Any] = []
    proxy.when(
        faults.before(lambda: second.append(desk.process("apply", "--auto-approve"))),
        method="POST",
    )
    first = desk.run("apply", "--auto-approve")

    assert first.code == 0
    assert second[0].code == 3
    assert "Another apply holds the journal" in second[0].err
    assert len(desk.written()) == 4
