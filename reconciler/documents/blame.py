"""Which commit wrote a line, as `git blame` tells it; the work tree is compared here, not there."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher

from reconciler.documents.commits import read_commits
from reconciler.documents.git import Git
from reconciler.domain.plan import Commit
from reconciler.errors import Place

_AT_ONCE = 4
_MANY_LINES = 1_000
_BLAME = ("blame", "--porcelain", "--no-textconv")


def blame(
    git: Git,
    prefix: str,
    commit: str,
    wanted: Mapping[str, set[Place]],
    work_tree: Mapping[str, bytes] | None,
) -> dict[Place, Commit]:
    """Blame each file once, and ask for what the commits found say about themselves."""
    is_shallow, files = git.is_shallow(), git.files(commit, prefix)
    paths = [path for path in wanted if path in files]
    committed = git.contents(files[path] for path in paths) or []
    tasks: list[tuple[str, list[tuple[int, Place]]]] = []
    for path, content in zip(paths, committed, strict=False):
        now = content if work_tree is None else work_tree.get(path, b"")
        same = _unchanged(now, content)
        tasks.append(
            (path, [(same[place.line], place) for place in wanted[path] if place.line in same])
        )
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        blamed = pool.map(lambda task: _blamed(git, commit, *task, is_shallow=is_shallow), tasks)
    ids = {
        place: by_line[line]
        for (_, lines), by_line in zip(tasks, blamed, strict=True)
        for line, place in lines
        if line in by_line
    }
    known = read_commits(git, sorted(set(ids.values())))
    return {place: known[each] for place, each in ids.items() if each in known}


def _unchanged(now: bytes, committed: bytes) -> dict[int, int]:
    """Return line of now -> line as committed, from 1, for the lines that are the same.

    Line ends do not count: a checkout may write others.
    """
    one, two = (
        [line.rstrip(b"\r") for line in raw.removesuffix(b"\n").split(b"\n")]
        for raw in (now, committed)
    )
    if one == two:
        return {n: n for n in range(1, len(one) + 1)}
    blocks = SequenceMatcher(None, one, two).get_matching_blocks()
    return {a + n + 1: b + n + 1 for a, b, size in blocks for n in range(size)}


def _blamed(
    git: Git, commit: str, path: str, places: list[tuple[int, Place]], *, is_shallow: bool
) -> dict[int, str]:
    """Return line -> id of the commit that wrote it."""
    lines = sorted({line for line, _ in places})
    if not lines:
        return {}
    ranges = [f"-L{n},{n}" for n in lines] if len(lines) <= _MANY_LINES else []
    answer = git.ask(*_BLAME, *ranges, commit, "--", path) or b""
    found: dict[int, str] = {}
    cut: set[str] = set()
    each = ""
    is_header = True
    for line in answer.split(b"\n"):
        if line.startswith(b"\t"):
            is_header = True
        elif is_header and line:
            each, _, number, *_ = line.decode("ascii").split(" ")
            found[int(number)] = each
            is_header = False
        elif line == b"boundary" and is_shallow:
            # Where the history was cut; who wrote the line lies behind it.
            cut.add(each)
    return {number: each for number, each in found.items() if each not in cut}
