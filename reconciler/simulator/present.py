"""The sample company as it would be on another day: every date moves by the same number of days.

A rehearsal is about people who logged in last week. A file with fixed dates is about people nobody
has seen for years, as soon as it is old enough.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from reconciler.simulator.dice import written
from reconciler.simulator.world import World, export, parse

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def as_of(world: World, today: datetime) -> World:
    """Return the world with its dates moved by whole days, so that its last login is of today.

    `today` is aware. A world that is not older than a day, or in which nobody logged in, stays.
    """
    logins = [user.last_login for user in world.users.values() if user.last_login]
    days = (today - datetime.fromisoformat(max(logins))).days if logins else 0
    return parse(_moved(export(world), timedelta(days=days))) if days > 0 else world


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        return {key: _moved(inner, by) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(inner, by) for inner in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return written(datetime.fromisoformat(value) + by)
    return value
