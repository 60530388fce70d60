"""How an instant is written wherever a machine reads it again."""

from datetime import datetime


def instant_text(instant: datetime) -> str:
    """Write an instant in UTC as `2026-11-22T08:00:00Z`."""
    return instant.isoformat().replace("+00:00", "Z")
