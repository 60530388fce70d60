"""The journal's way from run to run: an append-only branch of the repository.

A runner's disk ends with its job. The branch is fetched before a run, pushed before the first
write, and pushed again at the end; never forced, and never with a journal that does not begin with
the one that was fetched. Who may push to it is a matter of branch rules (docs/ci.md).
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha1
from pathlib import Path
from typing import Self

from reconciler.errors import JournalError, SettingsError
from reconciler.locks.gitchild import Remote

BRANCH = "reconciler-journal"
JOURNAL = "journal.jsonl"
_BRANCH = re.compile(rf"{BRANCH}(-[A-Za-z0-9]+)*")
_PURPOSE = "the journal's branch"
_USERS = {
    "GITHUB_TOKEN": "x-access-token",
    "RECONCILER_GITLAB_TOKEN": "oauth2",
    # Enough to read.
    "CI_JOB_TOKEN": "gitlab-ci-token",
}
"""Variable with a token -> the user it goes with over HTTPS; the first that is set counts."""
_TOKENS = re.compile(r"SENTINELONE_.*|RECONCILER_.*|ACTIONS_.*|.*TOKEN.*|.*SECRET.*|.*PASSWORD.*")


@dataclass(slots=True)
class Carrier:
    """One journal between its branch and a folder on this disk."""

    remote: Remote
    folder: Path
    _tip: str | None = None
    _fetched: bytes = b""
    _pushed: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def open(cls, environ: Mapping[str, str], folder: Path) -> Self:
        """Find the repository by the runner's variables; `close` when done.

        Raises SettingsError when they do not say it, or git is missing.
        """
        url = remote_url(environ)
        child = {k: v for k, v in environ.items() if not _TOKENS.fullmatch(k)}
        child |= _credentials(environ, url)
        branch = branch_of(environ)
        return cls(Remote.open(url, f"refs/heads/{branch}", child, _PURPOSE), folder)

    def close(self) -> None:
        """Forget the repository; the folder stays."""
        self.remote.close()

    @property
    def journal(self) -> Path:
        """The journal's file in the folder."""
        return self.folder / JOURNAL

    def fetch(self) -> None:
        """Put the branch's files into the folder; nothing when the branch has not begun.

        Raises SettingsError when the remote does not answer: a run that does not know what
        earlier ones did would judge by less than they. Raises JournalError when the branch holds
        no journal, or one that was ever cut or begun anew.
        """
        self._tip = self.remote.tip()
        if self._tip:
            self._tip = self.remote.fetch(depth=None)
            self._pushed = self.remote.files(self._tip)
            self._fetched = self._pushed.get(JOURNAL, b"")
            self._check_grown()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, content in self._pushed.items():
                path = self.folder / name
                path.touch(mode=0o600)
                path.write_bytes(content)
        except OSError as error:
            raise SettingsError(
                f"The journal cannot be put into {self.folder}: {error.strerror or error}.",
                "Name another folder with --folder.",
            ) from error

    def _check_grown(self) -> None:
        """Raise JournalError unless every push ever only added to the journal.

        Whoever adds commits can add many, and can merge, so all that leads to the tip counts.
        """
        if not self._fetched:
            raise self._rewritten("it holds no journal")
        for blob, (commit, size) in self.remote.versions(self._tip or "", JOURNAL).items():
            if blob != _blob_id(self._fetched[:size]):
                raise self._rewritten(f"what the push {commit[:8]} held is not in it any more")

    @property
    def _branch(self) -> str:
        return self.remote.ref.removeprefix("refs/heads/")

    def _rewritten(self, why: str) -> JournalError:
        return JournalError(
            f"The branch {self._branch} was changed by somebody else: {why}.",
            f"Find out who pushed to it. To go on, put its last good commit back: git push --force "
            f"{self.remote.url} GOOD:{self.remote.ref}",
        )

    def push(self, message: str) -> None:
        """Add what the folder holds to the branch; nothing when nothing is new.

        Raises SettingsError when the remote does not take it, JournalError when somebody else
        pushed meanwhile or the journal no longer begins with what was fetched.
        """
        files = self._files()
        if not files.get(JOURNAL) or files == self._pushed:
            return
        if not files[JOURNAL].startswith(self._fetched):
            raise JournalError(
                "The journal no longer begins with what its branch holds.",
                "Keep both as evidence; nothing was pushed.",
            )
        commit = self.remote.commit(message, files, self._tip)
        if not self.remote.swap(self._tip, commit):
            raise JournalError(
                "Somebody else has added to the journal's branch since this run fetched it.",
                "Let one apply run at a time (concurrency group, RECONCILER_LOCK); keep this run's "
                "journal as evidence and compare both.",
            )
        self._tip, self._pushed = commit, files

    def set_aside(self, run: str, message: str) -> str:
        """Push what the folder holds to a branch of its own, and return that branch.

        For records that the journal's branch cannot take any more, since somebody else added to
        it. Raises SettingsError when the remote does not take it.
        """
        ref = f"{self.remote.ref}-left-{run}"
        commit = self.remote.commit(message, self._files(), self._tip)
        if not replace(self.remote, ref=ref).swap(None, commit):
            raise SettingsError(f"There is a branch {ref} already.", "Look at what it holds.")
        return ref.removeprefix("refs/heads/")

    def _files(self) -> dict[str, bytes]:
        """Return the journal and what lies beside it: its signature, and how far sinks are."""
        try:
            paths = sorted(self.folder.glob(f"{JOURNAL}*"))
            return {path.name: path.read_bytes() for path in paths if path.is_file()}
        except OSError as error:
            raise JournalError(f"The journal cannot be read: {error.strerror or error}.") from error


def branch_of(environ: Mapping[str, str]) -> str:
    """Return the branch that keeps the journal; raises SettingsError for what is no plain name."""
    named = environ.get("RECONCILER_JOURNAL_BRANCH", BRANCH)
    if not _BRANCH.fullmatch(named):
        raise SettingsError(
            f"RECONCILER_JOURNAL_BRANCH: {named!a} is no plain name.",
            f"Name a branch of letters, digits and hyphens that begins with {BRANCH}.",
        )
    return named


def remote_url(environ: Mapping[str, str]) -> str:
    """Return the address of the repository, RECONCILER_JOURNAL_REMOTE or the runner's own."""
    named = environ.get("RECONCILER_JOURNAL_REMOTE")
    if named:
        return named
    server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    if server and repository:
        return f"{server}/{repository}.git"
    url = environ.get("CI_PROJECT_URL")
    if url:
        return f"{url}.git"
    raise SettingsError(
        "Which repository keeps the journal is not known.", "Name it in RECONCILER_JOURNAL_REMOTE."
    )


def _blob_id(content: bytes) -> str:
    """Return the name that git gives to a file with this content."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _credentials(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """Return git's settings for the job's own token, in variables: no file, no command line.

    It goes to the host that gave it, and to no other.
    """
    found = ((user, environ.get(name, "")) for name, user in _USERS.items())
    user, token = next((pair for pair in found if pair[1]), ("", ""))
    server = environ.get("GITHUB_SERVER_URL") or environ.get("CI_SERVER_URL") or ""
    own = environ.get("CI_PROJECT_URL", "")
    is_own = (server and url.startswith(f"{server}/")) or (own and url == f"{own}.git")
    if not token or not is_own or not url.startswith("https://"):
        return {}
    basic = base64.b64encode(f"{user}:{token}".encode()).decode("ascii")
    count = environ.get("GIT_CONFIG_COUNT", "")
    number = int(count) if count.isdecimal() else 0
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"http.{url}.extraheader",
        f"GIT_CONFIG_VALUE_{number}": f"AUTHORIZATION: basic {basic}",
    }
