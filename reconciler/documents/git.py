"""Questions to git about the work tree that holds the policies. Nothing in it is executed.

A repository can name programs: filters and converters for its files, a file system monitor, a
signature checker, a transport for objects left out of a partial clone. So git is asked for names,
blobs, lines and differences only, never to compare with the work tree (that would run filters),
with every such program turned off; and the child gets an environment without any token (T18).
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60
_PLAIN_FILES = {b"100644", b"100755"}

# Each line shuts one door through which a repository's own configuration gets a program started.
_NO_PROGRAMS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "core.hooksPath=/dev/null"),
)
# The same for objects that a partial clone left out: by name for newer versions of git, and by
# an empty list of allowed transports for all.
_NO_TRANSPORT = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_TERMINAL_PROMPT": "0"}
# Whatever is called so: a job in CI holds tokens of its host too, under many names.
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Git:
    """Asks git about the work tree that holds a folder."""

    folder: Path
    environ: Mapping[str, str]
    """What the child may see; of this it gets nothing that is called a secret."""

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes | None:
        """Return what git answers, or None when it refuses or is not installed."""
        command = ["git", "-C", str(self.folder), "--no-optional-locks", "--no-replace-objects"]
        command += ["--literal-pathspecs", "--no-pager", *_NO_PROGRAMS, *arguments]
        seen = {name: value for name, value in self.environ.items() if not _SECRET.search(name)}
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                command,
                env={**seen, **_NO_TRANSPORT},
                input=stdin,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None  # ValueError: a name with a NUL byte
        return done.stdout if done.returncode == 0 else None

    def prefix(self) -> str | None:
        """Return where the folder lies in its work tree: empty, or with `/` at its end.

        None outside a work tree, and when git does not answer.
        """
        answer = self.ask("rev-parse", "--show-prefix") if self.folder.is_dir() else None
        return None if answer is None else _text(answer).removesuffix("\n")

    def commit(self, ref: str) -> str | None:
        """Return the id of a commit, None when git knows no such commit."""
        answer = self.ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        return answer.decode("ascii").strip() if answer else None

    def is_shallow(self) -> bool:
        """Tell whether the history was cut when cloning."""
        return self.ask("rev-parse", "--is-shallow-repository") == b"true\n"

    def files(self, commit: str, prefix: str) -> dict[str, str]:
        """Return path below the folder -> blob id of the `.yaml` files of a commit.

        Links and other entries stay out, and hidden files, as when reading the folder.
        """
        listing = self.ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix or ".")
        found: dict[str, str] = {}
        for entry in filter(None, (listing or b"").split(b"\0")):
            about, _, raw = entry.partition(b"\t")
            mode, _, blob = about.split()
            path = _text(raw).removeprefix(prefix)
            # An empty part or `..` stands in no tree that git itself made.
            is_plain = all(part and not part.startswith(".") for part in path.split("/"))
            if mode in _PLAIN_FILES and path.endswith(".yaml") and is_plain:
                found[path] = blob.decode("ascii")
        return found

    def contents(self, blobs: Iterable[str]) -> list[bytes] | None:
        """Return what blobs hold, in order; None when git does not have them all."""
        asked = list(blobs)
        answer = self.ask("cat-file", "--batch", stdin="".join(f"{b}\n" for b in asked).encode())
        found = list(_contents(answer or b""))
        return found if len(found) == len(asked) else None


def _contents(answer: bytes) -> Iterator[bytes]:
    """Split `cat-file --batch`: a line `<id> blob <size>`, so many bytes, a newline; repeated."""
    while answer:
        header, _, rest = answer.partition(b"\n")
        size = header.rpartition(b" ")[2]
        if not size.isdigit():
            return  # `<id> missing`
        yield rest[: int(size)]
        answer = rest[int(size) + 1 :]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
