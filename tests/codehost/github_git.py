"""The repository itself, over HTTP, as `git clone` and `git push` ask for it.

It speaks https on a port of its own, as github.com does beside api.github.com; its address is the
value of GITHUB_SERVER_URL. A token may fetch with `contents: read` and push with `contents: write`.
"""

import base64
import binascii
import os
import re
import subprocess
from pathlib import Path

from codehost.exchange import Asked, Refused, Reply
from codehost.github_world import Token, World
from codehost.server import Host, route


class Web(Host):
    """One bare repository behind git's own HTTP server."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.folder: Path | None = None
        """The bare repository."""
        self.trusted = Path()
        """The certificate that clients have to trust: GIT_SSL_CAINFO."""
        self._world = world

    @route("GET", "/{owner}/{name}/info/refs")
    def refs(self, asked: Asked, owner: str, name: str) -> Reply:
        return self._serve(asked, owner, name, asked.query.get("service", ""), "info/refs")

    @route("POST", "/{owner}/{name}/{service}")
    def exchange(self, asked: Asked, owner: str, name: str, service: str) -> Reply:
        return self._serve(asked, owner, name, service, service)

    def _serve(self, asked: Asked, owner: str, name: str, service: str, path: str) -> Reply:
        if f"{owner}/{name.removesuffix('.git')}".lower() != self._world.repository.lower():
            raise Refused(404, b"Repository not found.\n")
        assert self.folder is not None, "the test gave the host no repository"
        is_push = service == "git-receive-pack"
        token = self._token(asked)
        if token is None and (is_push or self._world.is_private):
            raise Refused(401, b"", {"WWW-Authenticate": 'Basic realm="GitHub"'})
        level = "write" if is_push else "read"
        if token and (is_push or self._world.is_private) and not token.may(level, "contents"):
            raise Refused(403, b"Write access to repository not granted.\n")
        asked.who = token.account.login if token else ""
        return self._backend(asked, path)

    def _token(self, asked: Asked) -> Token | None:
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        if not value:
            return None
        try:
            password = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        token = self._world.tokens.get(password)
        if scheme.lower() != "basic" or token is None:
            raise Refused(401, b"", {"WWW-Authenticate": 'Basic realm="GitHub"'})
        return token

    def _backend(self, asked: Asked, path: str) -> Reply:
        """Ask git http-backend, which is a CGI program."""
        assert self.folder is not None
        sent = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": asked.target.partition("?")[2],
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
            "HTTP_GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
            "REMOTE_USER": asked.who,
            "REMOTE_ADDR": "127.0.0.1",
        }
        run = subprocess.run(
            ["git", "http-backend"], input=asked.body, env=sent, capture_output=True, check=True
        )
        head, _, content = run.stdout.partition(b"\r\n\r\n")
        headers = dict(re.findall(r"([\w-]+): ([^\r]*)", head.decode("latin-1")))
        status = int(headers.pop("Status", "200").split()[0])
        return Reply(status, content, headers)
