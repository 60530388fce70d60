"""The last line of a plan and of a drift report: fixed wording that people and pipelines read."""

from typing import Any

Tree = dict[str, Any]


def summary(counts: Tree, refused: int) -> str:
    """Return the one-line sum of a plan, exactly as the contract writes it.

    Where a guardrail says no, something would have changed: that is not "No changes."
    """
    is_empty = not any(count for key, count in counts.items() if key != "unlisted")
    if is_empty and not refused:
        return f"No changes. {counts['unlisted']} unlisted."
    return (
        f"Plan: {counts['grant']} to grant, {counts['revoke']} to revoke, "
        f"{counts['invite']} to invite, {counts['delete']} to delete, "
        f"{counts['unlisted']} unlisted."
    )


def drift_summary(counts: Tree, refused: int, changed_roles: int = 0) -> str:
    """Return the one-line sum of a drift report; `refused` counts what guardrails say no to.

    Where nothing may be left, a refusal stands instead of a revoke: that is drift as well, and so
    is a role that permits something else than when it was pinned.
    """
    if not any(counts.values()) and not refused and not changed_roles:
        return "No drift."
    told = f", {changed_roles} changed role{'s'[changed_roles == 1 :]}" if changed_roles else ""
    tokens = counts.get("tokens", 0)
    told += f", {tokens} API token{'s'[tokens == 1 :]} to revoke" if tokens else ""
    told += f", {refused} refused" if refused else ""
    return (
        f"Drift: {counts['grant']} missing, {counts['revoke']} not in the policies, "
        f"{counts['unlisted']} unlisted{told}."
    )
