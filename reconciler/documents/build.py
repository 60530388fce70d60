"""Checked documents -> Policy: names are tied together over all files. Pure.

What the schema cannot say is said here and in `coherence`: who is in which group, what is named
twice, what contradicts what.
"""

from collections.abc import Iterator, Sequence

from reconciler.documents.coherence import contradictions, warnings
from reconciler.documents.directory import Directory, directory_of, owners_of
from reconciler.documents.nodes import Document, Node, plain
from reconciler.documents.windows import window as read_window
from reconciler.documents.wording import did_you_mean, shown
from reconciler.domain.access import Level
from reconciler.domain.digest import digest
from reconciler.domain.policy import (
    Assignment,
    Former,
    Member,
    Policy,
    RoleName,
    ScopeName,
)
from reconciler.errors import Place, PolicyError, Problem

MAX_CLAIMS = 1_000_000
"""Most triples that all assignments together may spell out."""


def build(documents: Sequence[Document], *, whole: bool = True) -> Policy:
    """Return the policy that documents, sound by their schema and sorted by path, state.

    `whole` is False when some file could not be read: a group that nothing defines is then no
    problem, since the broken file may define it. Raises PolicyError with every problem.
    """
    builder = _Builder(directory_of(documents), whole)
    for document in documents:
        builder.add(document)
    problems = list(builder.directory.problems)
    if builder.claims > MAX_CLAIMS:
        told = f"the assignments ask for {builder.claims:,} grants, more than {MAX_CLAIMS:,}"
        problems.append(Problem(None, "too-many-grants", told, "Name fewer, or use globs."))
        raise PolicyError(tuple(problems))
    assignments, former = tuple(builder.assignments), tuple(builder.former)
    # Whose time cannot be told says nothing yet that others could contradict.
    dated = [one for one in assignments if one.place not in builder.undated]
    problems += contradictions(assignments, former, dated)
    if problems:
        raise PolicyError(tuple(problems))
    return Policy(
        assignments=assignments,
        users=tuple(builder.directory.users.values()),
        former=former,
        warnings=(*builder.notes, *warnings(assignments, former, builder.directory)),
        digest=digest([[document.path, plain(document.root)] for document in documents]),
    )


class _Builder:
    """Collects assignments and former members of all files."""

    def __init__(self, directory: Directory, whole: bool) -> None:  # noqa: FBT001 - private
        self.directory = directory
        self.whole = whole
        self.assignments: list[Assignment] = []
        self.undated: set[Place] = set()
        self.former: list[Former] = []
        self.notes: list[Problem] = []
        self.claims = 0

    def add(self, document: Document) -> None:
        """Add one file."""
        for node in document.items("assignments"):
            self._assign(document, node)
        for node in document.items("former"):
            name = self.directory.principal(document, node)
            self.former.append(Former(name, document.place(node)))

    def _assign(self, document: Document, node: Node) -> None:
        parts = node.value
        scopes = tuple(_scopes(document, parts))
        self.claims += len(scopes) * sum(map(self._size, parts["members"].value))
        if self.claims > MAX_CLAIMS:
            return
        role, reason, replaces = parts["role"], parts.get("reason"), parts.get("replaces_standing")
        window, problems = read_window(document, parts)
        self.directory.problems.extend(problems)
        if problems:
            self.undated.add(document.place(node))
        elif replaces and replaces.value and window is None:
            told = "`replaces_standing` says nothing without `from` or `until`"
            self._refuse(document, replaces, "no-window", told, "Add a window, or drop the key.")
        self.assignments.append(
            Assignment(
                members=tuple(self._members(document, parts["members"])),
                role=RoleName(role.value, document.place(role)),
                scopes=scopes,
                place=document.place(node),
                window=window,
                reason=reason and reason.value,
                replaces_standing=bool(replaces and replaces.value),
            )
        )

    def _size(self, member: Node) -> int:
        if not member.value.startswith("group:"):
            return 1
        group = self.directory.group(member.value.removeprefix("group:"))
        return len(group.members) if group else 0

    def _members(self, document: Document, members: Node) -> Iterator[Member]:
        for node in members.value:
            if node.value.startswith("group:"):
                yield from self._group(document, node)
            else:
                yield Member(self.directory.principal(document, node), document.place(node))

    def _group(self, document: Document, node: Node) -> Iterator[Member]:
        name = node.value.removeprefix("group:")
        group = self.directory.group(name)
        if group is None:
            if self.whole:
                known = [group.name for group in self.directory.groups.values()]
                remedy = did_you_mean(name, known, "Define it under `groups:` in any file.")
                told = f"the group {shown(name)} is not defined"
                self._refuse(document, node, "unknown-group", told, remedy)
            return
        place = document.place(node)
        if group.owners and not group.owners <= owners_of(document):
            owners = ", ".join(sorted(group.owners))
            told = f"the group {shown(name)} is owned by {owners} ({group.place}), not by this file"
            self.notes.append(
                Problem(place, "foreign-group", told, "Let its owners review this use.")
            )
        for member in group.members:
            yield Member(member, place, group.name)

    def _refuse(self, document: Document, node: Node, code: str, message: str, remedy: str) -> None:
        problem = Problem(document.place(node), code, message, remedy)
        self.directory.problems.append(problem)


def _scopes(document: Document, parts: dict[str, Node]) -> Iterator[ScopeName]:
    if "tenant" in parts:
        yield ScopeName(Level.TENANT, "", document.place(parts["tenant"]))
    elif "account" in parts:
        account = parts["account"]
        yield ScopeName(Level.ACCOUNT, account.value, document.place(account))
    else:
        for site in parts["sites"].value:
            yield ScopeName(Level.SITE, site.value, document.place(site))
