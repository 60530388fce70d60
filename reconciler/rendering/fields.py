"""What differs between two plain mappings that are known to be about the same thing.

Whom to compare with whom is never decided here: a library that pairs things by likeness would
call a newcomer a renamed colleague.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from deepdiff import DeepDiff

Tree = dict[str, Any]


def changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], ignored: Iterable[str] = ()
) -> list[Tree]:
    """Return `{field, before, after}` for each difference, sorted by field.

    A field inside another is written `licenses.count` or `bundles.0`. Where a field is absent,
    so is its side. `ignored` are fields at the top that do not count.
    """
    out = frozenset(ignored)
    one, two = (
        {key: value for key, value in side.items() if key not in out} for side in (before, after)
    )
    if one == two:
        return []  # nearly everybody, every day
    found = DeepDiff(one, two, view="tree", ignore_private_variables=False)
    levels = (level for levels in found.values() for level in levels)
    return sorted(map(_field, levels), key=lambda each: str(each["field"]))


def _field(level: Any) -> Tree:
    told = {"before": level.t1, "after": level.t2}
    sides = {side: value for side, value in told.items() if not _is_absent(value)}
    return {"field": ".".join(map(str, level.path(output_format="list"))), **sides}


def _is_absent(value: Any) -> bool:
    """Tell the library's mark for nothing from every JSON value."""
    return not isinstance(value, str | int | float | list | dict | None)
