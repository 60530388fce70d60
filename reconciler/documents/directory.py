"""Who is who: the `users:` and `groups:` of all files, which are global. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.documents.addresses import flaw
from reconciler.documents.nodes import Document, Node
from reconciler.documents.wording import shown
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import UserEntry
from reconciler.errors import Place, Problem


@dataclass(frozen=True, slots=True)
class Group:
    """One entry under `groups:`."""

    name: str
    members: tuple[PrincipalName, ...]
    owners: frozenset[str]
    """Of the file that defines it."""
    place: Place


@dataclass(frozen=True, slots=True)
class Directory:
    """All users and groups, and the problems met on the way."""

    users: dict[PrincipalName, UserEntry] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    """By name in NFC."""
    problems: list[Problem] = field(default_factory=list)
    _allowed: set[PrincipalName] = field(default_factory=set)
    _known: dict[str, PrincipalName] = field(default_factory=dict)

    def principal(self, document: Document, node: Node) -> PrincipalName:
        """Return the principal that a text names; notes a problem when the address is unsound."""
        text: str = node.value
        if text.startswith("service:"):
            return PrincipalName.service(text.removeprefix("service:"))
        known = self._known.get(text)
        if known is not None:
            return known
        return self._address(text, document.place(node))

    def group(self, name: str) -> Group | None:
        """Return a group by name; None when no file defines it."""
        return self.groups.get(unicodedata.normalize("NFC", name))

    def _address(self, text: str, place: Place) -> PrincipalName:
        name = PrincipalName.user(text)
        wrong = flaw(text)
        if wrong:
            told = f"the address {shown(text)} {wrong}"
            self.problems.append(Problem(place, "bad-address", told, "Correct the address."))
        elif not text.isascii() and name not in self._allowed:
            told = f"the address {shown(text)} holds {_odd(text)}, which may look like others"
            remedy = "If it is right, write `allow_non_ascii: true` in its entry under `users:`."
            self.problems.append(Problem(place, "non-ascii-address", told, remedy))
        else:
            self._known[text] = name
        return name


def directory_of(documents: Sequence[Document]) -> Directory:
    """Collect users and groups over all files."""
    directory = Directory()
    for document in documents:
        for email, node in document.entries("users"):
            if "allow_non_ascii" in node.value:
                directory._allowed.add(PrincipalName.user(email))  # noqa: SLF001 - its own builder
    for document in documents:
        for email, node in document.entries("users"):
            _add_user(directory, document, email, node)
        for name, node in document.entries("groups"):
            _add_group(directory, document, name, node)
    return directory


def owners_of(document: Document) -> frozenset[str]:
    """Return the owners that a file names."""
    return frozenset(node.value for node in document.items("owners"))


def _add_user(directory: Directory, document: Document, email: str, node: Node) -> None:
    place = document.key_place(node)
    if email.startswith("service:"):
        told = f"{shown(email)} stands under `users:`, which is for people"
        remedy = "Remove it: policies never create service users."
        directory.problems.append(Problem(place, "not-a-person", told, remedy))
        return
    name = directory.principal(document, Node(email, place.line, place.column))
    full_name, identity = node.value.get("name"), node.value.get("id")
    entry = UserEntry(name, full_name and full_name.value, identity and identity.value, place)
    first = directory.users.setdefault(name, entry)
    if first is not entry:
        told = f"the user {shown(email)} is described twice; first at {first.place}"
        directory.problems.append(Problem(place, "repeated-user", told, "Keep one of the two."))


def _add_group(directory: Directory, document: Document, name: str, node: Node) -> None:
    place = document.key_place(node)
    if not name or name != name.strip() or "\n" in name:
        told = f"{shown(name)} is not a name for a group"
        remedy = "Write one line of text that neither begins nor ends with a blank."
        directory.problems.append(Problem(place, "bad-group-name", told, remedy))
    members = tuple(directory.principal(document, member) for member in node.value)
    group = Group(name, tuple(dict.fromkeys(members)), owners_of(document), place)
    first = directory.groups.setdefault(unicodedata.normalize("NFC", name), group)
    if first is not group:
        told = f"the group {shown(name)} is defined twice; first at {first.place}"
        directory.problems.append(Problem(place, "repeated-group", told, "Keep one of the two."))


def _odd(text: str) -> str:
    odd = sorted({char for char in text if not char.isascii()})
    return ", ".join(f"`{char}` (U+{ord(char):04X})" for char in odd)
