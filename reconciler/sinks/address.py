"""Which sink, from the command line and the environment; nothing of it is from the repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.audit.export import FORMS
from reconciler.console.origin import normalise_origin
from reconciler.errors import SettingsError
from reconciler.settings import (
    Token,
    ca_file_of,
    host_suffixes,
    private_text,
    proxy_for,
    token_of,
)

DEFAULT_FORM = "ocsf-1.8"
_DATA_LAKE = "/services/collector/event"
"""Where SentinelOne's data lake takes events (reliability, section 3.1)."""
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
_SCOPE = re.compile(r"[0-9]{1,20}(?::[0-9]{1,20})?")
_SECONDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class SinkAddress:
    """How to reach a sink, and what it takes."""

    url: str
    """Whole, without query: `https://host[:port]/path`."""
    form: str
    """One of `audit.export.FORMS`."""
    token: Token | None = None
    scope: str = ""
    """`ACCOUNT[:SITE]` for the data lake's header S1-Scope."""
    seconds: float = 10.0
    """For one whole exchange."""
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


def chosen_sink(
    environ: Mapping[str, str], url: str | None, form: str | None
) -> SinkAddress | None:
    """Return the sink of --sink or else of RECONCILER_SINK; None when neither names one.

    Raises SettingsError naming the variable or the option.
    """
    form = form or environ.get("RECONCILER_SINK_FORMAT") or DEFAULT_FORM
    if url is not None:
        return sink_address(environ, url, form, source="--sink")
    given = environ.get("RECONCILER_SINK", "").strip()
    return sink_address(environ, given, form, source="RECONCILER_SINK") if given else None


def sink_address(environ: Mapping[str, str], url: str, form: str, *, source: str) -> SinkAddress:
    """Return how to reach a sink; raises SettingsError naming `source` or the variable."""
    if form not in FORMS:
        raise SettingsError(
            f"RECONCILER_SINK_FORMAT: {form!a} is no form of events",
            f"Give one of {', '.join(FORMS)}.",
        )
    origin, path = _parts(url.strip(), source, environ)
    if form == "sdl" and path in {"", "/"}:
        path = _DATA_LAKE
    return SinkAddress(
        url=origin + path,
        form=form,
        token=_token(environ),
        scope=_scope(environ, form),
        seconds=_seconds(environ),
        proxy=proxy_for(environ, origin),
        ca_file=ca_file_of(environ),
    )


def _parts(url: str, source: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return origin and path; the text itself is never repeated, it may hold a secret."""
    allowed = host_suffixes(environ, "RECONCILER_ALLOWED_SINK_HOSTS")
    try:
        parts = urlsplit(url)
        path = parts.path
        origin = normalise_origin(parts._replace(path="").geturl(), allowed)
        _check_path(path)
    except ValueError as error:
        raise SettingsError(
            f"{source} {error}",
            "Use the form https://siem.example/events. For a host that is not under "
            ".sentinelone.net name what it ends in, as in RECONCILER_ALLOWED_SINK_HOSTS=siem."
            "example. Secrets go into the file that RECONCILER_SINK_TOKEN_FILE names.",
        ) from None
    return origin, path


def _check_path(path: str) -> None:
    if not _PATH.fullmatch(path) or ".." in path:
        raise ValueError("has a path that is no plain one")
    if path.casefold().startswith("/web/api"):
        raise ValueError("is the console's own API")


def _token(environ: Mapping[str, str]) -> Token | None:
    variable = "RECONCILER_SINK_TOKEN_FILE"
    name = environ.get(variable)
    return token_of(private_text(Path(name), variable), variable) if name else None


def _scope(environ: Mapping[str, str], form: str) -> str:
    scope = environ.get("RECONCILER_SINK_SCOPE", "").strip()
    if scope and (form != "sdl" or not _SCOPE.fullmatch(scope)):
        raise SettingsError(
            "RECONCILER_SINK_SCOPE is not an account's id, or two with a colon, for the form sdl",
            "Give ACCOUNT or ACCOUNT:SITE with the form sdl, or unset it.",
        )
    return scope


def _seconds(environ: Mapping[str, str]) -> float:
    text = environ.get("RECONCILER_SINK_TIMEOUT", "10").strip()
    if not _SECONDS.fullmatch(text) or not float(text):
        raise SettingsError(
            f"RECONCILER_SINK_TIMEOUT: {text!a} is not a number of seconds", "Give 10, or unset it."
        )
    return float(text)
