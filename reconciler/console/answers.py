"""What a status and an error body mean, as one of our errors with a remedy.

Errors here refine those of `reconciler.errors` where the client or a caller must tell them apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from reconciler.console import strict_json
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    LostAnswerError,
    MissingError,
    NotUnderstoodError,
    UnreachableError,
)

_MAX_QUOTE = 300
_MAX_ERRORS = 3
_BAD_CREDENTIAL = (
    "The token is wrong, expired or revoked: look at SENTINELONE_TOKEN, SENTINELONE_TOKEN_FILE or"
    " the profile of the credentials file, and make a new token in the console if needed."
)


class NotSentError(UnreachableError):
    """No connection was made, so the request never left; any method may try again."""


class NoAnswerError(UnreachableError):
    """The request left and no usable answer came; a write may have happened."""


class BusyError(UnreachableError):
    """429: refused before any effect; any method may try again after `retry_after`."""

    def __init__(self, message: str, remedy: str, retry_after: str | None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
        """The header as sent: seconds, an HTTP date, something else or None."""


class BrokenConsoleError(UnreachableError):
    """5xx: the console failed; a write may have happened."""


class ForbiddenError(DeniedError):
    """403: the token is good, but may not do this."""


class ElsewhereError(NotUnderstoodError):
    """404 or 501 from something between us and the API: nothing is known about the thing."""


class RejectedError(ConsoleError):
    """400, 409 and their like: the console understood, said no, and did nothing."""

    def __init__(self, message: str, remedy: str, status: int) -> None:
        super().__init__(message, remedy)
        self.status = status


_ABOUT_THE_THING = (404, 501)
_NOT_THE_API = (
    "Check that the URL is the console itself and that no proxy or login page is between."
)
_NOT_HERE = "This console does not have it, or not for this token."
_CALL = re.compile(r"([A-Z]+) /([^/]+)(/.*)?")
_PAGES = {
    "user": "Users",
    "users": "Users",
    "service-users": "Service Users",
    "rbac": "Roles",
    "sites": "Sites",
    "accounts": "Accounts",
    "activities": "Activity Page",
}
_VERBS = {"GET": "view", "POST": "create", "PUT": "edit", "DELETE": "delete"}
_MEANINGS: dict[int, tuple[type[ConsoleError], str]] = {
    401: (DeniedError, _BAD_CREDENTIAL),
    404: (MissingError, _NOT_HERE),
    501: (MissingError, _NOT_HERE),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names."""
    body: bytes = field(repr=False)
    """Decoded from its content coding."""
    token: str = field(default="", repr=False)
    """What was sent to get it; hidden wherever the answer is quoted, in case it is echoed."""


def success(answer: Answer, call: str) -> Mapping[str, Any]:
    """Return the parsed body of a good answer; `call` names it, e.g. `GET /users`.

    A body with `errors` that are not null or empty is refused even under status 200, with data
    beside them or not (T48). Raises NotUnderstoodError, or what `failure` says for other statuses.
    """
    if answer.status not in {200, 201}:
        raise failure(answer, call)
    if _is_page(answer):
        raise NotUnderstoodError(
            f"{call}: the console answered with a web page instead of data",
            _NOT_THE_API,
        )
    try:
        body = strict_json.parse(answer.body)
    except NotUnderstoodError as error:
        raise NotUnderstoodError(f"{call}: {error.message}", error.remedy) from None
    if not isinstance(body, dict):
        raise NotUnderstoodError(f"{call}: the console's answer is not a JSON object", _NOT_THE_API)
    if body.get("errors") not in (None, []):
        raise NotUnderstoodError(
            f"{call}: the console reported errors beside its data{_said(body, answer)}",
            "Nothing may be concluded from half an answer. Try again later.",
        )
    return body


def failure(answer: Answer, call: str) -> ConsoleError:
    """Return the error that a status other than 200 means (API reference, section 2).

    The console's `title` and `detail` are quoted, control characters escaped and cut at 300
    characters; bodies that are not JSON are not quoted.
    """
    body = _lenient(answer)
    message = f"{call}: the console answered {answer.status}{_said(body, answer)}"
    in_its_words = isinstance(body, dict) and isinstance(body.get("errors"), list)
    if answer.status in _ABOUT_THE_THING and not in_its_words:
        # Some gateway or proxy speaks: whether the thing exists is not known (section 2.1).
        return ElsewhereError(f"{message}, but not in the API's words", _NOT_THE_API)
    if answer.status == HTTPStatus.FORBIDDEN:
        return ForbiddenError(message, _allowance(call))
    if answer.status in _MEANINGS:
        kind, remedy = _MEANINGS[answer.status]
        return kind(message, remedy)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        remedy = "Too many calls; wait a few minutes, and keep other tools off this token."
        asked = answer.headers.get("retry-after")
        return BusyError(message, remedy, asked and _quotable(asked, answer))
    return _by_class(answer, message)


def lost(error: ConsoleError, call: str) -> LostAnswerError:
    """Return the error of a write that was sent and whose answer is of no use."""
    told = error.message if error.message.startswith(call) else f"{call}: {error.message}"
    return LostAnswerError(
        f"{told}; it may or may not have happened",
        "Read the principal again to see; the next plan shows what is left to do.",
    )


def _allowance(call: str) -> str:
    """Name the permission that a call needs, where it is known (API reference, section 1.3)."""
    found = _CALL.fullmatch(call)
    # What is posted below a path is another matter each time, and not known.
    is_known = found and found[2] in _PAGES and not (found[1] == "POST" and found[3])
    named = f" {_PAGES[found[2]]}.{_VERBS[found[1]]}" if found and is_known else ""
    return f"Give the token's role the permission{named}, or use a token of a wider scope."


def _by_class(answer: Answer, message: str) -> ConsoleError:
    match answer.status // 100:
        case 3:
            message += f", a redirect to {_target(answer)}, which is never followed"
            return NotUnderstoodError(message, "Set SENTINELONE_URL to the console's own address.")
        case 4:
            remedy = "The console refused the request and did nothing; its words say why."
            return RejectedError(message, remedy, answer.status)
        case 5:
            return BrokenConsoleError(message, "The console has trouble. Try again later.")
    return NotUnderstoodError(message, "An answer of this kind is not documented.")


def _lenient(answer: Answer) -> Any:
    try:
        return strict_json.parse(answer.body)
    except NotUnderstoodError:
        return None


def _said(body: Any, answer: Answer) -> str:
    """Quote `title` and `detail` of the first few errors."""
    errors = body.get("errors") if isinstance(body, dict) else None
    told = errors[:_MAX_ERRORS] if isinstance(errors, list) else []
    parts = [
        ": ".join(str(error[key]) for key in ("title", "detail") if error.get(key))
        for error in told
        if isinstance(error, dict)
    ]
    words = "; ".join(part for part in parts if part)
    return f' and said "{_quotable(words, answer)}"' if words else ""


def _quotable(text: str, answer: Answer) -> str:
    hidden = text.replace(answer.token, "(hidden)") if answer.token else text
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in hidden)
    return shown if len(shown) <= _MAX_QUOTE else f"{shown[:_MAX_QUOTE]}..."


def _target(answer: Answer) -> str:
    found = re.match(r"(?:https?:)?//(?:[^/?#]*@)?([^/?#]+)", answer.headers.get("location", ""))
    return _quotable(found[1], answer) if found else "a path of the same host"


def _is_page(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind or answer.body.lstrip()[:1] == b"<"
