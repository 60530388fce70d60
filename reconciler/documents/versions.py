"""The committed policies that closing windows rest on, read from git.

A commit counts from the latest date that stands in it or before it, so that a date set back in one
commit moves nothing. Dates are evidence only as far as the branch is: see `planning.ends`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.documents.base import folder_of
from reconciler.documents.git import Git
from reconciler.domain.policy import Policy
from reconciler.domain.wanted import Version
from reconciler.errors import PolicyError

MAX_AGE = timedelta(days=90)
"""Windows that closed longer ago are forgiven no more."""
MAX_READ = 20
"""Most commits whose policies are read."""
_MAX_LISTED = 2000
_LAST_DATE = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def read_versions(
    root: Path, ref: str | None, ends: Iterable[datetime], now: datetime, environ: Mapping[str, str]
) -> tuple[Version, ...]:
    """Return the commits of the policies since just before windows closed, newest first.

    `ends` are when windows close. Walks the first parents of `ref`, or of HEAD. Never raises:
    what git does not tell is no evidence.
    """
    closed = [end for end in ends if now - MAX_AGE < end <= now]
    git = Git(root, environ)
    prefix = git.prefix() if closed else None
    head = git.commit("HEAD" if ref is None else ref) if prefix is not None else None
    if prefix is None or head is None:
        return ()
    commits = _commits(git, head)
    # How far to read: the newest commit before each closing, unless it lies too far back.
    far = [next((n for n, (since, _) in enumerate(commits) if since < end), None) for end in closed]
    needed = max((n + 1 for n in far if n is not None and n < MAX_READ), default=0)
    found = []
    for since, commit in commits[:needed]:
        try:
            loaded = folder_of(git, commit, prefix, Path(commit))
        except (PolicyError, FileNotFoundError):
            break
        found.append(Version(since, loaded.policy if loaded else Policy()))
    return tuple(found)


def _commits(git: Git, head: str) -> list[tuple[datetime, str]]:
    """Return the commits that changed the folder, newest first, each with since when it counts."""
    answer = git.ask(
        *("rev-list", "--first-parent", "--timestamp", f"--max-count={_MAX_LISTED}"),
        *(head, "--", "."),
    )
    pairs = [line.split() for line in (answer or b"").decode("ascii").splitlines()]
    latest, found = 0, []
    for stamp, commit in reversed(pairs):
        latest = max(latest, min(int(stamp), _LAST_DATE))
        found.append((datetime.fromtimestamp(latest, UTC), commit))
    return found[::-1]
