"""What every request to GitLab passes, and how its lists are paged."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from codehost.exchange import Asked, Refused, Reply
from codehost.gitlab_views import Views
from codehost.gitlab_world import Token, World
from codehost.server import Host

PREFIX = "/api/v4"
_T = TypeVar("_T")


def refusal(status: int, message: Any) -> Refused:
    return Refused(status, {"message": message})


class Door(Host):
    """One project, who may enter it, and how lists are paged."""

    def __init__(self, path: str = "acme/access") -> None:
        super().__init__()
        self.world = World(path, lambda: self.now)
        self._token: Token | None = None

    @property
    def api(self) -> str:
        """The value of CI_API_V4_URL."""
        return self.url + PREFIX

    @property
    def views(self) -> Views:
        return Views(self.world, self.url)

    def admit(self, asked: Asked) -> None:
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        value = asked.headers.get("private-token") or bearer
        if "job-token" in asked.headers and "/artifacts" not in asked.path:
            raise refusal(401, "401 Unauthorized")  # it opens hardly anything
        value = asked.headers.get("job-token", value)
        self._token = self.world.tokens.get(value)
        if value and self._token is None:
            raise refusal(401, "401 Unauthorized")
        if self._token:
            asked.who = self._token.member.username
        if not asked.path.startswith(f"{PREFIX}/"):
            self.errors.append(f"not below {PREFIX}: {asked.target}")
            raise refusal(404, "404 Not Found")
        asked.target = asked.target.removeprefix(PREFIX)
        project = re.match(r"/projects/([^/]+)", asked.path)
        if project:
            known = {str(self.world.id), quote(self.world.path, safe="")}
            if project[1] not in known or (self.world.is_private and not self._token):
                raise refusal(404, "404 Project Not Found")

    def need(self, role: int) -> Token:
        """Return the token if it may write and its member has at least that role."""
        if self._token is None:
            raise refusal(401, "401 Unauthorized")
        if self._token.scope != "api":
            described = "The request requires higher privileges than provided by the access token."
            content = {"error": "insufficient_scope", "error_description": described}
            raise Refused(403, content | {"scope": "api"})
        if self._token.member.role < role:
            raise refusal(403, "403 Forbidden")
        return self._token

    def page(
        self, asked: Asked, things: Sequence[_T], render: Callable[[_T], Any], *,
        has_keyset: bool = False,
    ) -> Reply:  # fmt: skip
        """Return one page of at most 100; with `pagination=keyset` only a link leads on."""
        if asked.query.get("pagination") == "keyset":
            if not has_keyset:
                message = "Keyset pagination is not yet available for this type of request"
                raise Refused(405, {"error": message})
            return self._keyset(asked, things, render)
        size = min(_positive(asked.query.get("per_page"), 20), 100)
        page = _positive(asked.query.get("page"), 1)
        last = max(-(-len(things) // size), 1)
        named = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
        there = {name: at for name, at in named.items() if 1 <= at <= last}
        headers = {
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Prev-Page": str(there.get("prev", "")),
            "X-Next-Page": str(there.get("next", "")),
            "Link": ", ".join(self._link(asked, name, page=at) for name, at in there.items()),
        }
        if len(things) <= 10_000:
            headers |= {"X-Total": str(len(things)), "X-Total-Pages": str(last)}
        return Reply(200, [render(t) for t in things[(page - 1) * size : page * size]], headers)

    def _keyset(self, asked: Asked, things: Sequence[_T], render: Callable[[_T], Any]) -> Reply:
        size = min(_positive(asked.query.get("per_page"), 20), 100)
        start = _positive(asked.query.get("cursor"), 0)
        more = start + size < len(things)
        headers = {"Link": self._link(asked, "next", cursor=start + size)} if more else {}
        return Reply(200, [render(thing) for thing in things[start : start + size]], headers)

    def _link(self, asked: Asked, name: str, **changed: int) -> str:
        query = urlencode(asked.query | {key: str(value) for key, value in changed.items()})
        return f'<{self.api}{asked.path}?{query}>; rel="{name}"'


def _positive(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else otherwise
