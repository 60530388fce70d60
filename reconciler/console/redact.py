"""Records without what is secret, and in one order. Pure.

Answers hold secrets in known places (API reference, section 10, quirk 23) and may hold them in
others, so a key is judged by what it looks like, at any depth, and a text by its form.
"""

import re
from collections.abc import Callable
from typing import Any

HIDDEN = "(hidden)"
"""Stands where a text was, or a part of it."""

_SECRET_KEYS = (
    *("token", "secret", "passw", "passphrase", "passcode", "credential", "cookie", "bearer"),
    *("authorization", "jwt", "apikey", "privatekey", "accesskey", "sitekey", "licensekey"),
    *("privkey", "sshkey", "registrationkey", "installkey", "recoverycode", "backupcode", "pwd"),
    *("otpseed", "totp", "signature", "sessionid"),
)
"""Parts of a key, in lower case and without `_`, `-` and the like, whose value is left out."""

_TOKEN_TIMES = ("createdAt", "expiresAt")
_HARMLESS_FLAGS = {"canGenerateApiToken", "hasValidApiToken"}

_SECRET_TEXT = re.compile(
    # A JWT, and the registration token: base64 of `{"`.
    r"eyJ[A-Za-z0-9_+/=-]{8,}(?:\.[A-Za-z0-9_=-]+)*"
    # An API token of the legacy kind.
    r"|(?<![A-Za-z0-9])[A-Za-z0-9]{80}(?![A-Za-z0-9])"
    # What a header would carry, and a password in an address.
    r"|(?i:\b(?:bearer|apitoken)\s+[A-Za-z0-9._~+/=-]{16,})"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,100}(?=@)"
)


def redacted(value: Any) -> Any:
    """Return a JSON value without secrets, mappings in the order of their keys.

    Of an `apiToken` the two times stay, of flags such as `canGenerateApiToken` the truth. All
    else whose key looks like a secret is left out; in a text what has the form of a token becomes
    `(hidden)`. `scopeRoles` and `siteRoles`, whose order means nothing, are sorted by id.
    """
    if isinstance(value, dict):
        return {key: _member(key, value[key]) for key in sorted(value) if _is_kept(key, value[key])}
    if isinstance(value, list):
        return [redacted(each) for each in value]
    return _SECRET_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


def _is_kept(key: str, value: Any) -> bool:
    if key == "apiToken":
        return value is None or isinstance(value, dict)
    if key in _HARMLESS_FLAGS:
        return isinstance(value, bool)
    plain = "".join(char for char in key.casefold() if char.isalnum())
    return not any(part in plain for part in _SECRET_KEYS) and not _SECRET_TEXT.search(key)


def _member(key: str, value: Any) -> Any:
    if key == "apiToken" and isinstance(value, dict):
        times = {name: value[name] for name in _TOKEN_TIMES if isinstance(value.get(name), str)}
        return redacted(times)
    if key in {"scopeRoles", "siteRoles"} and isinstance(value, list):
        return sorted(map(redacted, value), key=_by_id("id", "roleId"))
    return redacted(value)


def _by_id(*keys: str) -> Callable[[Any], tuple[str, ...]]:
    def order(entry: Any) -> tuple[str, ...]:
        found = (entry.get(key) if isinstance(entry, dict) else None for key in keys)
        return (*(str(each or "") for each in found), repr(entry))

    return order
