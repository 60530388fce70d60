"""A line to a chat, in the form that Slack's incoming webhooks take and others understand.

Counts, a title in our own words and a link; no name of anybody. The address is a secret, since
whoever has it may write: it is never told.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.ci.issue import News
from reconciler.ci.result import Result
from reconciler.console.origin import is_loopback, normalise_origin
from reconciler.errors import ReconcilerError, SettingsError
from reconciler.settings import ca_file_of, host_suffixes, private_text, proxy_for, token_of
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.client import Sink, SinkError

_VARIABLE = "RECONCILER_CHAT_URL"
_HOSTS = "RECONCILER_ALLOWED_CHAT_HOSTS"
_SLACK = "hooks.slack.com"
_SECONDS = 10.0
_LINK = re.compile(r"https?://[A-Za-z0-9._~/:-]{1,500}")


class ChatError(ReconcilerError):
    """The chat did not take the message."""


def chat_address(environ: Mapping[str, str]) -> SinkAddress | None:
    """Return where messages go, from RECONCILER_CHAT_URL or RECONCILER_CHAT_URL_FILE.

    None when neither is set. https only, or this machine; the host must be hooks.slack.com or,
    when it is set, one of RECONCILER_ALLOWED_CHAT_HOSTS or below one. Raises SettingsError, which
    never repeats the address.
    """
    given = [name for name in (_VARIABLE, f"{_VARIABLE}_FILE") if environ.get(name)]
    if not given:
        return None
    if len(given) > 1:
        told = f"{_VARIABLE} and {_VARIABLE}_FILE are both set"
        raise SettingsError(told, "Set exactly one of the two.")
    name = given[0]
    text = environ[name] if name == _VARIABLE else private_text(Path(environ[name]), name)
    url, origin = _checked(token_of(text, name).reveal(), name, environ)
    return SinkAddress(
        url=url,
        form="chat",
        seconds=_SECONDS,
        proxy=proxy_for(environ, origin),
        ca_file=ca_file_of(environ),
    )


def message(result: Result, news: News, url: str = "") -> str:
    """Return the line for a run; empty when there is nothing that a chat should be told.

    Told is drift that is new, another, over, or not known to be old, a search for drift that
    failed, and an apply that was refused or failed. `url` is that of the issue about drift.
    """
    lead = ""
    if result.command == "drift" and result.is_failed:
        lead = "Whether there is drift is not known"
    elif result.command == "drift":
        lead = {News.NEW: "New drift", News.ENDED: "Drift is over"}.get(news, "")
        lead = "Drift" if news is News.UNKNOWN else lead
    elif result.command == "apply" and (result.is_refused or result.is_failed):
        lead = "Apply refused" if result.is_refused else "Apply failed"
    if not lead:
        return ""
    host = result.console.partition("://")[2]
    where = f" ({_escaped(host)})" if host else ""
    links = [f"<{url}|Issue>"] if _LINK.fullmatch(url) else []
    links += [f"<{result.run_url}|Run {result.run}>"] if result.run_url else []
    return f"*{lead}*{where}: {_escaped(result.title)} {' '.join(links)}".rstrip()


def send(
    address: SinkAddress,
    text: str,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Send a line; raises ChatError when the chat did not take it after three attempts."""
    try:
        with Sink(address, monotonic, sleep) as sink:
            sink.hand_over([{"text": text}])
    except SinkError as error:
        # What stands behind the address, or all of it where the address does not occur.
        what = error.message.rpartition(address.url)[2].strip()
        raise ChatError(
            f"The message was not sent: the chat {what}",
            f"Look at the address in {_VARIABLE}; a new one is made in the chat's settings.",
        ) from None


def _checked(url: str, name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return an address and its origin; its path is whatever the chat gave out."""
    allowed = host_suffixes(environ, _HOSTS) or [_SLACK]
    try:
        parts = urlsplit(url)
        origin = normalise_origin(parts._replace(path="", query="").geturl(), allowed)
        _check(origin, parts.path, allowed)
    except ValueError as error:
        raise SettingsError(
            f"{name} {error}",
            f"Give the address that the chat gave out, https://{_SLACK}/services/...; other hosts "
            f"must be listed in {_HOSTS}.",
        ) from None
    query = f"?{parts.query}" if parts.query else ""
    return f"{origin}{parts.path}{query}", origin


def _check(origin: str, path: str, allowed: list[str]) -> None:
    """Raise ValueError for the vendor's own hosts, which may do for a sink but are no chat."""
    host = urlsplit(origin).hostname or ""
    if not is_loopback(host) and not any(_is_below(host, suffix) for suffix in allowed):
        raise ValueError("has a host that is not allowed")
    if not path.strip("/"):
        raise ValueError("is not the whole address of a webhook")


def _is_below(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(f".{suffix}")


def _escaped(text: str) -> str:
    """Escape the three characters that Slack's markup is made of ("Formatting text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
