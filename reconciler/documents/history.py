"""Which commits wrote the lines of the policies, and which took words out: read from git.

All of it is evidence for the reader. Whatever cannot be told is left out without a word: no work
tree, a history that was cut when cloning, lines not committed yet, files that are not there.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reconciler.documents.base import base_commit, is_committed
from reconciler.documents.blame import blame
from reconciler.documents.commits import LOG, read_commit
from reconciler.documents.files import find_files
from reconciler.documents.git import Git
from reconciler.domain.plan import Commit
from reconciler.errors import Place, PolicyError
from reconciler.planning.causes import History, Recent

MAX_RECENT = 200
"""Most commits since the base that are looked at, newest first."""

_SEPARATORS = re.compile(r"[\s,\[\]{}\"'#]+")


def read_history(
    root: Path,
    places: Iterable[Place],
    ref: str | None,
    environ: Mapping[str, str],
    shown: Path | None = None,
) -> History:
    """Return what git tells about places in the policies folder, and about the commits since.

    `ref` is the base as `documents.base.read_base` takes it; places lie below `shown`, else below
    the folder. Never raises: what git does not tell is absent.
    """
    git = Git(root, environ)
    prefix, head = git.prefix(), git.commit("HEAD")
    if prefix is None or head is None:
        return History()
    base = base_commit(git, ref)
    recent, is_whole = _recent(git, base, head) if base else ((), False)
    return History(
        written=blame(git, prefix, head, _by_file(shown or root, places), _work_tree(root)),
        recent=recent,
        is_clean=is_whole and is_committed(git, prefix),
    )


def read_lines(
    root: Path, places: Iterable[Place], at: str | None, environ: Mapping[str, str]
) -> Mapping[Place, Commit]:
    """Return the commits that wrote lines, of the work tree or as the commit `at` has them."""
    git = Git(root, environ)
    prefix, commit = git.prefix(), git.commit(at or "HEAD")
    if prefix is None or commit is None:
        return {}
    work_tree = _work_tree(root) if at is None else None
    return blame(git, prefix, commit, _by_file(root, places), work_tree)


def commit_id(root: Path, ref: str, environ: Mapping[str, str]) -> str | None:
    """Return the whole id of a commit as somebody names it, None when git knows none."""
    return Git(root, environ).commit(ref)


def _recent(git: Git, base: str, head: str) -> tuple[tuple[Recent, ...], bool]:
    """Return the commits since the base that touch the folder, and whether these are all."""
    answer = git.ask(
        *(*LOG, f"--max-count={MAX_RECENT + 1}", "--no-merges", "--no-renames", "--text"),
        *("--unified=0", "--inter-hunk-context=0", "--patch", f"{base}..{head}", "--", "."),
    )
    found: list[Recent] = []
    is_shallow = git.is_shallow()
    is_whole = answer is not None
    for record, patch in _patches(answer or b""):
        commit, has_parent = read_commit(record)
        if is_shallow and not has_parent:
            is_whole = False  # It would seem to have written everything.
        else:
            added, removed = _words(patch)
            found.append(Recent(commit, frozenset(added - removed), frozenset(removed - added)))
    return tuple(found[:MAX_RECENT]), is_whole and len(found) <= MAX_RECENT


def _patches(answer: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Split a log with patches into the record of each commit and its lines."""
    record, patch = b"", list[bytes]()
    for line in answer.split(b"\n"):
        if line.startswith(b"\0"):
            if record:
                yield record, patch
            record, patch = line, []
        else:
            patch.append(line)
    if record:
        yield record, patch


def _words(patch: Iterable[bytes]) -> tuple[Counter[str], Counter[str]]:
    """Count the words on added and on removed lines."""
    added, removed = Counter[str](), Counter[str]()
    is_content = False
    for line in patch:
        if line.startswith(b"@@"):
            is_content = True
        elif line.startswith(b"diff "):
            is_content = False
        elif is_content and line.startswith((b"+", b"-")):
            words = _SEPARATORS.split(line[1:].decode("utf-8", "replace").casefold())
            counted = added if line.startswith(b"+") else removed
            counted.update(word.removesuffix(":") for word in words)
    return added, removed


def _by_file(root: Path, places: Iterable[Place]) -> dict[str, set[Place]]:
    found: dict[str, set[Place]] = {}
    for place in places:
        path = Path(place.file)
        if place.line and path.is_relative_to(root):
            found.setdefault(path.relative_to(root).as_posix(), set()).add(place)
    return found


def _work_tree(root: Path) -> dict[str, bytes]:
    try:
        return {source.path: source.raw for source in find_files(root)[0]}
    except PolicyError:
        return {}
