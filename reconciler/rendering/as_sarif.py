"""Findings for code scanning: SARIF 2.1.0 (OASIS).

From `validate` every problem and warning; from `plan` what guardrails refuse and every change of
high risk. GitHub shows them on the line of the policy that they are about.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Place, Problem
from reconciler.rendering.as_json import to_json

Tree = dict[str, Any]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_NOWHERE = Place(".")
"""Code scanning takes no finding without a place; this one is about the repository."""
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


@dataclass(frozen=True, slots=True)
class Finding:
    """One result."""

    rule: str
    level: str
    """`error` or `warning`."""
    message: str
    remedy: str
    places: tuple[Place, ...] = ()
    """The first is the one to show."""


def problems_sarif(
    problems: Iterable[Problem], warnings: Iterable[Problem], tool_version: str
) -> str:
    """Return what is wrong with the policy files, and what is only worth knowing."""
    found = [_problem(problem, "error") for problem in problems]
    return sarif([*found, *(_problem(one, "warning") for one in warnings)], tool_version)


def plan_sarif(tree: Tree) -> str:
    """Return what stands against a plan as errors, its changes of high risk as warnings."""
    found = [
        Finding(
            f"guardrail/{refusal['rule']}",
            "error",
            refusal["message"],
            refusal["remedy"],
            tuple(map(_place, refusal["places"])),
        )
        for refusal in tree["refusals"]
    ]
    found += map(_role_change, tree["role_changes"])
    for operation in tree["operations"]:
        name = operation["principal"]["name"]
        found += [_change(name, one) for one in operation["changes"] if one["risk"] == "high"]
        found += [] if operation["changes"] else [_token(name)]
    return sarif(found, tree["evidence"]["tool_version"])


def _role_change(change: Tree) -> Finding:
    gives = ", and now gives access" if change["gives_access"] else ""
    return Finding(
        "role-changed",
        "error" if change["gives_access"] else "warning",
        f"{change['name']} (id:{change['id']}) permits something else than when it was "
        f"pinned{gives}; {len(change['holders'])} hold it.",
        "Look at the role in the console; then pin again, or put it right.",
        (_place(change["place"]),),
    )


def sarif(findings: Iterable[Finding], tool_version: str) -> str:
    """Return a log with one run as JSON; the same findings give the same bytes."""
    listed = list(findings)
    rules = {finding.rule: finding for finding in reversed(listed)}
    order = sorted(rules)
    driver = {
        "name": "sentinelone-reconciler",
        "version": tool_version,
        "rules": [_rule(rules[name]) for name in order],
    }
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "Where the command was run: the repository."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": _results(listed, order),
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _results(findings: list[Finding], order: list[str]) -> list[Tree]:
    index = {name: number for number, name in enumerate(order)}
    seen: dict[str, int] = {}
    results = []
    for finding in findings:
        first, *others = map(_location, finding.places or (_NOWHERE,))
        mark = _fingerprint(finding)
        seen[mark] = seen.get(mark, 0) + 1
        result = {
            "ruleId": finding.rule,
            "ruleIndex": index[finding.rule],
            "level": finding.level,
            "message": {"text": _plain(f"{finding.message}\nFix: {finding.remedy}")},
            "locations": [first],
            "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
        }
        if others:
            result["relatedLocations"] = others
        results.append(result)
    return results


def _rule(finding: Finding) -> Tree:
    words = finding.rule.replace("/", ": ").replace("-", " ").replace("_", " ")
    return {
        "id": finding.rule,
        "shortDescription": {"text": words},
        "help": {"text": _plain(finding.remedy)},
        "defaultConfiguration": {"level": finding.level},
    }


def _location(place: Place) -> Tree:
    physical: Tree = {"artifactLocation": _artifact(place.file)}
    if place.line:
        column = {"startColumn": place.column} if place.column else {}
        physical["region"] = {"startLine": place.line, **column}
    return {"physicalLocation": physical}


def _artifact(file: str) -> Tree:
    """Return where a file is, from the repository's root unless its path is absolute."""
    path = "".join(
        chr(byte) if byte in _PLAIN else f"%{byte:02X}"
        for byte in file.encode("utf-8", "surrogatepass")
    )
    if path.startswith("/"):
        return {"uri": "file:///" + path.lstrip("/")}
    return {"uri": path, "uriBaseId": _ROOT}


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same while lines above the finding come and go."""
    file = finding.places[0].file if finding.places else ""
    told = f"{finding.rule}\x00{file}\x00{finding.message}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(message: str) -> str:
    """Keep a value from being read as a link: SARIF knows `[text](target)` in plain messages."""
    if "](" not in message:
        return message
    return message.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _problem(problem: Problem, level: str) -> Finding:
    places = (problem.place,) if problem.place else ()
    return Finding(problem.code, level, problem.message, problem.remedy, places)


def _change(name: str, change: Tree) -> Finding:
    what = f"{change['role']['name']} on {change['scope']['name']}"
    return Finding(
        f"high-risk-{change['action']}",
        "warning",
        f"High risk: {change['action']} {what}, {name} ({change['reason']}).",
        "Look at this change before you approve the plan.",
        tuple(map(_place, change["places"])),
    )


def _token(name: str) -> Finding:
    return Finding(
        "token-left",
        "warning",
        f"{name} must hold nothing and has an API token, which will be revoked.",
        "Find out why it was not revoked when the access ended, or who made it since.",
    )


def _place(place: Tree) -> Place:
    return Place(place["file"], place["line"], place["column"])
