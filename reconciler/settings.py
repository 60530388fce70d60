"""Where the console is and who we are there. The only reader of the environment and the clock.

Nothing that steers the token comes from the repository: only variables and the user's own
credentials file count (contract, "Configuration").
"""

import os
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.console.credentials import parse_credentials
from reconciler.console.origin import is_loopback, normalise_origin, normalise_suffix
from reconciler.errors import SettingsError
from reconciler.pauses import Pauses

_MAX_FILE_BYTES = 65_536


class Token:
    """An API token that hides itself: only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the token itself, for the one header that carries it."""
        return self._value

    def __repr__(self) -> str:
        return "Token(hidden)"

    def __str__(self) -> str:
        return "(hidden token)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> "str | tuple[object, ...]":
        raise TypeError("a token is never written anywhere")


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the process gives us; tests put their own clock and environment here."""

    environ: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    """The instant, aware and in UTC."""
    sleep: Callable[[float], None]
    """Takes seconds."""
    monotonic: Callable[[], float]
    """Seconds since some fixed moment."""
    hurry: Callable[[], None] = lambda: None
    """Ends the waits of now and shortens all later ones; a signal handler may call it."""

    @classmethod
    def real(cls) -> "Runtime":
        """Return this process's environment and clocks."""
        pauses = Pauses()
        return cls(dict(os.environ), _utc_now, pauses.sleep, time.monotonic, pauses.hurry)


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How to reach the console."""

    url: str
    """Normalised origin, `https://host[:port]`."""
    token: Token
    proxy: str | None = field(default=None, repr=False)
    """Proxy address; hidden because it may hold a password. None for loopback consoles."""
    ca_file: Path | None = None
    """PEM file to trust instead of the built-in list."""


def console_settings(environ: Mapping[str, str], platform: str = sys.platform) -> ConsoleSettings:
    """Read how to reach the console; raises SettingsError naming the variable or the file.

    URL and token come from one place: `SENTINELONE_URL` with `SENTINELONE_TOKEN` or
    `SENTINELONE_TOKEN_FILE`; with none of the three, a profile of the credentials file. Half a
    pair is an error, so that a token never goes to an address it was not meant for.
    """
    variables = ("SENTINELONE_URL", "SENTINELONE_TOKEN", "SENTINELONE_TOKEN_FILE")
    if any(name in environ for name in variables):
        url, token, source = _from_variables(environ)
    else:
        url, token, source = _from_profile(environ, platform)
    origin = _origin(url, source, environ)
    return ConsoleSettings(origin, token, proxy_for(environ, origin), ca_file_of(environ))


def named_origin(environ: Mapping[str, str]) -> str | None:
    """Return the origin that SENTINELONE_URL names, without asking for a token; None without it.

    Raises SettingsError as `console_settings` does.
    """
    url = environ.get("SENTINELONE_URL", "").strip()
    return _origin(url, "SENTINELONE_URL", environ) if url else None


def _from_variables(environ: Mapping[str, str]) -> tuple[str, Token, str]:
    if not environ.get("SENTINELONE_URL", "").strip():
        raise SettingsError(
            "a token is given, but SENTINELONE_URL is missing or empty",
            "Set SENTINELONE_URL to the console, e.g. https://example.sentinelone.net.",
        )
    given = [name for name in ("SENTINELONE_TOKEN", "SENTINELONE_TOKEN_FILE") if name in environ]
    if len(given) != 1:
        found = "neither is set" if not given else "both are set"
        raise SettingsError(
            f"SENTINELONE_TOKEN and SENTINELONE_TOKEN_FILE: {found}",
            "Set exactly one of the two beside SENTINELONE_URL.",
        )
    name = given[0]
    text = environ[name]
    if name == "SENTINELONE_TOKEN_FILE":
        text = private_text(Path(text), name)
    return environ["SENTINELONE_URL"].strip(), token_of(text, name), "SENTINELONE_URL"


def _from_profile(environ: Mapping[str, str], platform: str) -> tuple[str, Token, str]:
    name = environ.get("SENTINELONE_PROFILE") or "default"
    path = _credentials_path(environ, platform)
    try:
        profiles = parse_credentials(private_text(path, "SENTINELONE_CONFIG"))
    except ValueError as error:
        raise SettingsError(f"{path}: {error}", "Write each line as `key = value`.") from None
    source = f"profile {name!r} in {path}"
    if name not in profiles:
        known = ", ".join(sorted(repr(profile) for profile in profiles)) or "none"
        raise SettingsError(
            f"there is no {source}; profiles there: {known}",
            "Name another with SENTINELONE_PROFILE, or add the section.",
        )
    profile = profiles[name]
    for key in ("url", "token"):
        if not profile.get(key):
            raise SettingsError(f"the {source} has no {key}", f"Add a line `{key} = ...` to it.")
    return profile["url"], token_of(profile["token"], source), f"the url of {source}"


def _credentials_path(environ: Mapping[str, str], platform: str) -> Path:
    if environ.get("SENTINELONE_CONFIG"):
        return Path(environ["SENTINELONE_CONFIG"])
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    home = environ.get("HOME", "")
    if platform == "darwin":
        folder = Path(home) / "Library" / "Application Support"
    elif not folder.is_absolute():
        folder = Path(home) / ".config"
    if not folder.is_absolute():
        raise SettingsError(
            "no console is configured: SENTINELONE_URL is not set, nor is HOME",
            "Set SENTINELONE_URL and SENTINELONE_TOKEN, or SENTINELONE_CONFIG.",
        )
    return folder / "sentinelone" / "credentials"


def private_text(path: Path, variable: str) -> str:
    """Read a small file that others must not read or write; group-readable is fine.

    Mounted secrets are commonly 0440 with a group, so the group may read, but not write.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES + 1) if stat.S_ISREG(mode) else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SettingsError(
            f"{path}: cannot be read: {reason} (see {variable})",
            "Set SENTINELONE_URL and SENTINELONE_TOKEN, or make the file readable for this user."
            if variable.startswith("SENTINELONE_")
            else f"Make the file that {variable} names readable for this user.",
        ) from None
    if data is None or len(data) > _MAX_FILE_BYTES:
        raise SettingsError(f"{path}: not a small plain file", f"Point {variable} at another.")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SettingsError(
            f"{path}: others can read or change this file, and it holds a secret",
            f"Run `chmod 600 {path}`; a group may at most read it.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text", f"Point {variable} at another.") from None


def token_of(text: str, source: str) -> Token:
    """Return the secret that a text holds alone; raises SettingsError naming its source."""
    value = text.strip()
    if not value:
        raise SettingsError(f"{source}: the token is empty", "Give the API token, or unset it.")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise SettingsError(
            f"{source}: the token holds white space, control or non-ASCII characters",
            "Give the API token alone, without a prefix such as `ApiToken`.",
        )
    return Token(value)


def host_suffixes(environ: Mapping[str, str], variable: str) -> list[str]:
    """Return the host suffixes that a variable lists; raises SettingsError."""
    allowed = []
    for entry in environ.get(variable, "").split(","):
        if not entry.strip():
            continue
        try:
            allowed.append(normalise_suffix(entry))
        except ValueError as error:
            raise SettingsError(
                f"{variable}: {entry.strip()!a} {error}",
                "List host suffixes separated by commas, e.g. `soc.example, s1.example`.",
            ) from None
    return allowed


def _origin(url: str, source: str, environ: Mapping[str, str]) -> str:
    allowed = host_suffixes(environ, "RECONCILER_ALLOWED_HOSTS")
    try:
        return normalise_origin(url, allowed)
    except ValueError as error:
        raise SettingsError(
            f"{source} {error}",
            "Use the form https://example.sentinelone.net; for another host name what it ends in:"
            " RECONCILER_ALLOWED_HOSTS=soc.example lets https://console.soc.example pass.",
        ) from None


def proxy_for(environ: Mapping[str, str], origin: str) -> str | None:
    """Return the proxy to use; for this machine itself none, since a proxy has its own loopback.

    Raises SettingsError.
    """
    proxy = environ.get("RECONCILER_PROXY", "").strip()
    if not proxy or is_loopback(urlsplit(origin).hostname or ""):
        return None
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not proxy.isascii() or not proxy.isprintable():
        raise SettingsError(
            "RECONCILER_PROXY is not the address of a proxy",
            "Use the form http://proxy.example:3128, or unset it.",
        )
    return proxy


def ca_file_of(environ: Mapping[str, str]) -> Path | None:
    """Return the PEM file to trust, None for the built-in list; raises SettingsError."""
    name = environ.get("RECONCILER_CA_FILE")
    if not name:
        return None
    path = Path(name)
    if not path.is_file():
        raise SettingsError(
            f"RECONCILER_CA_FILE: {path} is not a file", "Point it at a PEM file, or unset it."
        )
    return path


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads the clock
