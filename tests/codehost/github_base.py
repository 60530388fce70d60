"""What every request to GitHub passes, and the other server that hands out archives."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from codehost.exchange import Asked, Refused, Reply
from codehost.github_git import Web
from codehost.github_views import Views
from codehost.github_world import Artifact, Item, Token, World
from codehost.server import Host, route

DOCS = "https://docs.github.com/rest"
VERSIONS = {"2022-11-28", "2026-03-10"}
INTEGRATION = "Resource not accessible by integration"
PERSONAL = "Resource not accessible by personal access token"
_T = TypeVar("_T")


def refusal(status: int, message: str, **more: Any) -> Refused:
    return Refused(status, {"message": message, "documentation_url": DOCS, **more})


def invalid(resource: str, field: str, code: str, message: str = "") -> Refused:
    error = {"resource": resource, "field": field, "code": code}
    error |= {"message": message} if message else {}
    return refusal(422, "Validation Failed", errors=[error])


class Shelf(Host):
    """The other server: hands out archives to whoever has the signed address, for a minute."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self._signed: dict[str, tuple[Artifact, datetime]] = {}

    def sign(self, artifact: Artifact) -> str:
        name = secrets.token_hex(16)
        self._signed[name] = artifact, self._clock() + timedelta(minutes=1)
        return f"{self.url}/archives/{name}?sig={secrets.token_hex(16)}"

    @route("GET", "/archives/{name}")
    def archive(self, asked: Asked, name: str) -> Reply:
        if "authorization" in asked.headers:
            raise Refused(
                401, b"<?xml version='1.0'?><Error><Code>InvalidAuthenticationInfo</Code>"
            )
        artifact, until = self._signed.get(name, (None, None))
        if artifact is None or until is None or self._clock() > until or "sig" not in asked.query:
            raise Refused(403, b"<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code>")
        return Reply(200, artifact.content, {"Content-Type": "zip"})


class Door(Host):
    """One repository, who may enter it, and how lists are paged."""

    def __init__(self, repository: str = "acme/access", prefix: str = "") -> None:
        super().__init__()
        self.prefix = prefix
        """`/api/v3` on a server of one's own."""
        self.world = World(repository, lambda: self.now)
        self.shelf = Shelf(lambda: self.now)
        self.web = Web(self.world)
        self._token: Token | None = None
        self._version = ""

    @property
    def api(self) -> str:
        """The value of GITHUB_API_URL."""
        return self.url + self.prefix

    # What every request passes

    def admit(self, asked: Asked) -> None:
        if not asked.headers.get("user-agent"):
            raise Refused(
                403,
                b"Request forbidden by administrative rules. Please make sure your request has a "
                b"User-Agent header.\n",
            )
        self._version = asked.headers.get("x-github-api-version", "2022-11-28")
        if self._version not in VERSIONS:
            raise refusal(400, "Invalid API version")
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        self._token = self.world.tokens.get(value.strip())
        if value and (scheme.lower() not in {"bearer", "token"} or not self._token):
            raise refusal(401, "Bad credentials")
        if self._token:
            asked.who = self._token.account.login
            self._count(self._token)
        if not asked.path.startswith(self.prefix):
            self.errors.append(f"not below {self.prefix}: {asked.target}")
            raise refusal(404, "Not Found")
        asked.target = asked.target.removeprefix(self.prefix)
        numbered = f"/repositories/{self.world.id}/"
        if asked.path.startswith(numbered):
            asked.target = asked.target.replace(numbered, f"/repos/{self.world.repository}/", 1)
        self._enter(asked)

    def _count(self, token: Token) -> None:
        if self.now >= token.reset:
            token.reset, token.remaining = self.now + timedelta(hours=1), token.limit
        if token.remaining <= 0:
            raise refusal(403, "API rate limit exceeded for installation ID 1.")
        token.remaining -= 1

    def _enter(self, asked: Asked) -> None:
        """Let strangers see nothing of a private repository, and nobody another one."""
        parts = asked.path.split("/")
        if parts[1] != "repos":
            return
        mine = "/".join(parts[2:4]).lower() == self.world.repository.lower()
        if not mine or (self.world.is_private and not self._token):
            raise refusal(404, "Not Found")
        own = f"/repos/{self.world.repository}"
        asked.target = own + asked.target[len("/".join(parts[:4])) :]

    def decorate(self, asked: Asked, reply: Reply) -> Reply:
        token = self._token or Token(self.world.account("anybody"), {}, self.now, limit=60)
        headers = {
            "X-GitHub-Request-Id": f"{asked.number:04X}:1A2B",
            "X-RateLimit-Limit": str(token.limit),
            "X-RateLimit-Remaining": str(token.remaining),
            "X-RateLimit-Used": str(token.limit - token.remaining),
            "X-RateLimit-Reset": str(int(token.reset.timestamp())),
            "X-RateLimit-Resource": "core",
        }
        return Reply(reply.status, reply.content, headers | reply.headers)

    # Helpers of the routes

    @property
    def views(self) -> Views:
        return Views(self.world, self.api, self.web.url, self._version)

    def need(self, level: str, *permissions: str) -> Token:
        """Return the token if it has one of the permissions at that level; raise a 403."""
        if self._token is None:
            if level == "read":
                return Token(self.world.account("anybody"), {}, self.now)
            raise refusal(401, "Requires authentication")
        if not self._token.may(level, *permissions) and (level == "write" or self.world.is_private):
            raise refusal(403, INTEGRATION if self._token.is_app else PERSONAL)
        return self._token

    def need_for(self, level: str, item: Item) -> Token:
        """An issue needs `issues`; a pull request that or `pull-requests`."""
        return self.need(level, "issues", *(["pull-requests"] if item.pull else []))

    def item(self, number: str) -> Item:
        item = self.world.items.get(int(number)) if number.isdigit() else None
        if item is None:
            raise refusal(404, "Not Found")
        return item

    def page(
        self, asked: Asked, things: Sequence[_T], render: Callable[[_T], Any], key: str = ""
    ) -> Reply:
        """Return one page, with links to the others that name the repository by its number."""
        size = min(_positive(asked.query.get("per_page"), 30), 100)
        page = _positive(asked.query.get("page"), 1)
        last = max(-(-len(things) // size), 1)
        shown = [render(thing) for thing in things[(page - 1) * size : page * size]]
        path = asked.path.replace(
            f"/repos/{self.world.repository}", f"/repositories/{self.world.id}", 1
        )
        links = [("prev", page - 1)] if page > 1 else []
        links += [("next", page + 1), ("last", last)] if page < last else []
        links += [("first", 1)] if page > 1 else []
        text = ", ".join(
            f'<{self.api}{path}?{urlencode(asked.query | {"page": str(number)})}>; rel="{name}"'
            for name, number in links
        )
        content = {"total_count": len(things), key: shown} if key else shown
        return Reply(200, content, {"Link": text} if text else {})


def _positive(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else otherwise
