"""Output, colour, progress, and outputs that go away."""

import json
import os
import pty
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.resources import resource
from reconciler.settings import Runtime

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICIES = ("--policies", str(resource("policies")))

GONE = "# in a folder that is gone"


def on_a_terminal(start: Any, *arguments: str, **extra: str) -> bytes:
    """Run with standard output on a terminal and return what it showed."""
    ours, theirs = pty.openpty()
    process = start(*arguments, *POLICIES, stdout=theirs, stderr=theirs, extra=extra)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the terminal's other side is closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    process.wait(120)
    return shown


def test_a_terminal_gets_colour(start: Any) -> None:
    assert b"\x1b[" in on_a_terminal(start, "plan", TERM="xterm")


def test_no_color_takes_colour_away(start: Any) -> None:
    shown = on_a_terminal(start, "plan", NO_COLOR="1", TERM="xterm")
    assert b"Plan: " in shown
    assert b"\x1b" not in shown


def test_a_narrow_terminal_gets_shorter_lines_and_a_pipe_does_not(start: Any) -> None:
    def longest(shown: bytes) -> int:
        lines = [line for line in shown.decode().splitlines() if line.startswith("    ")]
        return max(len(line) for line in lines)

    shown = [on_a_terminal(start, "plan", NO_COLOR="1", COLUMNS=size) for size in ("60", "200")]
    with start("plan", *POLICIES, extra={"COLUMNS": "60"}) as process:
        piped, _ = process.communicate(timeout=120)

    assert longest(shown[0]) <= 60 < longest(shown[1])
    assert longest(piped) > 60


@pytest.mark.parametrize("command", ["plan", "drift", "validate"])
def test_a_pipe_gets_no_colour(start: Any, command: str) -> None:
    with start(command, *POLICIES) as process:
        out, err = process.communicate(timeout=120)
    assert out
    assert b"\x1b" not in out + err


@pytest.mark.parametrize(("step", "shows"), [(0.0, False), (0.01, False), (3.0, True)])
def test_progress_shows_only_on_what_takes_longer_than_two_seconds(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], step: float, shows: bool
) -> None:
    """The clock moves by `step` whenever somebody looks."""
    seconds = [0.0]

    def monotonic() -> float:
        seconds[0] += step
        return seconds[0]

    code = run(["plan", *POLICIES], Runtime(environ, lambda: NOW, lambda _s: None, monotonic))

    out, err = capsys.readouterr()
    assert code == 0
    assert ("read " in err) is shows
    assert "… read" not in out


def test_a_reader_that_goes_away_is_no_error_of_ours(shell: Any) -> None:
    done = shell('set -o pipefail; reconciler plan --policies "$POLICIES" | head -1')
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["plan", "drift", "validate"])
def test_a_pipe_that_nobody_reads_ends_quietly(start: Any, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start(command, *POLICIES, stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err


def test_an_apply_whose_reader_goes_away_still_does_all_it_began(shell: Any, console: Any) -> None:
    """The reader leaves after the first outcome; eight more are to come."""
    done = shell(
        'reconciler apply --auto-approve --policies "$POLICIES" | grep -m 1 -o ^applied'
        "\ntail -n 1 .reconciler/journal.jsonl"
    )
    assert done.stdout.startswith("applied\n")
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["kind"] == "run-finished"
    assert len([change for change in console.changes if change.actor == "reconciler"]) == 9


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ('plan --policies "$POLICIES" >/dev/full', 1, "No space left on device"),
        ('validate --policies "$POLICIES" >/dev/full', 1, "No space left on device"),
        ("plan --policies nowhere 2>/dev/full", 1, ""),
        ('plan --policies "$POLICIES" >&-', 0, ""),
        ('plan --policies "$POLICIES" --detailed-exitcode >&-', 2, ""),
        ("plan --policies nowhere 2>&-", 1, ""),
        ('apply --policies "$POLICIES" <&-', 3, "no terminal"),
        (f"validate {GONE}", 1, "policies"),
        (f'apply --policies "$POLICIES" --auto-approve {GONE}', 1, "journal"),
    ],
)
def test_a_hostile_surrounding_gives_an_exit_code_and_plain_words(
    shell: Any, console: Any, line: str, code: int, words: str
) -> None:
    """Full disks, closed streams, and a working directory that is gone."""
    line, gone = line.removesuffix(GONE), line.endswith(GONE)
    done = shell("mkdir gone; cd gone; rmdir ../gone; " * gone + f"reconciler {line}")
    assert done.returncode == code, done
    assert words in done.stderr
    assert set_of(done.stderr) == set()
    assert console.changes == []


def test_a_machine_that_allows_no_file_gives_plain_words(shell: Any, console: Any) -> None:
    # Measuring coverage would write a file of its own and fail first.
    unmeasured = "unset COVERAGE_PROCESS_CONFIG COVERAGE_PROCESS_START"
    line = 'ulimit -f 0; reconciler apply --auto-approve --policies "$POLICIES"'
    done = shell(f"{unmeasured}; {line}")
    assert done.returncode == 1, done
    assert "error: " in done.stderr
    assert set_of(done.stderr) == set()
    assert console.changes == []


def set_of(text: str) -> set[str]:
    """Which of the words that nobody should see are in a text."""
    bad = ("Traceback", "Exception ignored", "internal error")
    return {word for word in bad if word in text}


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_terminal_that_knows_only_ascii_still_gets_the_plan(start: Any, locale: str) -> None:
    ascii_only = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with start("drift", *POLICIES, extra=ascii_only | {"PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert b"Drift: " in out
