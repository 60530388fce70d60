r"""Tables for spreadsheets: one record a line, and no cell that is obeyed by what opens it (T13).

A cell is text. What is invisible, and what a terminal or a CI runner would obey, stands as a
visible escape (`\x1b`, `\n`), with a backslash of the value doubled; a cell that a spreadsheet
would take for a formula begins with `'`. Nothing is lost: `original` gives the value back.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.rendering.as_text import place_text
from reconciler.rendering.attention import worst, worst_first
from reconciler.rendering.coming import NEW, coming
from reconciler.rendering.safe import visible

Tree = dict[str, Any]

# The list of OWASP, with the full-width forms that some spreadsheets take for the same. Its tab,
# CR and LF cannot begin a cell here. The apostrophe is here so that stripping one is exact.
_FORMULA = tuple("=+-@'\uff1d\uff0b\uff0d\uff20")
_ESCAPE = re.compile(r"\\(\\|n|r|t|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")

PLAN_HEADER = (
    *("kind", "risk", "action", "principal", "role", "scope", "level", "reason", "until", "note"),
    *("remedy", "place", "commit", "principal_id", "role_id", "scope_id", "from"),
)
"""Columns of `plan_csv`. `kind` is refusal, role change, change, coming, unlisted or warning."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as CSV (RFC 4180, but lines end in LF), every cell quoted and harmless."""
    told = io.StringIO()
    writer = csv.writer(told, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return told.getvalue()


def plan_csv(tree: Tree) -> str:
    """Return a plan as one table: refusals, role changes, changes now and later, the rest."""
    records = [*_refusals(tree), *_role_changes(tree), *_changes(tree), *_coming(tree)]
    records += [*_unlisted(tree), *_warnings(tree)]
    rows = ([record.get(column, "") for column in PLAN_HEADER] for record in records)
    return csv_text(PLAN_HEADER, rows)


def cell(value: str) -> str:
    """Return a value as it stands in a cell."""
    shown = visible(value.replace("\\", "\\\\"))
    return "'" + shown if shown.lstrip().startswith(_FORMULA) else shown


def original(shown: str) -> str:
    """Return the value that a cell of ours was made of."""
    return _ESCAPE.sub(_meant, shown.removeprefix("'"))


def _meant(escape: re.Match[str]) -> str:
    return escape[0].encode("ascii").decode("unicode_escape")


def _refusals(tree: Tree) -> Iterator[dict[str, str]]:
    for refusal in tree["refusals"]:
        yield {
            "kind": "refusal",
            "reason": refusal["rule"],
            "note": refusal["message"],
            "remedy": refusal["remedy"],
            "place": _where(refusal["places"]),
        }


def _role_changes(tree: Tree) -> Iterator[dict[str, str]]:
    for change in tree["role_changes"]:
        gives = ", and now gives access" if change["gives_access"] else ""
        yield {
            "kind": "role change",
            "risk": "high" if change["gives_access"] else "",
            "role": change["name"],
            "note": f"permits something else than when it was pinned{gives}; "
            f"held by {', '.join(change['holders']) or 'nobody'}",
            "place": _where([change["place"]]),
            "role_id": _id(change["id"]),
        }


def _changes(tree: Tree) -> Iterator[dict[str, str]]:
    for operation in worst_first(tree["operations"]):
        for change in operation["changes"]:
            yield {
                "kind": "change",
                "risk": change["risk"],
                "action": change["action"],
                **_held(operation["principal"], change),
                "reason": change["reason"],
                "until": (change["window"] or {}).get("until") or "",
                "note": change["note"] or "",
                "place": _where(change["places"]),
                "commit": change["commit"]["id"] if change["commit"] else "",
                "from": (change["window"] or {}).get("from") or "",
            }
        if not operation["changes"]:
            yield {
                "kind": "change",
                "risk": worst(operation),
                "action": operation["kind"],
                **_held(operation["principal"], None),
            }


def _coming(tree: Tree) -> Iterator[dict[str, str]]:
    for each in coming(tree):
        yield {
            "kind": "coming",
            "risk": each["risk"],
            "action": "grant",
            **_held(each["principal"], each),
            "reason": NEW if each["is_new"] else "",
            "until": each["window"]["until"] or "",
            "note": each["note"] or "",
            "place": _where(each["places"]),
            "from": each["window"]["from"],
        }


def _unlisted(tree: Tree) -> Iterator[dict[str, str]]:
    for one in tree["unlisted"]:
        for grant in one["holding"]["grants"] or [None]:
            yield {
                "kind": "unlisted",
                "risk": "high" if one["is_admin"] else "",
                **_held(one["principal"], grant),
            }


def _warnings(tree: Tree) -> Iterator[dict[str, str]]:
    for warning in tree["warnings"]:
        yield {
            "kind": "warning",
            "reason": warning["code"],
            "note": warning["message"],
            "remedy": warning["remedy"],
            "place": _where([warning["place"]] if warning["place"] else []),
        }


def _held(principal: Tree, grant: Tree | None) -> dict[str, str]:
    who = {"principal": principal["name"], "principal_id": _id(principal["id"])}
    if grant is None:
        return who
    role, scope = grant["role"], grant["scope"]
    return who | {
        "role": role["name"],
        "scope": scope["name"],
        "level": scope["level"],
        "role_id": _id(role["id"]),
        "scope_id": _id(scope["id"]),
    }


def _id(number: str | None) -> str:
    """Write an id as policies do; as a bare number a spreadsheet would round it."""
    return f"id:{number}" if number else ""


def _where(places: list[Tree]) -> str:
    return " ".join(place_text(place) for place in places)
