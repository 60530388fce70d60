"""The window of an assignment: `from` and `until` -> Window, or what is wrong with them. Pure."""

from collections.abc import Iterator

from reconciler.documents.instants import beginning, ending
from reconciler.documents.nodes import Document, Node
from reconciler.domain.policy import Window
from reconciler.errors import Problem

_REMEDY = "Write a date such as 2026-11-22, or 2026-11-22T08:00:00+01:00."


def window(document: Document, parts: dict[str, Node]) -> tuple[Window | None, tuple[Problem, ...]]:
    """Return the window that the parts of an assignment state, and what is wrong with it."""
    problems = []
    bounds = []
    for key, meaning in (("from", beginning), ("until", ending)):
        node = parts.get(key)
        bound = None
        if node is not None and isinstance(node.value, str):
            try:
                bound = meaning(node.value)
            except ValueError as error:
                place = document.place(node)
                problems.append(Problem(place, "bad-instant", str(error), _REMEDY))
        bounds.append(bound)
    start, end = bounds
    if start and end and end <= start:
        told = f"the window ends ({end:%Y-%m-%dT%H:%M:%SZ}) before it begins"
        place = document.place(parts["until"])
        problems.append(Problem(place, "empty-window", told, "Correct a bound."))
    return (Window(start, end) if start or end else None), tuple(problems)


def window_problems(document: Document) -> Iterator[Problem]:
    """Return what is wrong with the windows of a file whose form is not sound otherwise."""
    root = document.root.value
    assignments = root.get("assignments") if isinstance(root, dict) else None
    for entry in assignments.value if assignments and isinstance(assignments.value, list) else ():
        if isinstance(entry.value, dict):
            yield from window(document, entry.value)[1]
