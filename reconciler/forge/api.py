"""Calls of a REST API: tried again where that is harmless, page by page, archives from storage."""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from reconciler.forge.answers import Answer, failure, value_of, wait_asked
from reconciler.forge.base import ForgeError
from reconciler.forge.http import ApiAddress, UnansweredError, UnsentError, Wire

ATTEMPTS = 4
"""Of one call, the first included."""
WAIT_BUDGET = 60.0
"""Seconds that all calls of one client may wait together; who must wait longer gives up."""
MAX_PAGES = 100
_SETTLING = (1.0, 2.0, 4.0, 8.0)
"""Seconds before what is not there is looked for again."""
_OK = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)
_ELSEWHERE = (HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT)
_T = TypeVar("_T")


class _AgainError(ForgeError):
    """Another attempt may help."""

    def __init__(self, error: ForgeError, *, seconds: float | None, is_harmless: bool) -> None:
        super().__init__(error.message, error.remedy)
        self.seconds = seconds
        """How long the host asks to wait; None when it does not."""
        self.is_harmless = is_harmless
        """Whether nothing can have happened."""


class Api:
    """One host's API; use as a context manager. Not for several threads.

    `needs` of every method is the permission that the call takes, for the remedy. Every method
    raises ForgeError, of it ForbiddenError for 401, 403 and 404 (AbsentError).
    """

    def __init__(
        self,
        address: ApiAddress,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._address = address
        self._wire = Wire(address, monotonic)
        self._sleep = sleep
        self._may_wait = WAIT_BUDGET

    def get(self, path: str, *, needs: str) -> Any:
        """Return the JSON value at a path."""
        return value_of(self._call("GET", self._address.url + path, needs))

    def pages(self, path: str, params: Mapping[str, str], *, needs: str) -> Iterator[Any]:
        """Yield the JSON value of each page of at most 100 items.

        Follows `X-Next-Page` where it is sent (GitLab, "Offset-based pagination"), else the link
        with rel=next (GitHub, "Using pagination in the REST API"). Raises ForgeError for a link
        out of the API, a page that comes again, and more than `MAX_PAGES`.
        """
        query = urlencode({**params, "per_page": "100"}, quote_via=quote)
        url: str | None = f"{self._address.url}{path}?{query}"
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) == MAX_PAGES:
                raise ForgeError(
                    f"{self._address.name}: {path} repeats a page or has more than {MAX_PAGES}",
                    "A part tells nothing. Remove what is not needed any more, or try again later.",
                )
            seen.add(url)
            answer = self._call("GET", url, needs)
            yield value_of(answer)
            url = _following(answer, url)

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        needs: str,
        is_repeatable: bool = True,
    ) -> Any:
        """Change something and return the JSON value of the answer; None when there is none.

        `is_repeatable`: doing it twice is doing it once, so it is tried again when an answer is
        lost (PATCH, PUT, DELETE). Otherwise only when nothing can have happened.
        """
        url = self._address.url + path
        return value_of(self._call(method, url, needs, body=body, is_repeatable=is_repeatable))

    def archive(self, path: str, *, needs: str) -> bytes:
        """Return the archive at a path, from wherever the host keeps it.

        The host may redirect once, to a signed address (GitHub, "Download an artifact"; GitLab,
        "Job artifacts API"), which is asked without the token. Raises AbsentError when it is gone.
        """

        def ask() -> Answer:
            answer = self._wire.send("GET", self._address.url + path)
            return self._judged(answer, needs, fine=(*_OK, *_ELSEWHERE))

        def fetch() -> Answer:
            return self._judged(self._wire.fetch(place, answer.call), needs)

        answer = self._tried(ask, is_repeatable=True)
        if answer.status in _OK:
            return answer.body
        place = answer.headers.get("location", "")
        return self._tried(fetch, is_repeatable=True).body

    def settled(self, ask: Callable[[], _T | None]) -> _T | None:
        """Return what is found, asking again for some seconds while there is nothing.

        For what a host notes some time after it told of the event: which request a commit belongs
        to is often not known when the push of the merge has already started a job
        (projectcalico/calico#13157, tektoncd/pipelines-as-code#2382).
        """
        for seconds in _SETTLING:
            found = ask()
            if found is not None or seconds > self._may_wait:
                return found
            self._may_wait -= seconds
            self._sleep(seconds)
        return ask()

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(
        self,
        method: str,
        url: str,
        needs: str,
        *,
        body: Mapping[str, Any] | None = None,
        is_repeatable: bool = True,
    ) -> Answer:
        def once() -> Answer:
            return self._judged(self._wire.send(method, url, body), needs)

        return self._tried(once, is_repeatable=is_repeatable)

    def _judged(self, answer: Answer, needs: str, fine: tuple[int, ...] = _OK) -> Answer:
        """Return a good answer; a limit is refused before any effect, a failed server is not."""
        if answer.status in fine:
            return answer
        error = failure(answer, self._address.remedy.format(needs=needs))
        seconds = wait_asked(answer)
        if seconds is not None:
            raise _AgainError(error, seconds=seconds, is_harmless=True)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _AgainError(error, seconds=None, is_harmless=False)
        raise error

    def _tried(self, request: Callable[[], Answer], *, is_repeatable: bool) -> Answer:
        attempt = 1
        while True:
            try:
                return request()
            except UnsentError as error:
                failed = _AgainError(error, seconds=None, is_harmless=True)
            except UnansweredError as error:
                failed = _AgainError(error, seconds=None, is_harmless=False)
            except _AgainError as error:
                failed = error
            if not (is_repeatable or failed.is_harmless):
                raise ForgeError(
                    f"{failed.message}; it may or may not have happened",
                    "The next run looks for what is there before it writes.",
                ) from None
            self._pause(failed, attempt)
            attempt += 1

    def _pause(self, failed: _AgainError, attempt: int) -> None:
        """Wait before the next attempt; raises ForgeError when there is none."""
        seconds = 2.0 ** (attempt - 1) if failed.seconds is None else failed.seconds
        if attempt == ATTEMPTS:
            raise ForgeError(f"{failed.message}, {ATTEMPTS} times", failed.remedy)
        if seconds > self._may_wait:
            raise ForgeError(
                f"{failed.message}; the next attempt is {seconds:.0f} s away, which is too long",
                "Run the job again later.",
            )
        self._may_wait -= seconds
        self._sleep(seconds)


def _following(answer: Answer, url: str) -> str | None:
    """Return the address of the next page, None after the last one."""
    page = answer.headers.get("x-next-page")
    if page is None:
        # The same fences as for any call stand in front of it: see Wire.send.
        return answer.next_link or None
    if not page:
        return None
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), "page": page}
    return parts._replace(query=urlencode(query, quote_via=quote)).geturl()
