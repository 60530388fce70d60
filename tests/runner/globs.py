"""Which files a list of paths and patterns means, as in actions/toolkit's glob."""

import os
from pathlib import Path

from runner.documents import matches

_SIGNS = "*?["


def chosen(workspace: Path, patterns: list[str], *, hidden: bool) -> list[Path]:
    """Return the files, sorted. A folder means all below it; `!` takes away."""
    found: set[Path] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            gone = str(_whole(workspace, pattern[1:]))
            found = {f for f in found if not matches(str(f), gone) and not _below(f, gone)}
            continue
        whole = _whole(workspace, pattern)
        root = fixed_part(whole)
        every = [root] if root.is_file() else _files(root)
        found |= {f for f in every if matches(str(f), str(whole)) or _below(f, str(whole))}
    return sorted(f for f in found if hidden or not _is_hidden(workspace, patterns, f))


def fixed_part(pattern: Path) -> Path:
    """Return the folder (or file) before the first sign of a pattern."""
    kept = []
    for part in pattern.parts:
        if any(sign in part for sign in _SIGNS):
            break
        kept.append(part)
    return Path(*kept)


def common_folder(workspace: Path, patterns: list[str], files: list[Path]) -> Path:
    """Return what names in an artifact are relative to: the least folder above all searches."""
    roots = [fixed_part(_whole(workspace, p)) for p in patterns if not p.startswith("!")]
    if len(roots) == 1 and roots[0].is_file():
        return files[0].parent
    if len(roots) == 1:
        return roots[0]
    return Path(os.path.commonpath([root.parent if root.is_file() else root for root in roots]))


def _whole(workspace: Path, pattern: str) -> Path:
    return Path(os.path.normpath(workspace / pattern))


def _files(root: Path) -> list[Path]:
    return [Path(at) / name for at, _, names in os.walk(root) for name in names]


def _below(path: Path, pattern: str) -> bool:
    """Tell whether a pattern names a folder above the path."""
    return any(matches(str(parent), pattern) for parent in path.parents)


def _is_hidden(workspace: Path, patterns: list[str], path: Path) -> bool:
    """Tell whether a part of the path starts with a dot, from where the search began."""
    roots = [fixed_part(_whole(workspace, p)) for p in patterns]
    above = [root for root in roots if root == path or root in path.parents]
    deepest = max(above, key=lambda root: len(root.parts))
    return any(part.startswith(".") for part in (deepest.name, *path.relative_to(deepest).parts))
