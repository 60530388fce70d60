"""JSON answers that lie: fields lost or changed, lists cut, repeated, or without an end.

Every function changes the freshly parsed tree and returns what is to be sent (a tree, or bytes that
are no tree any more), or None when the answer has nothing that it could spoil.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from reconciler.simulator.envelopes import Request, Response
from reconciler.simulator.faults import Fault

Tree = dict[str, Any]
_OK = 200
Ask = Callable[[Request], Response]
"""Asks the console, for faults that need another page."""

LOOP = "simulator-first-page"
"""A cursor that leads to the first page; `without_loop` takes it out of a request."""


def spoil(fault: Fault, request: Request, response: Response, ask: Ask) -> Response | None:
    """Return the spoilt answer, or None when there is nothing to spoil."""
    tree = _tree(response)
    is_list = tree is not None and "pagination" in tree
    if tree is None or response.status != _OK or (fault.kind in _PAGED and not is_list):
        return None
    spoilt: Tree | bytes | None
    if fault.kind == "missing-page":
        spoilt = _missing_page(tree, request, ask)
    elif fault.kind == "cursor-loop":
        spoilt = _cursor_loop(tree, request)
    else:
        spoilt = _SPOILERS[fault.kind](tree, fault.value)
    if spoilt is None:
        return None
    return replace(response, body=spoilt if isinstance(spoilt, bytes) else _dump(spoilt))


def without_loop(request: Request) -> Request:
    """Return the request that the loop cursor stands for."""
    if LOOP not in request.query:
        return request
    pairs = parse_qsl(request.query, keep_blank_values=True)
    return replace(request, query=urlencode([each for each in pairs if each != ("cursor", LOOP)]))


def _tree(response: Response) -> Tree | None:
    try:
        tree = json.loads(response.body)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) else None


def _dump(tree: Tree) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()


def _rows(tree: Tree) -> list[Tree]:
    """Return the items: of `data`, of `data.sites`, or the one object (API section 3.2)."""
    data = tree.get("data")
    if isinstance(data, dict):
        data = data.get("sites", [data])
    return data if isinstance(data, list) else []


def _duplicate_key(tree: Tree, _value: Any) -> bytes:
    empty = b"[]" if isinstance(tree.get("data"), list) else b"{}"
    return _dump(tree)[:-1] + b', "data": ' + empty + b"}"


def _nan(tree: Tree, _value: Any) -> Tree | None:
    if "pagination" in tree:
        tree["pagination"]["totalItems"] = float("nan")
        return tree
    first = next(iter(_rows(tree)), None)
    if not isinstance(first, dict):
        return None
    first["score"] = float("nan")
    return tree


def _with_field(change: Callable[[Tree, str], object]) -> Callable[[Tree, Any], Tree | None]:
    def apply(tree: Tree, value: Any) -> Tree | None:
        first = next(iter(_rows(tree)), None)
        if not isinstance(first, dict) or value not in first:
            return None
        change(first, value)
        return tree

    return apply


def _retype(row: Tree, name: str) -> None:
    row[name] = {"unexpected": row[name]} if not isinstance(row[name], dict) else "unexpected"


def _extra_field(tree: Any, value: Any) -> Any:
    if isinstance(tree, list):
        return [_extra_field(each, value) for each in tree]
    if isinstance(tree, dict):
        grown = {key: _extra_field(each, value) for key, each in tree.items()}
        return grown | {str(value): {"of": "no interest"}}
    return tree


def _id_number(tree: Any, _value: Any = None) -> Any:
    if isinstance(tree, list):
        return [_id_number(each) for each in tree]
    if isinstance(tree, dict):
        return {
            key: int(each)
            if (key == "id" or key.endswith("Id")) and isinstance(each, str) and each.isdecimal()
            else _id_number(each)
            for key, each in tree.items()
        }
    return tree


def _deep(tree: Tree, value: Any) -> bytes:
    depth = int(value)
    return _dump(tree)[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"


def _errors(tree: Tree, _value: Any) -> Tree:
    error = {"code": 5000010, "title": "Internal server error", "detail": None}
    return tree | {"errors": [error]}


def _bad_utf8(tree: Tree, _value: Any) -> bytes:
    return _dump(tree)[:-1] + b', "note": "\xff\xfe"}'


def _cursor_loop(tree: Tree, request: Request) -> Tree:
    tree["pagination"]["nextCursor"] = request.parameters().get("cursor") or LOOP
    return tree


def _missing_page(tree: Tree, request: Request, ask: Ask) -> Tree | None:
    """Put the following page in place of this one; behind the last page there is nothing."""
    following = tree["pagination"]["nextCursor"]
    if following is None:
        _rows(tree).clear()
        return tree
    pairs = [each for each in parse_qsl(request.query) if each[0] not in {"cursor", "skip"}]
    return _tree(ask(replace(request, query=urlencode([*pairs, ("cursor", following)]))))


def _wrong_total(tree: Tree, value: Any) -> Tree:
    tree["pagination"]["totalItems"] += int(value)
    return tree


def _short_page(tree: Tree, value: Any) -> Tree | None:
    rows = _rows(tree)
    if not rows:
        return None
    del rows[max(0, len(rows) - int(value)) :]
    return tree


def _repeated_row(tree: Tree, _value: Any) -> Tree | None:
    """Repeat the first row: instead of the last one, so that the count stays right."""
    rows = _rows(tree)
    if not rows:
        return None
    rows[-1:] = [rows[0]] if len(rows) > 1 else [rows[0], rows[0]]
    return tree


_PAGED = frozenset({"cursor-loop", "wrong-total", "short-page", "missing-page", "repeated-row"})
_SPOILERS: Mapping[str, Callable[[Tree, Any], Tree | bytes | None]] = {
    "duplicate-key": _duplicate_key,
    "nan": _nan,
    "missing-field": _with_field(lambda row, name: row.pop(name)),
    "null-field": _with_field(lambda row, name: row.update({name: None})),
    "wrong-type": _with_field(_retype),
    "extra-field": _extra_field,
    "deep": _deep,
    "id-number": _id_number,
    "errors": _errors,
    "bad-json": lambda tree, _value: _dump(tree)[: len(_dump(tree)) // 2],
    "bad-utf8": _bad_utf8,
    "wrong-total": _wrong_total,
    "short-page": _short_page,
    "repeated-row": _repeated_row,
}
