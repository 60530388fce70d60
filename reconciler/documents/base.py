"""The policies as an earlier commit has them, read from git without touching the work tree."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.documents.files import find_files
from reconciler.documents.git import Git
from reconciler.documents.load import Loaded, load
from reconciler.domain.policy import Policy
from reconciler.errors import PolicyError, SettingsError

_SHA1_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Base:
    """What there is to compare with."""

    policies: tuple[Policy, ...] = ()
    """Oldest first; empty when there is no earlier state, or none that can be read."""
    guardrails: str | None = None
    """Digest of the guardrails of the oldest; None without one."""
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
    prefix = git.prefix()
    commits = _commits(git, prefix, ref) if prefix is not None else []
    if prefix is None or not commits:
        if ref is not None:
            raise _unknown("--base", ref, root)
        return Base(note=_why_none(git, is_silent=prefix is None))
    found = []
    for commit in commits:
        try:
            loaded = folder_of(git, commit, prefix, Path(commit))
        except PolicyError:
            return Base(note="the policy files of the base commit are invalid")
        except FileNotFoundError:
            return Base(note="this clone does not hold the policy files of the base commit")
        found += [loaded] if loaded else []
    limits = found[0].guardrails.digest if found else None
    return Base(tuple(each.policy for each in found), limits)


def read_policy(root: Path, ref: str, environ: Mapping[str, str]) -> Policy:
    """Return the policy of a past commit, its places named as in the work tree.

    Raises SettingsError when git cannot read it or it has none, PolicyError when it is invalid.
    """
    git = Git(root, environ)
    prefix = git.prefix()
    commit = git.commit(ref) if prefix is not None else None
    if prefix is None or commit is None:
        raise _unknown("--at", ref, root)
    try:
        loaded = folder_of(git, commit, prefix, root)
    except FileNotFoundError:
        loaded = None
    if loaded is None:
        raise SettingsError(
            f"--at {ref}: that commit has no policy files below {root}, or this clone lacks them.",
            "Name another commit, or another folder with --policies.",
        )
    return loaded.policy


def base_commit(git: Git, ref: str | None) -> str | None:
    """Return the id of the commit that a plan is compared with; None when there is none."""
    return git.commit("HEAD^1" if ref is None else ref)


def is_committed(git: Git, prefix: str) -> bool:
    """Tell whether the policy files are those of HEAD, byte for byte.

    Judged by digest and without git's own comparison, which would run the repository's filters.
    """
    head = git.commit("HEAD")
    committed = git.files(head, prefix) if head else {}
    try:
        found, _ = find_files(git.folder)
    except PolicyError:
        return False
    is_short = all(len(blob) == _SHA1_DIGITS for blob in committed.values())
    name = "sha1" if is_short else "sha256"
    return committed == {source.path: _blob_id(source.raw, name) for source in found}


def _blob_id(raw: bytes, name: str) -> str:
    return hashlib.new(name, b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def _commits(git: Git, prefix: str, ref: str | None) -> list[str]:
    """Return the ids of the commits that are the base, oldest first."""
    found = [base_commit(git, ref)]
    if ref is None and not is_committed(git, prefix):
        found.append(git.commit("HEAD"))
    return [commit for commit in found if commit]


def folder_of(git: Git, commit: str, prefix: str, shown: Path) -> Loaded | None:
    """Return what the policies folder of one commit holds, None when it has no policy files.

    `shown` is the folder that its places name. Raises FileNotFoundError when git lacks a file.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-base-") as name:
        folder = Path(name)
        return load(folder, shown=shown) if export(git, commit, prefix, folder) else None


def export(git: Git, commit: str, prefix: str, folder: Path) -> bool:
    """Write the policies folder of one commit into a folder; False when it has no policy files.

    Raises FileNotFoundError, before anything is written, when git lacks a file.
    """
    files = git.files(commit, prefix)
    contents = git.contents(files.values())
    if contents is None:
        raise FileNotFoundError(commit)
    for path, content in zip(files, contents, strict=True):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return bool(files)


def _unknown(option: str, ref: str, root: Path) -> SettingsError:
    return SettingsError(
        f"{option} {ref}: git knows no such commit for {root}.",
        "Fetch it first (in CI: fetch-depth: 0), or name another.",
    )


def _why_none(git: Git, *, is_silent: bool) -> str | None:
    """Tell a work tree that cannot be asked from one that has no history yet."""
    if is_silent:
        holders = (git.folder.resolve(), *git.folder.resolve().parents)
        if any((folder / ".git").exists() for folder in holders):
            return "git does not answer for this work tree"
        return None
    return "this is a shallow clone, without the commit before" if git.is_shallow() else None
