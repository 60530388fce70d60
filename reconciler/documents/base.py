"""The policies as an earlier commit has them, read from git without touching the work tree.

Git is asked for names and blobs only; nothing of the repository is executed, and the child gets
an environment without any token (T18).
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reconciler.documents.load import load
from reconciler.domain.policy import Policy
from reconciler.errors import PolicyError, SettingsError

_SECONDS = 60
_PLAIN_FILES = {b"100644", b"100755"}


@dataclass(frozen=True, slots=True)
class Git:
    """Asks git about the work tree that holds a folder."""

    folder: Path
    environ: Mapping[str, str]
    """What the child may see; no variable that leads to a token."""

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes | None:
        """Return what git answers, or None when it refuses or is not installed."""
        command = ["git", "-C", str(self.folder), "--no-optional-locks"]
        # A repository's own configuration may name a program here; this run executes none.
        command += ["-c", "core.fsmonitor=false", *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                command,
                env=dict(self.environ),
                input=stdin,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Base:
    """What there is to compare with."""

    policies: tuple[Policy, ...] = ()
    """Oldest first; empty when there is no earlier state, or none that can be read."""
    note: str | None = None
    """Why there is none, when the reader should know."""


def read_base(root: Path, ref: str | None, environ: Mapping[str, str]) -> Base:
    """Return the policies of the base.

    Without `ref` that is HEAD's first parent, which is the base branch of a pull request's merge
    commit and the commit before a squash; and HEAD as well while the policies have uncommitted
    changes. Never HEAD alone: attributes in a repository can make a fresh checkout look changed.
    Outside a git work tree and before the second commit there is nothing to compare with.

    Raises SettingsError when a `ref` was asked for that git cannot read.
    """
    git = Git(root, environ)
    prefix = git.ask("rev-parse", "--show-prefix") if root.is_dir() else None
    commits = _commits(git, ref) if prefix is not None else []
    if prefix is None or not commits:
        if ref is not None:
            raise SettingsError(
                f"--base {ref}: git knows no such commit for {root}.",
                "Fetch it first (in CI: fetch-depth: 0), or name another.",
            )
        return Base(note=_why_none(git, is_silent=prefix is None))
    folder = prefix.decode("utf-8", "surrogateescape").strip("\n")
    try:
        return Base(tuple(p for commit in commits if (p := _policy(git, commit, folder))))
    except PolicyError:
        return Base(note="the policy files of the base commit are invalid")


def _commits(git: Git, ref: str | None) -> list[str]:
    """Return the ids of the commits that are the base, oldest first."""
    refs = [ref] if ref is not None else ["HEAD^1"]
    if ref is None and git.ask("status", "--porcelain", "--", "."):
        refs.append("HEAD")
    found = [
        git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{each}^{{commit}}")
        for each in refs
    ]
    return [answer.decode("ascii").strip() for answer in found if answer]


def _policy(git: Git, commit: str, prefix: str) -> Policy | None:
    """Return the policy of one commit, None when it has no policy files."""
    with tempfile.TemporaryDirectory(prefix="reconciler-base-") as folder:
        return load(Path(folder)).policy if _write_out(git, commit, prefix, Path(folder)) else None


def _why_none(git: Git, *, is_silent: bool) -> str | None:
    """Tell a work tree that cannot be asked from one that has no history yet."""
    if is_silent:
        holders = (git.folder.resolve(), *git.folder.resolve().parents)
        if any((folder / ".git").exists() for folder in holders):
            return "git does not answer for this work tree"
        return None
    if git.ask("rev-parse", "--is-shallow-repository") == b"true\n":
        return "this is a shallow clone, without the commit before"
    return None


def _write_out(git: Git, commit: str, prefix: str, folder: Path) -> int:
    """Put the policy files of a commit below `folder` and return how many there are.

    Links and other entries stay out.
    """
    listing = git.ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix or ".") or b""
    found: list[tuple[PurePosixPath, bytes]] = []
    for entry in filter(None, listing.split(b"\0")):
        about, _, raw = entry.partition(b"\t")
        mode, _, blob = about.split()
        path = PurePosixPath(raw.decode("utf-8", "surrogateescape").removeprefix(prefix))
        if mode in _PLAIN_FILES and path.suffix == ".yaml" and not path.is_absolute():
            found.append((path, blob))
    answer = git.ask("cat-file", "--batch", stdin=b"".join(blob + b"\n" for _, blob in found))
    for (path, _), content in zip(found, _contents(answer or b""), strict=True):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return len(found)


def _contents(answer: bytes) -> Iterator[bytes]:
    """Split `cat-file --batch`: a line `<id> blob <size>`, so many bytes, a newline; repeated."""
    while answer:
        header, _, rest = answer.partition(b"\n")
        size = int(header.rpartition(b" ")[2])
        yield rest[:size]
        answer = rest[size + 1 :]
