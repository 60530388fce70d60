r"""Reports in the form that every CI system reads: JUnit's XML.

A serialiser writes it, in ASCII: whatever a terminal would obey is a character reference. XML 1.0
has no way to hold some characters, not even so; those stand as visible escapes (`\x1b`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.errors import Place, Problem
from reconciler.rendering.safe import visible

Tree = dict[str, Any]

RULES = (
    *("additive_only", "allowed_domains", "max_revoke_fraction", "max_revokes", "min_admins"),
    *("nothing_left", "own_identity", "pinned_role", "privileged", "protected", "rolling"),
    *("scope_limits", "separation_of_duties", "single_sso", "view"),
)
"""Every rule that can refuse a plan; those that did not are told as passed."""

_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was checked."""

    name: str
    classname: str
    """What it belongs to: a file, or the guardrails."""
    failure: str | None = None
    """Why it failed, in one line; None when it passed."""
    place: Place | None = None
    details: tuple[str, ...] = ()
    """The failure at length, line by line."""
    notes: tuple[str, ...] = ()
    """Lines to know although it passed."""


def policy_tests_junit(results: Iterable[tuple[str, str, str | None, str, int]]) -> str:
    """Return the results of policy tests: (name, classname, failure or None, file, line)."""
    return junit(
        "policy tests",
        [
            Case(name, classname, failure, Place(file, line))
            for name, classname, failure, file, line in results
        ],
    )


def validate_junit(
    files: Sequence[str], problems: Iterable[Problem], warnings: Iterable[Problem] = ()
) -> str:
    """Return one case for each policy file; a failure tells all problems of its file."""
    found, known = _by_file(problems), _by_file(warnings)
    names = [*files, *(file for file in found | known if file not in files)]
    return junit(
        "policies", [_file(name, found.get(name, []), known.get(name, [])) for name in names]
    )


def plan_junit(tree: Tree) -> str:
    """Return one case for each guardrail; every refusal of a rule is told in its failure."""
    refused: dict[str, list[Tree]] = {}
    for refusal in tree["refusals"]:
        refused.setdefault(refusal["rule"], []).append(refusal)
    names = [*RULES, *(rule for rule in refused if rule not in RULES)]
    return junit("guardrails", [_rule(name, refused.get(name, [])) for name in names])


def junit(suite: str, cases: Sequence[Case]) -> str:
    """Return a report of one suite with a final newline."""
    counts = {
        "name": suite,
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": "0",
        "skipped": "0",
    }
    root = Element("testsuites", counts)
    inner = SubElement(root, "testsuite", counts)
    for case in cases:
        _write(inner, case)
    indent(root)
    written: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    # Of two `#` in a row the second is text, and GitHub's runner takes `##[` for a command (T06).
    return written.decode("ascii").replace("##", "#&#35;").replace("\x7f", "&#127;") + "\n"


def _write(suite: Element, case: Case) -> None:
    place = case.place
    names = {"classname": case.classname, "name": case.name}
    if place is not None:
        names |= {"file": place.file} | ({"line": str(place.line)} if place.line else {})
    node = SubElement(suite, "testcase", _held(names))
    if case.failure is not None:
        failure = SubElement(node, "failure", _held({"message": case.failure}))
        failure.text = "\n".join(map(visible, case.details or (case.failure,)))
    if case.notes:
        SubElement(node, "system-out").text = "\n".join(map(visible, case.notes))


def _file(name: str, problems: list[Problem], warnings: list[Problem]) -> Case:
    details = [line for problem in problems for line in _told(problem)]
    notes = [line for warning in warnings for line in _told(warning)]
    failure = None
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        failure = f"{next(_told(problems[0]))}{more}"
    place = problems[0].place if problems else Place(name)
    return Case(name, "policies", failure, place, tuple(details), tuple(notes))


def _rule(name: str, refusals: list[Tree]) -> Case:
    if not refusals:
        return Case(name, "guardrails")
    details: list[str] = []
    for refusal in refusals:
        details += [refusal["message"], f"fix: {refusal['remedy']}"]
        details += [f"at {_place(place)}" for place in refusal["places"]]
    places = [_place(place) for refusal in refusals for place in refusal["places"]]
    failure = " ".join(refusal["message"] for refusal in refusals)
    return Case(name, "guardrails", failure, places[0] if places else None, tuple(details))


def _told(problem: Problem) -> Iterator[str]:
    place = f"{problem.place}: " if problem.place else ""
    yield f"{place}{problem.code}: {problem.message}"
    yield f"fix: {problem.remedy}"


def _by_file(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        file = problem.place.file if problem.place else "(no file)"
        found.setdefault(file, []).append(problem)
    return found


def _place(place: Tree) -> Place:
    return Place(place["file"], place["line"], place["column"])


def _held(attributes: dict[str, str]) -> dict[str, str]:
    return {key: _IMPOSSIBLE.sub(_escape, value) for key, value in attributes.items()}


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
