"""Dates and times: what they mean to the second."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.instants import beginning, ending
from reconciler.domain.policy import Window


def test_a_date_begins_and_ends_with_its_day_in_utc() -> None:
    assert beginning("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
    assert ending("2026-11-22") == datetime(2026, 11, 23, tzinfo=UTC)


def test_an_offset_is_taken_into_account() -> None:
    assert ending("2026-11-22T16:00:00+01:00") == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert ending("2026-11-22T16:00:00-09:30").isoformat() == "2026-11-23T01:30:00+00:00"
    assert beginning("2026-11-22T16:00Z").tzinfo is UTC


@pytest.mark.parametrize(("seconds", "is_open"), [(-1, True), (0, False), (1, False)])
def test_a_window_is_closed_from_its_last_instant_on(seconds: int, is_open: bool) -> None:
    window = Window(None, ending("2026-11-22"))
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert window.contains(midnight + timedelta(seconds=seconds)) is is_open


@pytest.mark.parametrize(("seconds", "is_open"), [(-1, False), (0, True), (1, True)])
def test_a_window_is_open_from_its_first_instant_on(seconds: int, is_open: bool) -> None:
    start = beginning("2026-11-22T08:00:00+05:45")
    assert Window(start, None).contains(start + timedelta(seconds=seconds)) is is_open


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", "2026-10-25T03:00:00"),
        ("America/New_York", "2026-03-08T02:00:00"),
        ("Australia/Lord_Howe", "2026-04-05T02:00:00"),
    ],
)
@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_change_of_the_clocks_moves_no_instant(
    zone: str, change: str, seconds: int, fold: int
) -> None:
    local = datetime.fromisoformat(change).replace(tzinfo=ZoneInfo(zone), fold=fold)
    instant = local.astimezone(UTC) + timedelta(seconds=seconds)
    text = instant.astimezone(ZoneInfo(zone)).isoformat()
    assert beginning(text) == ending(text) == instant


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - the offset is drawn
    st.integers(-14 * 60, 14 * 60),
)
def test_any_instant_is_read_as_the_library_reads_it(local: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    text = local.replace(microsecond=0).isoformat() + offset
    assert beginning(text) == datetime.fromisoformat(text)


@pytest.mark.parametrize("read", [beginning, ending])
@given(text=st.text(max_size=30))
def test_any_other_text_is_a_value_error(read: Callable[[str], datetime], text: str) -> None:
    try:
        read(text)
    except ValueError as error:
        assert str(error).startswith("`")  # noqa: PT017 - either outcome is right
