"""git as a child, for one ref of one remote. No work tree, no hooks, no questions.

It works in an empty repository of its own, so nothing of a checkout's configuration counts; what
the user's own configuration says about reaching the remote (credentials, proxy) does.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from reconciler.errors import SettingsError

_SECONDS = 60
_SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "push.followTags=false"),
    *("-c", "push.gpgSign=false"),
    *("-c", "http.followRedirects=false"),
    # A remote that trickles counts as one that does not answer.
    *("-c", "http.lowSpeedLimit=100"),
    *("-c", "http.lowSpeedTime=20"),
)
_ALWAYS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_AUTHOR_NAME": "reconciler",
    "GIT_AUTHOR_EMAIL": "reconciler@localhost",
    "GIT_COMMITTER_NAME": "reconciler",
    "GIT_COMMITTER_EMAIL": "reconciler@localhost",
    "LC_ALL": "C",
}
# Variables that would lead git into another repository than its own.
_ELSEWHERE = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE"
    r"|COMMON_DIR|CEILING_DIRECTORIES|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|QUARANTINE_PATH"
    r"|PREFIX|TRACE.*|TEMPLATE_DIR)"
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_CAUSE = re.compile(r"(?:ssh|fatal|error|remote): *[A-Za-z]")
_USER_INFO = re.compile(r"://[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Remote:
    """One ref of a remote repository, changed only by compare and swap.

    Every method raises SettingsError when git or the remote does not answer.
    """

    url: str
    ref: str
    environ: Mapping[str, str]
    """What the child may see; no variable that leads to a token of ours."""
    purpose: str
    """What the ref is for, in messages."""
    scratch: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def open(
        cls, url: str, ref: str, environ: Mapping[str, str], purpose: str = "the lock"
    ) -> Self:
        """Make the empty repository; `close` deletes it."""
        scratch = tempfile.TemporaryDirectory(prefix="reconciler-git-", ignore_cleanup_errors=True)
        clean = {k: v for k, v in environ.items() if not _ELSEWHERE.fullmatch(k)}
        remote = cls(url, ref, {**clean, **_ALWAYS}, purpose, scratch)
        try:
            remote.ask("init", "--quiet", "--bare", "--template=", ".")
        except BaseException:
            scratch.cleanup()
            raise
        return remote

    def close(self) -> None:
        """Delete the empty repository."""
        self.scratch.cleanup()

    def tip(self) -> str | None:
        """Return the commit that the ref names at the remote, None when there is no such ref."""
        for line in self.ask("ls-remote", "--", self.url, self.ref).splitlines():
            commit, _, ref = line.partition("\t")
            if ref == self.ref:
                return commit
        return None

    def message(self, commit: str) -> str:
        """Return the message of a commit, after `fetch`."""
        return self.ask("cat-file", "commit", commit).partition("\n\n")[2]

    def fetch(self, depth: int | None = 1) -> str:
        """Fetch what the ref names, and so many commits of its past, or all; return the commit."""
        refspec = f"+{self.ref}:refs/seen"
        cut = () if depth is None else (f"--depth={depth}",)
        self.ask("fetch", "--quiet", "--no-tags", *cut, "--", self.url, refspec)
        return self.ask("rev-parse", "--verify", "refs/seen^{commit}").strip()

    def files(self, commit: str, *names: str) -> dict[str, bytes]:
        """Return the files at the top of a commit, after `fetch`; links and folders stay out.

        With names only these.
        """
        found = {}
        for line in self.ask("ls-tree", "-z", commit, "--", *names).split("\0"):
            about, _, name = line.partition("\t")
            if about.startswith("100644 blob ") and _PLAIN_NAME.fullmatch(name):
                found[name] = self._bytes("cat-file", "blob", about.split()[-1])
        return found

    def versions(self, commit: str, name: str) -> dict[str, tuple[str, int]]:
        """Return every version of a file in a commit's fetched past, whatever way leads there.

        The id of a version -> the newest commit that holds it, and how many bytes it has.
        """
        commits = self.ask("rev-list", commit).split()
        asked = "".join(f"{one}:{name}\n" for one in commits)
        answers = self.ask("cat-file", "--batch-check", stdin=asked).splitlines()
        found: dict[str, tuple[str, int]] = {}
        for one, answer in zip(commits, answers, strict=True):
            blob, kind, size = [*answer.split(), "", ""][:3]
            if kind == "blob":
                found.setdefault(blob, (one, int(size)))
        return found

    def commit(
        self, message: str, files: Mapping[str, bytes] | None = None, parent: str | None = None
    ) -> str:
        """Make a commit of these files and no others here, and return its id."""
        lines = []
        for name, content in sorted((files or {}).items()):
            blob = self._bytes("hash-object", "-w", "--stdin", stdin=content).decode().strip()
            lines.append(f"100644 blob {blob}\t{name}\0")
        tree = self.ask("mktree", "-z", stdin="".join(lines)).strip()
        parents = ("-p", parent) if parent else ()
        return self.ask("commit-tree", tree, *parents, stdin=message).strip()

    def swap(self, expected: str | None, wanted: str | None) -> bool:
        """Let the ref name another commit, if it names the expected one; None means no ref.

        Return False when it named something else. Exactly one of several at a time succeeds.
        """
        lease = f"--force-with-lease={self.ref}:{expected or ''}"
        push = ("push", "--quiet", "--no-verify", "--no-signed", lease, "--", self.url)
        try:
            self.ask(*push, f"{wanted or ''}:{self.ref}")
        except SettingsError:
            # Refused; or done and the answer lost. What it names now tells.
            now = self.tip()
            if now == expected:
                raise
            return now == wanted
        return True

    def ask(self, *arguments: str, stdin: str = "") -> str:
        """Run git in the empty repository and return what it prints."""
        return self._bytes(*arguments, stdin=stdin.encode()).decode("utf-8", "replace")

    def _bytes(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", self.scratch.name, "--no-pager", *_SAFE, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - fixed words and a checked address, no shell
                command,
                env=dict(self.environ),
                input=stdin,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                start_new_session=True,  # ssh finds no terminal to ask on
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = "git is not installed" if isinstance(error, FileNotFoundError) else "no answer"
            raise self._trouble(arguments[0], why) from error
        if done.returncode != 0:
            why = _reason(done.stderr.decode("utf-8", "replace"))
            raise self._trouble(arguments[0], why)
        return done.stdout

    def _trouble(self, word: str, why: str) -> SettingsError:
        return SettingsError(
            f"git {word} failed for {self.purpose} at {self.url}: {why}.",
            f"Without {self.purpose} nothing is changed: check that this user may push there "
            "without being asked for a password.",
        )


def _reason(text: str) -> str:
    """Return the line that says why: git's last one often only repeats what may be checked."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if _CAUSE.match(line)]
    why = [*named, *reversed(lines), "no reason given"][0]
    return _USER_INFO.sub("://", why)[:200].rstrip(".")
