"""What a code host's status, headers and body mean. Pure rules; nothing here opens a socket."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from reconciler.console import strict_json
from reconciler.errors import NotUnderstoodError
from reconciler.forge.base import ForbiddenError, ForgeError

_MAX_QUOTE = 300
_UNNAMED_WAIT = 60.0
"""Seconds to wait when a limit does not say how long: "at least one minute" (GitHub, "Rate limits
for the REST API")."""
_LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_REJECTED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class AbsentError(ForbiddenError):
    """404 or 410: it is not there, or not for this token; hosts do not tell the two apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    host: str
    """Name of the host, for messages."""
    call: str
    """Method and path, for messages."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names."""
    body: bytes = field(repr=False)
    next_link: str = field(default="", repr=False)
    """Target of the `Link` header with rel=next, as sent."""
    token: str = field(default="", repr=False)
    """What was sent to get it; hidden where the answer is quoted, in case it is echoed."""


def value_of(answer: Answer) -> Any:
    """Return the JSON value of a good answer, None when it has no body; raises ForgeError."""
    if not answer.body:
        return None
    try:
        return strict_json.parse(answer.body)
    except NotUnderstoodError as error:
        reason = error.message.partition(": ")[2]
        raise ForgeError(
            f"{answer.host} was not understood at {answer.call}: {reason}",
            "Look whether a proxy or a login page is between this job and the API.",
        ) from None


def wait_asked(answer: Answer) -> float | None:
    """Return how many seconds a limit asks to wait; None when this is no limit.

    GitHub says 403 or 429 for both its limits: the primary one with `x-ratelimit-remaining: 0`
    and the instant in `x-ratelimit-reset`, the secondary one with `retry-after` or in its message
    ("Rate limits for the REST API"). GitLab says 429 with `Retry-After` and `RateLimit-Reset`
    ("User and IP rate limits"). Instants are compared with the answer's own `Date`.
    """
    if answer.status not in _LIMITED:
        return None
    headers = answer.headers
    if "retry-after" in headers:
        return _seconds(headers["retry-after"], headers)
    for prefix in ("x-ratelimit-", "ratelimit-"):
        if headers.get(f"{prefix}remaining") == "0" and f"{prefix}reset" in headers:
            return _until(headers[f"{prefix}reset"], headers)
    named = "rate limit" in _said(answer).casefold()
    return _UNNAMED_WAIT if named or answer.status == HTTPStatus.TOO_MANY_REQUESTS else None


def failure(answer: Answer, remedy: str) -> ForgeError:
    """Return the error that a status means; `remedy` says which permission the call needs.

    The host's own words are quoted, control characters escaped and cut at 300 characters.
    """
    said = _said(answer)
    told = f'; it said "{_quotable(said, answer)}"' if said else ""
    message = f"{answer.host} answered {answer.status} to {answer.call}{told}"
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return ForbiddenError(message, f"The token is wrong, expired or revoked. {remedy}")
    if answer.status in _GONE:
        return AbsentError(message, remedy)
    if answer.status == HTTPStatus.FORBIDDEN:
        return ForbiddenError(message, remedy)
    if answer.status in _REJECTED and "too long" in said:
        return ForgeError(
            f"the text is too long for {answer.host}: {message}",
            "Shorten the text; nothing was written.",
        )
    if answer.status // 100 == 3:  # noqa: PLR2004 - a class of statuses
        return ForgeError(
            f"{message}, a redirect, which is not followed",
            "The repository was moved or renamed; run the job where it is now.",
        )
    return ForgeError(message, f"Look at the status page of {answer.host}, and try again later.")


def text(item: Any, *keys: str) -> str:
    """Return the text at a path of keys; raises ForgeError when there is none."""
    return str(_typed(item, keys, lambda value: isinstance(value, str)))


def text_or_nothing(item: Any, *keys: str) -> str:
    """Return the text at a path of keys; empty where it, or anything above it, is null.

    A deleted account is null at GitHub; an empty body is null too.
    """
    for key in keys:
        if item is None:
            return ""
        item = _at(item, key, keys)
    return "" if item is None else text({"": item}, "")


def digits(item: Any, *keys: str) -> str:
    """Return the whole number at a path of keys as digits; raises ForgeError."""
    return str(_typed(item, keys, lambda value: type(value) is int and value >= 0))


def flag(item: Any, *keys: str) -> bool:
    """Return the boolean at a path of keys; raises ForgeError."""
    return bool(_typed(item, keys, lambda value: isinstance(value, bool)))


def moment(item: Any, *keys: str) -> datetime:
    """Return the instant at a path of keys, in RFC 3339 with a time zone; raises ForgeError."""
    return datetime.fromisoformat(_typed(item, keys, _is_moment))


def moment_or_none(item: Any, key: str) -> datetime | None:
    """Return the instant at a key, None where it is null or left out; raises ForgeError."""
    return None if isinstance(item, dict) and item.get(key) is None else moment(item, key)


def items(value: Any, *keys: str) -> list[Any]:
    """Return the list at a path of keys, or the value itself; raises ForgeError."""
    return list(_typed(value, keys, lambda found: isinstance(found, list)))


def objects(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the list of objects at a path of keys, or the value itself; raises ForgeError."""
    found = items(value, *keys)
    if not all(isinstance(one, dict) for one in found):
        raise _misshapen(keys)
    return found


def _typed(item: Any, keys: tuple[str, ...], fits: Callable[[Any], bool]) -> Any:
    for key in keys:
        item = _at(item, key, keys)
    if not fits(item):
        raise _misshapen(keys)
    return item


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _at(item: Any, key: str, keys: tuple[str, ...]) -> Any:
    if not isinstance(item, dict) or key not in item:
        raise _misshapen(keys)
    return item[key]


def _misshapen(keys: tuple[str, ...]) -> ForgeError:
    where = ".".join(keys) or "its top level"
    return ForgeError(
        f"the code host's answer does not have the documented form at `{where}`",
        "Look whether the API's address is right; a newer version of this tool may be needed.",
    )


def _seconds(told: str, headers: Mapping[str, str]) -> float:
    """Read `Retry-After`: seconds or an HTTP date."""
    if told.isascii() and told.isdigit():
        return float(told[:9])
    instant, now = _instant(told), _instant(headers.get("date", ""))
    if instant is None or now is None:
        return _UNNAMED_WAIT
    return max(0.0, (instant - now).total_seconds())


def _until(epoch: str, headers: Mapping[str, str]) -> float:
    now = _instant(headers.get("date", ""))
    if now is None or not (epoch.isascii() and epoch.isdigit()):
        return _UNNAMED_WAIT
    return max(0.0, float(epoch[:12]) - now.timestamp()) + 1.0


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _said(answer: Answer) -> str:
    """Return the words of an error body: `message` or `error`, with details beside it."""
    try:
        value = strict_json.parse(answer.body)
    except NotUnderstoodError:
        return ""
    if not isinstance(value, dict):
        return ""
    told = (_words(value.get(key)) for key in ("message", "error", "errors"))
    return "; ".join(words for words in told if words)


def _words(value: Any) -> str:
    """Write what may be a text, a list, or an object as `{"body": ["is too long"]}`."""
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        told = {"": value["message"]} if "message" in value else value
        return " ".join(f"{key} {_words(item)}".strip() for key, item in told.items())
    return "" if value is None else str(value)


def _quotable(said: str, answer: Answer) -> str:
    hidden = said.replace(answer.token, "(hidden)") if answer.token else said
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in hidden)
    return shown if len(shown) <= _MAX_QUOTE else f"{shown[:_MAX_QUOTE]}..."
