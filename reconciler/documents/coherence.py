"""What assignments, former members and groups say against each other. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

from reconciler.documents.directory import Directory
from reconciler.documents.wording import shown
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Assignment, Former, ScopeName
from reconciler.errors import Place, Problem
from reconciler.planning.conflicts import Claim, conflicts


def contradictions(
    assignments: Sequence[Assignment], former: Sequence[Former], dated: Sequence[Assignment]
) -> Iterator[Problem]:
    """Yield what cannot be: somebody former and assigned, two levels, two roles on a scope.

    `dated` are the assignments whose time can be told; levels and roles are compared over time.
    """
    named = _named(assignments)
    seen: dict[PrincipalName, Place] = {}
    for entry in former:
        first = seen.setdefault(entry.name, entry.place)
        if first is not entry.place:
            told = f"`{entry.name}` is listed as former twice; first at {first}"
            yield Problem(entry.place, "repeated-former", told, "Keep one of the two.")
        elif entry.name in named:
            told = f"`{entry.name}` is listed as former, but assigned at {named[entry.name]}"
            yield Problem(entry.place, "former-assigned", told, "Remove one of the two.")
    yield from conflicts(_claims(dated))


def warnings(
    assignments: Sequence[Assignment], former: Sequence[Former], directory: Directory
) -> Iterator[Problem]:
    """Yield what is odd but harmless: literal repeats, and people whom nothing manages."""
    yield from _repeats(assignments)
    managed = _named(assignments).keys() | {entry.name for entry in former}
    remedy = "Name the person in an assignment, or under `former:` to take all access away."
    for entry in directory.users.values():
        if entry.name not in managed:
            told = f"`{entry.name}` stands under `users:` only and is not managed"
            yield Problem(entry.place, "not-managed", told, remedy)
    for group in directory.groups.values():
        for name in group.members:
            if name not in managed:
                told = f"`{name}` is in the group {shown(group.name)} only, which nothing uses"
                yield Problem(group.place, "not-managed", told, remedy)


def _named(assignments: Sequence[Assignment]) -> dict[PrincipalName, Place]:
    named: dict[PrincipalName, Place] = {}
    for assignment in assignments:
        for member in assignment.members:
            named.setdefault(member.name, member.place)
    return named


def _claims(assignments: Sequence[Assignment]) -> Iterator[Claim]:
    """Yield claims on names as written.

    Names are compared only with names of the same form: `SOC` and `tenant/SOC`, or a name and an
    id, may well be the same thing. What they are is known after resolution, where the same rules
    run again on ids.
    """
    for assignment in assignments:
        role = unicodedata.normalize("NFC", assignment.role.text)
        form = "id" if role.startswith("id:") else role.count("/")
        for scope in assignment.scopes:
            key = f"{_scope_key(scope)}, role form {form}"
            for member in assignment.members:
                yield Claim(
                    principal=member.name,
                    level=scope.level,
                    scope_key=key,
                    scope_label=scope.text or "tenant",
                    role_key=role,
                    role_label=assignment.role.text,
                    window=assignment.window,
                    replaces_standing=assignment.replaces_standing,
                    place=member.place,
                )


def _repeats(assignments: Sequence[Assignment]) -> Iterator[Problem]:
    """Yield triples that are written down twice; through a group it is no repeat."""
    seen: dict[tuple[object, ...], Place] = {}
    for assignment in assignments:
        role = unicodedata.normalize("NFC", assignment.role.text)
        for scope in assignment.scopes:
            key = (_scope_key(scope), role, assignment.window)
            for member in assignment.members:
                who = f"group:{member.group}" if member.group else member.name
                first = seen.setdefault((who, *key), member.place)
                if first != member.place:
                    told = (
                        f"`{who}` is given {shown(role)} on `{scope.text or 'tenant'}` here and, "
                        f"word for word, at {first}"
                    )
                    yield Problem(member.place, "repeated-grant", told, "Keep one of the two.")


def _scope_key(scope: ScopeName) -> str:
    return f"{scope.level}:{unicodedata.normalize('NFC', scope.text)}"
