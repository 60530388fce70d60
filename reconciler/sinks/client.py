"""One sink over HTTP. Beside the console's transport the only module that knows httpx.

The same fences: nothing is taken from the environment, no redirect is followed, no cookie is
kept, and one exchange has one time limit. Sending again is harmless here, since every event has
a uid that never changes.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Self

import httpx

from reconciler.console.deadline import Deadline
from reconciler.console.transport import fenced_client
from reconciler.errors import ReconcilerError
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.bodies import body_of

_PAUSES = (1.0, 3.0)
"""Seconds before the second and the third attempt."""
_MAX_ANSWER = 65_536
_BUSY = 429
_SERVER_ERROR = 500
_NOT_LET_IN = frozenset({401, 403})

_LATER = "The next apply delivers what it has not taken; so does `audit export --to`."
_NEW_KEY = (
    "Put a token that it accepts into the file that RECONCILER_SINK_TOKEN_FILE names; then the "
    "next apply, or `audit export --to`, delivers what it has not taken."
)


class SinkError(ReconcilerError):
    """The sink did not take what it was sent."""


class _AgainError(SinkError):
    """Another attempt may help."""


class Sink:
    """Sends events to one address; use as a context manager."""

    def __init__(
        self,
        address: SinkAddress,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._address = address
        self._monotonic = monotonic
        self._sleep = sleep
        self._client = fenced_client(address, httpx.Timeout(address.seconds), _headers(address))

    def hand_over(self, events: Sequence[dict[str, Any]]) -> None:
        """Deliver events; return when the sink said that it has them.

        Raises SinkError after three attempts, or at once when it says no.
        """
        kind, content = body_of(events, self._address.form)
        for pause in _PAUSES:
            try:
                return self._post(kind, content)
            except _AgainError:
                self._sleep(pause)
        return self._post(kind, content)

    def _post(self, kind: str, content: bytes) -> None:
        headers, params = {"Content-Type": kind}, {}
        if self._address.form == "sdl":
            params = {"isParsed": "true"}
        url = self._address.url
        # An empty mapping would take the query off the address, which a chat's may have.
        request = self._client.build_request(
            "POST", url, params=params or None, headers=headers, content=content
        )
        try:
            with Deadline(self._monotonic, self._address.seconds):
                response = self._client.send(request, stream=True)
                try:
                    answer = _beginning(response)
                finally:
                    response.close()
        except httpx.HTTPError as error:
            raise _AgainError(*_told(url, f"gave no answer ({_why(error)})")) from None
        self._judge(response.status_code, answer)

    def _judge(self, status: int, answer: bytes) -> None:
        url = self._address.url
        if status == _BUSY or status >= _SERVER_ERROR:
            raise _AgainError(*_told(url, f"answered {status}"))
        if not httpx.codes.is_success(status):
            more = "; redirects are not followed" if httpx.codes.is_redirect(status) else ""
            remedy = _NEW_KEY if status in _NOT_LET_IN else _LATER
            raise SinkError(*_told(url, f"answered {status}{more}", remedy))
        if self._address.form == "sdl" and _code(answer) not in {None, 0}:
            # The data lake may say no with a status that says yes.
            raise SinkError(*_told(url, f"answered {status}, but with the code {_code(answer)}"))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _headers(address: SinkAddress) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    if address.token:
        headers["Authorization"] = f"Bearer {address.token.reveal()}"
    return {**headers, "S1-Scope": address.scope} if address.scope else headers


def _beginning(response: httpx.Response) -> bytes:
    """Return the first bytes of an answer; the rest tells nothing."""
    content = b""
    for chunk in response.iter_raw(4096):
        content += chunk
        if len(content) >= _MAX_ANSWER:
            break
    return content


def _code(answer: bytes) -> object:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, int) else None


def _why(error: httpx.HTTPError) -> str:
    """Tell a name that is not known from a port where nobody listens."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, httpx.ConnectError) and str(error) else kind


def _told(url: str, what: str, remedy: str = _LATER) -> tuple[str, str]:
    return f"The sink {url} {what}.", remedy
