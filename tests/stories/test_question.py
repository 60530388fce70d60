"""While the question stands, time goes on."""

from typing import Any

import pytest


class Thinking:
    """A terminal at which somebody takes their time before saying yes."""

    def __init__(self, desk: Any, hours: int) -> None:
        self._desk = desk
        self._hours = hours

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("no file of the machine's")

    def readline(self, *_: int) -> str:
        self._desk.clock.passes(hours=self._hours)
        return "yes\n"


@pytest.fixture
def with_a_window(desk: Any) -> Any:
    """Ana is Admin on Berlin until noon; the desk's clock says nine."""
    desk.edit(
        "access.yaml",
        "former:",
        "  - members: [ana@acme.example]\n    role: Admin\n    sites: [Acme/Berlin]\n"
        "    until: 2026-11-23T12:00:00Z\nformer:",
    )
    return desk


def test_a_window_that_closes_while_the_question_stands_stops_the_run(
    with_a_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Thinking(with_a_window, hours=4))

    told = with_a_window.run("apply")

    assert told.code == 3
    assert "A window opened or closed, or the console changed, while the question stood" in told.err
    assert with_a_window.written() == []


def test_a_question_answered_in_time_is_followed(
    with_a_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Thinking(with_a_window, hours=1))

    told = with_a_window.run("apply")

    assert told.code == 0, told.text
    assert with_a_window.holds("ana@acme.example") == ["Admin Berlin"]


def test_a_console_that_changes_while_the_question_stands_stops_the_run(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interfering(Thinking):
        def readline(self, *_: int) -> str:
            self._desk.make("bo@acme.example", "Admin")
            return "yes\n"

    monkeypatch.setattr("sys.stdin", Interfering(desk, hours=0))

    told = desk.run("apply")

    assert told.code == 3
    assert "the console changed, while the question stood" in told.err
    assert desk.written() == []


def test_an_override_that_ends_while_the_question_stands_lifts_nothing_any_more(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    override = "overrides: [{rule: max_revokes, value: 9, reason: x, until: 2026-11-23T10:00:00Z}]"
    desk.write("guardrails.yaml", f"version: 1\nnothing_left: delete\nmax_revokes: 0\n{override}\n")
    monkeypatch.setattr("sys.stdin", Thinking(desk, hours=4))

    told = desk.run("apply")

    assert told.code == 3
    assert "Refused since the question was asked" in told.err
    assert desk.written() == []
