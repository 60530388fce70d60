"""The folder that passes from the job with the console's token to the job that may comment.

`result.json` says in fixed alphabets what the run came to, `comment.md` holds the text for
people; a saved plan and a page lie beside them. Whoever reads the folder trusts nothing in it:
not that files are there, nor that they are files, nor that one belongs to the other.
"""

import contextlib
import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import rfc8785

from reconciler.documents.private_file import Kind, read_content, read_private, write_private
from reconciler.errors import SettingsError
from reconciler.rendering.safe import visible

RESULT, COMMENT, PLAN, PAGE = "result.json", "comment.md", "plan.json", "plan.html"
_FILES = (RESULT, COMMENT, PLAN, PAGE)
ANY = "0" * 12
"""The key of a run that does not know which console it is about."""
_TITLE = 300
_MADE_BY = "reconciler ci plan --folder DIR"

_RESULT_KIND = Kind("result", "the result of a CI run", "result.schema.json", 65_536, _MADE_BY)
_TEXT_KIND = Kind("comment", "the comment of a CI run", "", 4 * 1024 * 1024, _MADE_BY)
_PLAN_KIND = Kind("plan", "the saved plan of a CI run", "", 64 * 1024 * 1024, _MADE_BY)
_PAGE_KIND = Kind("page", "the page of a CI run", "", 0, _MADE_BY)


@dataclass(frozen=True, slots=True)
class Result:
    """What a CI run came to; the fields are told in `schemas/result.schema.json`."""

    command: str
    """`plan`, `apply` or `drift`."""
    exit_code: int
    key: str
    """As `key_of` makes it."""
    verdict: tuple[str, ...]
    """`no-change`, `refused`, `failed` or `unplanned` alone; or `grants`, `revokes`, or both."""
    title: str
    """One line in our own words, without names; `title_of` makes any text one."""
    commit: str
    run: str
    run_url: str = ""
    number: str = ""
    """The pull request; empty when there is none."""
    head: str = ""
    content_digest: str = ""
    plan_file_digest: str = ""
    """Of plan.json; `write_folder` fills it in."""
    journal_head: str = ""
    console: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether the run came to no result, or to a part of one."""
        return self.verdict == ("failed",)

    @property
    def is_refused(self) -> bool:
        """Whether a guardrail, a binding or a lock said no."""
        return self.verdict == ("refused",)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was read: what fits together in it."""

    result: Result
    comment: str


def key_of(console: str, folder: str) -> str:
    """Return which console and which folder of policies a comment is about, as 12 hex digits.

    ANY for a run that was not told its console; it failed, and no plan of it can be applied.
    """
    if not console:
        return ANY
    return hashlib.sha256(f"{console}\n{folder}".encode(errors="replace")).hexdigest()[:12]


def title_of(text: str) -> str:
    """Return a text as a title: one line, printable ASCII, cut if very long."""
    plain = visible(text).encode("ascii", "backslashreplace").decode("ascii")
    return plain[:_TITLE] or "(no title)"


def file_digest(content: bytes) -> str:
    """Return the digest of a file's bytes, `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_folder(
    folder: Path, result: Result, comment: str, *, plan: str | None = None, page: str | None = None
) -> Result:
    """Write a folder anew, readable for its owner only; return the result with the plan's digest.

    `comment` is Markdown without marker, `plan` a saved plan, `page` HTML. The result is written
    last: a folder without one is none. Raises SettingsError when something cannot be written.
    """
    whole = replace(result, plan_file_digest=file_digest(plan.encode()) if plan is not None else "")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The folder {folder} cannot be written: {getattr(error, 'strerror', None) or error}.",
            "Name a folder of its own with --folder.",
        ) from error
    write_private(folder / COMMENT, comment, _TEXT_KIND)
    if plan is not None:
        write_private(folder / PLAN, plan, _PLAN_KIND)
    if page is not None:
        write_private(folder / PAGE, page, _PAGE_KIND)
    tree = asdict(whole) | {"version": 1, "verdict": list(whole.verdict)}
    write_private(folder / RESULT, rfc8785.dumps(tree).decode() + "\n", _RESULT_KIND)
    return whole


def read_folder(folder: Path) -> Folder:
    """Read a folder as data; links in it are not followed, since they could lead to secrets.

    Raises SettingsError when a file is missing, damaged, or not the one that the result names.
    """
    tree = read_private(folder / RESULT, _RESULT_KIND, follow=False)
    del tree["version"]
    result = Result(**{**tree, "verdict": tuple(tree["verdict"])})
    try:
        comment = read_content(folder / COMMENT, _TEXT_KIND, follow=False).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _TEXT_KIND.unreadable(folder / COMMENT, "it is not UTF-8 text") from error
    if "\x00" in comment or not comment.strip():
        raise _TEXT_KIND.unreadable(folder / COMMENT, "it holds no text")
    _check_plan(folder / PLAN, result.plan_file_digest)
    return Folder(result, comment)


def _check_plan(path: Path, digest: str) -> None:
    """Raise SettingsError unless the saved plan is the one that the result names, or none."""
    if digest:
        if file_digest(read_content(path, _PLAN_KIND, follow=False)) != digest:
            raise _PLAN_KIND.unreadable(path, "it is not the file that the result names")
        return
    found = True
    with contextlib.suppress(OSError, ValueError):
        found = path.is_symlink() or path.exists()
    if found:
        raise _PLAN_KIND.unreadable(path, "the result names none")
