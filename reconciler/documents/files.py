"""The policies folder -> bytes, without ever being led out of it.

Every folder is opened relative to its parent and every file by descriptor, with links refused
and without waiting (a FIFO named `x.yaml` must not hang); what was opened is then judged, so
nothing can be exchanged between a look and a read.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.documents.prescan import MAX_BYTES, too_large
from reconciler.errors import Place, PolicyError, Problem

MAX_FILES = 5_000
MAX_TOTAL = 32 << 20
"""Largest sum of all files, in bytes (32 MiB)."""

_MAX_FOLDER_DEPTH = 32
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REMOVE = "Put a regular file there, or remove it."


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as found."""

    path: str
    """Relative to the policies folder, with `/`."""
    file: str
    """As the user would type it."""
    raw: bytes


def find_files(
    root: Path, shown: Path | None = None
) -> tuple[tuple[SourceFile, ...], tuple[Problem, ...]]:
    """Read every `*.yaml` under a folder; return them sorted by path, and what was refused.

    Hidden files and folders are left out, and so is every file with another ending but `.yml`.
    Places name the files as lying below `shown`; without it, below the folder.
    Raises PolicyError when the folder itself cannot be read or the limits are exceeded.
    """
    search = _Search(shown or root)
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        told = f"the policies folder cannot be read: {_why(error)}"
        raise _stop(Place(str(root)), "no-folder", told, "Name it with --policies.") from None
    try:
        search.walk(top, "")
    finally:
        os.close(top)
    return tuple(sorted(search.files, key=lambda file: file.path)), tuple(search.problems)


def read_file(path: Path) -> SourceFile:
    """Read one file that the user named; links are followed, since the user chose it.

    Raises PolicyError when it cannot be read, is no regular file or is too large.
    """
    place = Place(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        told = f"the file cannot be read: {_why(error)}"
        raise _stop(place, "unreadable-file", told, "Check the name and its permissions.") from None
    raw = _content(descriptor, place)
    if isinstance(raw, Problem):
        raise PolicyError((raw,))
    return SourceFile(path.name, str(path), raw)


class _Search:
    """One walk through the folder and what it found."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[SourceFile] = []
        self.problems: list[Problem] = []
        self._total = 0

    def walk(self, folder: int, prefix: str) -> None:
        """Take the files of an open folder, then those of the folders in it."""
        for entry in self._entries(folder, prefix):
            path = prefix + entry.name
            if entry.name.endswith((".yaml", ".yml")):
                self._take(entry, folder, path)
            elif entry.is_dir(follow_symlinks=False):
                self._enter(entry.name, folder, path)
            elif entry.is_symlink():
                self._refuse(path, "link", "this is a link", "Links are not followed; remove it.")

    def _entries(self, folder: int, prefix: str) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if entry.name.isprintable():
                    yield entry
                else:
                    told = f"the file name {entry.name!a} holds characters that do not print"
                    self._refuse(prefix.rstrip("/"), "bad-file-name", told, "Rename it.")

    def _enter(self, name: str, folder: int, path: str) -> None:
        if path.count("/") >= _MAX_FOLDER_DEPTH:
            self._refuse(path, "too-deep", "the folder lies too deep", "Move it up.")
            return
        try:
            inner = os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
        except OSError as error:
            told = f"the folder cannot be read: {_why(error)}"
            self._refuse(path, "unreadable-folder", told, "Check its permissions.")
            return
        try:
            self.walk(inner, path + "/")
        finally:
            os.close(inner)

    def _take(self, entry: os.DirEntry[str], folder: int, path: str) -> None:
        if entry.name.endswith(".yml"):
            told = "files that end in `.yml` are not read"
            remedy = f"Rename it to `{entry.name.removesuffix('.yml')}.yaml`."
            self._refuse(path, "yml-file", told, remedy)
            return
        place = Place(str(self.root / path))
        if entry.is_symlink():
            self._refuse(path, "link", "this is a link", "Links are not followed; remove it.")
            return
        try:
            descriptor = os.open(entry.name, _FLAGS, dir_fd=folder)
        except OSError as error:
            told = f"the file cannot be read: {_why(error)}"
            self._refuse(path, "unreadable-file", told, "Check what it is and its permissions.")
            return
        raw = _content(descriptor, place)
        if isinstance(raw, Problem):
            self.problems.append(raw)
            return
        self.files.append(SourceFile(path, place.file, raw))
        self._total += len(raw)
        if len(self.files) > MAX_FILES:
            told = f"the folder holds more than {MAX_FILES:,} files"
            raise _stop(Place(str(self.root)), "too-many-files", told, "Join some of them.")
        if self._total > MAX_TOTAL:
            told = f"the files hold more than {MAX_TOTAL:,} bytes together"
            raise _stop(Place(str(self.root)), "too-much", told, "Use groups and globs.")

    def _refuse(self, path: str, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(Place(str(self.root / path)), code, message, remedy))


def _content(descriptor: int, place: Place) -> bytes | Problem:
    """Read an open file and close it; return a problem when it is none for us."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Problem(place, "not-a-file", "this is not a regular file", _REMOVE)
        with open(descriptor, "rb", closefd=False) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        told = f"the file cannot be read: {_why(error)}"
        return Problem(place, "unreadable-file", told, _REMOVE)
    finally:
        os.close(descriptor)
    if len(raw) > MAX_BYTES:
        told = too_large(max(status.st_size, len(raw)))
        return Problem(place, "file-too-large", told, "Split it.")
    return raw


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _stop(place: Place, code: str, message: str, remedy: str) -> PolicyError:
    return PolicyError((Problem(place, code, message, remedy),))
