"""GitHub's REST API, as far as a bot that comments, labels and fetches artifacts needs it.

Written from GitHub's published documentation (docs.github.com/rest, version 2022-11-28), and from
what users report of the service: a token with `pull-requests: write` alone cannot put a label on
that the repository does not know (actions/labeler#870); links to further pages name the repository
by its number; a signed address of an artifact refuses the API's Authorization header.

    with github.running() as host:
        token = host.world.actions_token({"pull-requests": "write"})
        pull = host.world.open_pull("ada", "More for Bo", HEAD, "more", BASE)
        ...  # GITHUB_API_URL=host.api GITHUB_SERVER_URL=host.web.url GITHUB_TOKEN=token ...
        assert host.world.comments_on(pull.number)[0].author.login == "github-actions[bot]"
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from codehost import exchange, server
from codehost.certificates import certify
from codehost.exchange import Fault
from codehost.github_base import DOCS
from codehost.github_talk import Talk
from codehost.github_work import Work


class GitHub(Talk, Work):
    """The API over one repository."""


def secondary_limit(status: int = 403, retry_after: str | None = "60") -> Fault:
    """Return the fault of asking too fast; None: without the header, as it also happens."""
    content = {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you "
        "try again.",
        "documentation_url": f"{DOCS}/overview/rate-limits-for-the-rest-api",
    }
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return exchange.answer(status, content, headers)


@contextlib.contextmanager
def running(repository: str = "acme/access", prefix: str = "", port: int = 0) -> Iterator[GitHub]:
    """Serve the API and, on other ports, archives and git, for the length of a block."""
    host = GitHub(repository, prefix)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        host.web.trusted, host.web.tls = certify(folder)
        stack.enter_context(server.running(host.shelf))
        stack.enter_context(server.running(host.web))
        stack.enter_context(server.running(host, port))
        yield host
