"""Labels that say at a glance, in a list of pull requests, what merging one would do."""

from collections.abc import Iterable

from reconciler.forge.base import ForbiddenError, Forge

LABELS = {
    "no-change": "access: no change",
    "grants": "access: grants",
    "revokes": "access: revokes",
    "refused": "access: refused",
    "failed": "access: failed",
    "unplanned": "access: not planned",
}
"""Verdict -> label; all others belong to somebody else."""


def labels_for(verdicts: Iterable[Iterable[str]]) -> frozenset[str]:
    """Return the labels for the verdicts of one or several plans on a pull request.

    Where several consoles live in one repository, "no change" holds only when all say so.
    """
    every = {word for verdict in verdicts for word in verdict}
    told = every - {"no-change"} or every
    return frozenset(LABELS[word] for word in told)


def keep_labels(forge: Forge, number: str, wanted: frozenset[str]) -> str:
    """Put our labels on a pull request and take stale ones of ours off; say what was done.

    Nothing is sent when they are right already. Raises ForgeError.
    """
    # Hosts know a label in any case of letters, and show it in the one it was made with.
    shown = {label.casefold() for label in forge.labels(number)}
    remove = sorted(label for label in set(LABELS.values()) - wanted if label in shown)
    add = sorted(label for label in wanted if label not in shown)
    if remove:
        # On its own, and before: what does not hold any more must not stay where adding fails.
        forge.change_labels(number, (), remove)
    if add:
        _add(forge, number, add)
    if not add and not remove:
        return "The labels are right already."
    return f"Labels: {', '.join(sorted(wanted))}."


def _add(forge: Forge, number: str, labels: list[str]) -> None:
    try:
        forge.change_labels(number, labels, ())
    except ForbiddenError as error:
        raise ForbiddenError(
            error.message,
            f"{error.remedy} With that alone only labels can be put on that the repository knows: "
            f"make them once ({', '.join(sorted(LABELS.values()))}).",
        ) from error
