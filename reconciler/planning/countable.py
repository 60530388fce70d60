"""Who can really log in, and why somebody does not count as an admin. Pure; knows no clock."""

from datetime import datetime, timedelta

from reconciler.domain.names import PrincipalKind
from reconciler.domain.state import Principal

LOCAL = "mgmt"
"""The source of users whom the console itself authenticates."""


def could_log_in(principal: Principal) -> bool:
    """Tell whether nothing the console says keeps a person from logging in, however long ago."""
    is_person = principal.kind is PrincipalKind.USER and not principal.is_system
    return is_person and principal.can_log_in


def why_not(principal: Principal, within: timedelta | None, instant: datetime) -> str | None:
    """Return, as a few words, why somebody does not count as able to log in; None who counts.

    `within` is how lately a person must have been seen, None for any time. What cannot be read
    counts as never.
    """
    if principal.kind is PrincipalKind.SERVICE:
        return "a service user"
    if principal.is_system:
        return "the console's own"
    if not principal.can_log_in:
        return _barred(principal)
    return None if within is None else _unseen(principal.last_login, instant - within)


def instant_of(text: str) -> datetime | None:
    """Read an instant as the console writes it; None without an offset or without sense."""
    try:
        seen = datetime.fromisoformat(text)
    except ValueError:
        return None
    return seen if seen.tzinfo is not None else None


def _unseen(last_login: str | None, since: datetime) -> str | None:
    if last_login is None:
        return "never seen"
    seen = instant_of(last_login)
    if seen is None:
        return "last seen at a time that cannot be read"
    return f"not seen since {seen:%Y-%m-%d}" if seen < since else None


def _barred(principal: Principal) -> str:
    if principal.email_verified is False:
        return "address not verified"
    if principal.two_factor == "enrollment_expired":
        return "enrolment of the second factor expired"
    return "no second factor"
