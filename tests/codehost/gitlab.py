"""GitLab's REST API, as far as a bot that writes notes, labels and fetches artifacts needs it.

Written from docs.gitlab.com/api (notes, merge requests, merge request approvals, issues, commits,
job artifacts, pagination). What is easily forgotten is here: system notes stand among the others
and the newest comes first; a line of a text that begins with `/merge` is a command; an approval
does not say which commit it is for; a fast-forward merge has no merge commit.

    with gitlab.running() as host:
        token = host.world.project_token()
        request = host.world.open_request("ada", "More for Bo", HEAD, "more", BASE)
        ...  # CI_API_V4_URL=host.api CI_PROJECT_ID=host.world.id RECONCILER_GITLAB_TOKEN=token
        assert request.notes[0].author.is_bot
"""

import contextlib
from collections.abc import Iterator

from codehost import exchange, server
from codehost.exchange import Asked, Fault, Reply
from codehost.gitlab_talk import Talk
from codehost.gitlab_work import Work
from codehost.server import route


class GitLab(Talk, Work):
    """The API over one project."""

    @route("GET", "/user")
    def get_user(self, _asked: Asked) -> Reply:
        if self._token is None:
            return exchange.Reply(401, {"message": "401 Unauthorized"})
        member = self._token.member
        return Reply(200, (self.views.member(member) or {}) | {"bot": member.is_bot})

    @route("GET", "/projects/{project}")
    def get_project(self, _asked: Asked, **_: str) -> Reply:
        world = self.world
        found = {"id": world.id, "path_with_namespace": world.path}
        return Reply(200, found | {"default_branch": world.default_branch})


def too_many(retry_after: str = "60") -> Fault:
    """Return the fault of asking too fast."""
    headers = {"Content-Type": "text/plain", "Retry-After": retry_after}
    return exchange.answer(429, b"Retry later\n", headers)


@contextlib.contextmanager
def running(path: str = "acme/access", port: int = 0) -> Iterator[GitLab]:
    """Serve GitLab, and on another port its store of archives, for the length of a block."""
    host = GitLab(path)
    with server.running(host.shelf), server.running(host, port):
        yield host
