"""What commits say about themselves, asked of git in one form."""

from reconciler.documents.git import Git
from reconciler.domain.plan import Commit

MAX_TEXT = 200
"""Most characters of an author and of a subject."""

LOG = (
    *("log", "--encoding=UTF-8", "--no-color", "--no-ext-diff", "--no-textconv"),
    "--format=%x00%H%x00%P%x00%an%x00%s",
)
"""Arguments of `git log` for records that `read_commit` understands.

Each is one line that starts with NUL. No line of a patch does: content stands behind a sign, and
unusual names are quoted.
"""


def read_commits(git: Git, ids: list[str]) -> dict[str, Commit]:
    """Return what commits say about themselves."""
    if not ids:
        return {}
    stdin = "".join(f"{each}\n" for each in ids).encode()
    answer = git.ask(*LOG, "--no-walk=unsorted", "--no-patch", "--stdin", stdin=stdin) or b""
    records = (line for line in answer.split(b"\n") if line.startswith(b"\0"))
    return {commit.id: commit for commit, _ in map(read_commit, records)}


def read_commit(record: bytes) -> tuple[Commit, bool]:
    """Read one record of the format; and tell whether the commit has a parent."""
    _, each, parents, author, subject = record.split(b"\0", 4)
    return Commit(each.decode("ascii"), _text(author), _text(subject)), bool(parents)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")[:MAX_TEXT]
