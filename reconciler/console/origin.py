"""Which address the token may be sent to. Pure rules; nothing here opens a socket."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from reconciler.errors import RefusedError

API_PREFIX = "/web/api/v2.1"
"""Every path of the Management API stands under it (API reference, section 1)."""

VENDOR_SUFFIX = "sentinelone.net"

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)+")
_DEFAULT_PORTS = {"https": 443, "http": 80}


def normalise_origin(text: str, allowed: Iterable[str] = ()) -> str:
    """Return `scheme://host[:port]`, lower-cased, the scheme's own port left out.

    https to a host equal to or under `.sentinelone.net` or one of `allowed` (see
    `normalise_suffix`); loopback addresses may be http. Raises ValueError with one sentence that
    says what is wrong and never repeats the text, which may hold a password.
    """
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("holds characters that no console address has")
    if "?" in text or "#" in text:
        raise ValueError("has a query or a fragment")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not an address with a host and a port") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("does not begin with https://")
    if "@" in parts.netloc:
        raise ValueError("has user information before the host")
    if parts.path not in {"", "/"}:
        raise ValueError("has a path; give only the scheme and the host")
    if port == 0:
        raise ValueError("has the port 0")
    _check_host(parts.scheme, host, allowed)
    written_host = f"[{host}]" if ":" in host else host
    written_port = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{written_host}{written_port}"


def normalise_suffix(text: str) -> str:
    """Return a host suffix in lower case without its leading dot or `*.`; ValueError if none."""
    suffix = text.strip().lower().removeprefix("*").removeprefix(".")
    if not _HOST.fullmatch(suffix):
        raise ValueError("is not a host name")
    return suffix


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine: 127.0.0.0/8, ::1 or localhost."""
    if host == "localhost":
        return True
    address = _address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return address in ipaddress.IPv4Network("127.0.0.0/8")
    return address == ipaddress.IPv6Address("::1")


def request_url(origin: str, path: str, params: Mapping[str, str]) -> str:
    """Return the whole address of one call; `path` stands below the API prefix.

    Segments are letters, digits, `_` and `-` only, so no id can climb out with `..`, `%2e%2e`,
    `//host` or an absolute address. Raises RefusedError otherwise.
    """
    if not _PATH.fullmatch(path):
        raise RefusedError(
            f"the path {path[:100]!a} leaves the Management API",
            "An id is wrong: ids are decimal numbers of up to 20 digits.",
        )
    query = urlencode(params, quote_via=quote, safe=",", errors="replace")
    return f"{origin}{API_PREFIX}{path}" + (f"?{query}" if query else "")


def _check_host(scheme: str, host: str, allowed: Iterable[str]) -> None:
    if is_loopback(host):
        return
    if scheme != "https":
        raise ValueError("is not https, and its host is not this machine")
    if _address(host) is None and not _HOST.fullmatch(host):
        raise ValueError("has no valid host name (a trailing dot is not accepted either)")
    if not any(_is_under(host, suffix) for suffix in (VENDOR_SUFFIX, *allowed)):
        raise ValueError(f"has a host that is not under .{VENDOR_SUFFIX} or an allowed suffix")


def _is_under(host: str, suffix: str) -> bool:
    """Match on label boundaries; an address or a suffix of one label matches only itself."""
    if host == suffix:
        return True
    return "." in suffix and _address(host) is None and host.endswith(f".{suffix}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
