"""When two names mean the same principal. One function each, used everywhere."""

import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum


class PrincipalKind(StrEnum):
    """The two kinds of principal a console knows."""

    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, order=True)
class PrincipalName:
    """A principal as people write it: an e-mail address, or `service:` and a name.

    Equality goes by `key`, so `Ana@Acme.example` and `ana@acme.example` are one; `text` keeps
    the spelling for the reader.
    """

    kind: PrincipalKind
    key: str
    text: str = field(compare=False)

    @classmethod
    def user(cls, email: str) -> "PrincipalName":
        """Name a console user by e-mail address."""
        return cls(PrincipalKind.USER, email_key(email), email)

    @classmethod
    def service(cls, name: str) -> "PrincipalName":
        """Name a service user by its exact name, or by `id:` and its id."""
        return cls(PrincipalKind.SERVICE, unicodedata.normalize("NFC", name), name)

    @classmethod
    def parse(cls, label: str) -> "PrincipalName":
        """Read a label: an e-mail address, or `service:` and a name."""
        if label.startswith("service:"):
            return cls.service(label.removeprefix("service:"))
        return cls.user(label)

    @property
    def label(self) -> str:
        """The form used in files and plans: `ana@acme.example`, `service:siem-export`."""
        return self.text if self.kind is PrincipalKind.USER else f"service:{self.text}"

    def __str__(self) -> str:
        """Return the label."""
        return self.label


def email_key(email: str) -> str:
    """Return the form under which two addresses are the same address.

    NFC, then the local part case-folded and the domain as lower-case A-labels. No character is
    mapped beyond its lower case: IDNA 2003 would make `straße` and `strasse` one domain, and
    they belong to different people.
    """
    local, at, domain = unicodedata.normalize("NFC", email).rpartition("@")
    labels = ".".join(_a_label(label) for label in domain.lower().split("."))
    return f"{local.casefold()}{at}{labels}"


def _a_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
