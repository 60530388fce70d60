"""Dates and times as policies write them -> instants in UTC. Pure; knows no clock."""

import re
from datetime import UTC, datetime, timedelta, timezone

from reconciler.documents.wording import shown

_FORM = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?P<time>[Tt](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2}))?"
    r"(?P<offset>[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-9]{2}))?)?"
)
_YEARS = range(1970, 9999)
_MAX_OFFSET = timedelta(hours=14)


def beginning(text: str) -> datetime:
    """Return the instant that `from: TEXT` means, in UTC; a date begins at 00:00 UTC.

    Raises ValueError with a sentence for the reader.
    """
    return _instant(text)[0]


def ending(text: str) -> datetime:
    """Return the first instant after `until: TEXT`, in UTC; a date counts to its end.

    Raises ValueError with a sentence for the reader.
    """
    instant, is_date = _instant(text)
    return instant + timedelta(days=1) if is_date else instant


def _instant(text: str) -> tuple[datetime, bool]:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is neither a date nor a date and time with an offset")
    if int(found["year"]) not in _YEARS:
        raise ValueError(f"{shown(text)} lies outside the years {_YEARS[0]} to {_YEARS[-1]}")
    try:
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{shown(text)} names a day that does not exist") from None
    if found["time"] is None:
        return day, True
    try:
        time = day.replace(
            hour=int(found["hour"]), minute=int(found["minute"]), second=int(found["second"] or 0)
        )
    except ValueError:
        raise ValueError(f"{shown(text)} names a time of day that does not exist") from None
    return time.replace(tzinfo=_zone(found, text)).astimezone(UTC), False


def _zone(found: re.Match[str], text: str) -> timezone:
    if found["offset"] is None:
        raise ValueError(f"{shown(text)} has no offset, so it names no instant")
    if found["sign"] is None:
        return UTC
    hours, minutes = int(found["hours"]), int(found["minutes"])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{shown(text)} has an offset that does not exist")
    return timezone(-offset if found["sign"] == "-" else offset)
