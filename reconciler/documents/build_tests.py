"""A checked `tests.yaml` -> policy tests. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.documents.addresses import flaw
from reconciler.documents.directory import Directory
from reconciler.documents.instants import beginning
from reconciler.documents.nodes import Document, Node
from reconciler.documents.wording import did_you_mean, shown
from reconciler.domain.access import Level
from reconciler.domain.expectation import (
    Every,
    Everybody,
    Expected,
    Filter,
    Given,
    Nobody,
    PolicyTest,
    Who,
)
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.errors import PolicyError, Problem

Parts = dict[str, Node]

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def build_tests(
    document: Document, directory: Directory, *, whole: bool = True
) -> tuple[PolicyTest, ...]:
    """Return the tests that a document sound by its schema states, in file order.

    `directory` knows the groups; `whole` is False when some policy file could not be read, so
    that an unknown group is no problem. Raises PolicyError with every problem.
    """
    builder = _Builder(document, directory, whole)
    tests = tuple(builder.test(node) for node in document.items("tests"))
    if builder.problems:
        raise PolicyError(tuple(builder.problems))
    return tests


class _Builder:
    """Builds the tests of one file and collects what the schema cannot express."""

    def __init__(self, document: Document, directory: Directory, whole: bool) -> None:  # noqa: FBT001 - private
        self.document = document
        self.directory = directory
        self.whole = whole
        self.problems: list[Problem] = []
        self._names: dict[str, Node] = {}

    def test(self, node: Node) -> PolicyTest:
        """Build one test."""
        parts: Parts = node.value
        name = parts["name"]
        first = self._names.setdefault(name.value, name)
        if first is not name:
            told = f"the test {shown(name.value)} stands here twice; first at "
            self._refuse(name, "repeated-test", f"{told}{self.document.place(first)}", "Rename it.")
        return PolicyTest(name.value, self.document.place(name), self._rule(parts))

    def _rule(self, parts: Parts) -> Nobody | Everybody | Every | Given:
        if "nobody" in parts:
            return Nobody(self._filter(parts["nobody"].value))
        if "everybody" in parts:
            return Everybody(
                self._filter(parts["everybody"].value), self._filter(parts["only"].value)
            )
        if "every" in parts:
            has: Parts = parts["has"].value
            bounds = {key: has[key].value for key in ("at_least", "at_most") if key in has}
            scopes = tuple(self._scopes(parts["every"].value))
            return Every(scopes, self._role(has["role"]), **bounds)
        given: Parts = parts["given"].value
        principal = given["principal"]
        return Given(
            Who(principal.value, self.document.place(principal)),
            self._at(given.get("at")),
            tuple(self._expected(parts["expect"])),
        )

    def _filter(self, parts: Parts) -> Filter:
        longest, standing = parts.get("longer_than"), parts.get("standing")
        return Filter(
            principals=tuple(map(self._who, parts["principals"].value))
            if "principals" in parts
            else (),
            roles=tuple(map(self._role, parts["roles"].value)) if "roles" in parts else (),
            scopes=tuple(self._scopes(parts)),
            standing=standing.value if standing else None,
            longer_than=int(longest.value[:-1]) * _UNITS[longest.value[-1]] if longest else None,
        )

    def _who(self, node: Node) -> Who:
        text: str = node.value
        place = self.document.place(node)
        if not text.startswith("group:"):
            wrong = None
            if not text.startswith("service:"):
                wrong = flaw(text.replace("*", "x").replace("?", "x"))
            if wrong:
                told = f"the address {shown(text)} {wrong}"
                self._refuse(node, "bad-address", told, "Correct the address.")
            return Who(text, place)
        name = text.removeprefix("group:")
        group = self.directory.group(name)
        if group is None and self.whole:
            known = [each.name for each in self.directory.groups.values()]
            remedy = did_you_mean(name, known, "Define it under `groups:` in a policy file.")
            self._refuse(node, "unknown-group", f"the group {shown(name)} is not defined", remedy)
        return Who(text, place, frozenset(group.members if group else ()))

    def _scopes(self, parts: Parts) -> Iterator[ScopeName]:
        if "tenant" in parts:
            yield ScopeName(Level.TENANT, "", self.document.place(parts["tenant"]))
        if "account" in parts:
            account = parts["account"]
            yield ScopeName(Level.ACCOUNT, account.value, self.document.place(account))
        for key in ("site", "sites"):
            if key in parts:
                nodes = parts[key].value if key == "sites" else [parts[key]]
                for site in nodes:
                    yield ScopeName(Level.SITE, site.value, self.document.place(site))

    def _role(self, node: Node) -> RoleName:
        return RoleName(node.value, self.document.place(node))

    def _expected(self, node: Node) -> Iterator[Expected]:
        if isinstance(node.value, str):
            return
        for held in node.value if isinstance(node.value, list) else [node]:
            parts: Parts = held.value
            yield from (Expected(self._role(parts["role"]), one) for one in self._scopes(parts))

    def _at(self, node: Node | None) -> datetime | None:
        if node is None:
            return None
        try:
            return beginning(node.value)
        except ValueError as error:
            remedy = "Write a date such as 2026-12-01, or a date and time with an offset."
            self._refuse(node, "bad-instant", str(error), remedy)
            return None

    def _refuse(self, node: Node, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.document.place(node), code, message, remedy))
