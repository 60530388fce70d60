"""A file after parsing: plain values that remember where they stand. No parser type gets here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.errors import Place


class Node(NamedTuple):
    """One value of a file. A named tuple, because a large policy has a million of them."""

    value: Any
    """str, bool, int, float or None; a list of nodes; or a mapping of str to node."""
    line: int
    """Of the value, from 1."""
    column: int
    key_line: int = 0
    """Of the key that the value stands under; 0 when it stands under none."""
    key_column: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file."""

    path: str
    """Relative to the policies folder, with `/`."""
    file: str
    """As the user would type it."""
    root: Node

    def place(self, node: Node) -> Place:
        """Return where a value stands."""
        return Place(self.file, node.line, node.column)

    def key_place(self, node: Node) -> Place:
        """Return where the key of a value stands, or the value if it has none."""
        if not node.key_line:
            return self.place(node)
        return Place(self.file, node.key_line, node.key_column)

    def entries(self, key: str) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a top-level mapping such as `users`; none when it is absent."""
        node = self.root.value.get(key)
        if node is not None:
            yield from node.value.items()

    def items(self, key: str) -> list[Node]:
        """Return the items of a top-level list such as `assignments`; none when it is absent."""
        node: Node | None = self.root.value.get(key)
        return [] if node is None else list(node.value)


def plain(node: Node) -> Any:
    """Return the value without places: dict, list, str, bool, int, float or None."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value
