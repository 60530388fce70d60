"""A checked pins document -> Pins. Pure."""

from collections.abc import Iterator
from typing import TypeVar

from reconciler.documents.addresses import flaw
from reconciler.documents.nodes import Document, Node
from reconciler.documents.wording import shown
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.pins import PinnedPrincipal, PinnedRole, PinnedScope, PinnedView, Pins
from reconciler.errors import Place, PolicyError, Problem

_PIN = "Correct it, or write the file anew with `reconciler pin`."

_T = TypeVar("_T", PinnedPrincipal, PinnedScope, PinnedRole)


def build_pins(document: Document) -> Pins:
    """Return the pins that a document sound by its schema states.

    Raises PolicyError with what the schema cannot express: the form of names, and ids or
    principals that stand there twice.
    """
    problems: list[Problem] = []
    principals = [
        PinnedPrincipal(_principal(document, text, node, problems), node.value, place)
        for text, node, place in _entries(document, "principals")
    ]
    accounts = list(_scopes(document, Level.ACCOUNT, "accounts", problems))
    sites = list(_scopes(document, Level.SITE, "sites", problems))
    roles = list(_roles(document, problems))
    problems += _repeated_names(principals)
    problems += _repeated_ids(principals)
    problems += [*_repeated_ids(accounts), *_repeated_ids(sites), *_repeated_ids(roles)]
    if problems:
        raise PolicyError(tuple(problems))
    root = document.root.value
    return Pins(
        origin=root["origin"].value,
        view=_view(document, root["view"]),
        principals=tuple(sorted(principals, key=lambda pin: pin.name)),
        scopes=tuple(sorted([*accounts, *sites], key=lambda pin: (pin.name, pin.level.rank))),
        roles=tuple(sorted(roles, key=lambda pin: pin.name)),
    )


def _entries(document: Document, section: str) -> Iterator[tuple[str, Node, Place]]:
    """Yield name, node and place of each entry; the place is that of the name."""
    for text, node in document.entries(section):
        yield text, node, document.key_place(node)


def _view(document: Document, node: Node) -> PinnedView:
    parts = node.value
    return PinnedView(
        level=Level(parts["level"].value),
        accounts=parts["accounts"].value,
        sites=parts["sites"].value,
        principals=parts["principals"].value,
        place=document.key_place(node),
    )


def _principal(document: Document, text: str, node: Node, problems: list[Problem]) -> PrincipalName:
    place = document.key_place(node)
    if not text.startswith("service:"):
        wrong = flaw(text)
        if wrong:
            problems.append(
                Problem(place, "bad-address", f"the address {shown(text)} {wrong}", _PIN)
            )
        return PrincipalName.user(text)
    name = text.removeprefix("service:")
    if not _is_name(name) or name.startswith("id:"):
        told = f"{shown(text)} is not the name of a service user"
        problems.append(Problem(place, "bad-name", told, _PIN))
    return PrincipalName.service(name)


def _scopes(
    document: Document, level: Level, section: str, problems: list[Problem]
) -> Iterator[PinnedScope]:
    for text, node, place in _entries(document, section):
        if not _is_name(text) or (level is Level.SITE and "/" not in text):
            form = "a site, `Account/Site`" if level is Level.SITE else "an account"
            problems.append(
                Problem(place, "bad-name", f"{shown(text)} is not the name of {form}", _PIN)
            )
        yield PinnedScope(level, text, node.value, place)


def _roles(document: Document, problems: list[Problem]) -> Iterator[PinnedRole]:
    for text, node, place in _entries(document, "roles"):
        if not _is_name(text) or "/" not in text:
            told = f"{shown(text)} is not the name of a role with its owner, such as `tenant/SOC`"
            problems.append(Problem(place, "bad-name", told, _PIN))
        permits = node.value.get("digest")
        yield PinnedRole(text, node.value["id"].value, permits and permits.value, place)


def _is_name(text: str) -> bool:
    return bool(text) and text == text.strip() and "\n" not in text


def _repeated_names(pins: list[PinnedPrincipal]) -> Iterator[Problem]:
    """Report one principal under two spellings; literal repeats are refused by the reader."""
    seen: dict[PrincipalName, PinnedPrincipal] = {}
    for pin in pins:
        first = seen.setdefault(pin.name, pin)
        if first is not pin:
            told = f"`{pin.name}` is pinned twice; first at {first.place}"
            yield Problem(pin.place, "repeated-pin", told, "Keep one of the two.")


def _repeated_ids(pins: list[_T]) -> Iterator[Problem]:
    seen: dict[str, _T] = {}
    for pin in pins:
        first = seen.setdefault(pin.id, pin)
        if first is not pin:
            told = f"the id {pin.id} of `{pin.name}` is that of `{first.name}` too, {first.place}"
            yield Problem(pin.place, "repeated-id", told, "Keep the one that is right.")
