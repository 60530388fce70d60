"""The files of an artifact's archive, unpacked in memory.

Nothing is written anywhere, so no name can reach outside; what is left to fear is size and names
that two readers could understand differently.
"""

import re
import stat
import zipfile
import zlib
from io import BytesIO

from reconciler.forge.base import ForgeError

MAX_BYTES = 64 * 2**20
"""Of all files together, counted as they are read: what an archive says of itself is no proof."""
MAX_FILES = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ENTRY = b"PK\x01\x02"
"""What each entry of an archive's list begins with."""
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(content: bytes, *, in_folder: bool = False) -> dict[str, bytes]:
    """Return the files of a zip archive by name.

    `in_folder`: the files stand in one folder, whose name is left out (GitLab keeps the paths of
    the job's working directory). Raises ForgeError for folders otherwise, links, names that repeat
    or are not plain, encrypted or damaged archives, more than `MAX_FILES` or `MAX_BYTES`.
    """
    if content.count(_ENTRY) > 10 * MAX_FILES:
        # zipfile would build an object of each before anybody could count.
        raise _refused(f"it has more than {MAX_FILES} files")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _files(archive, in_folder=in_folder)
    # Of damaged or strange archives zipfile raises all of these.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise _refused(f"it cannot be read ({type(error).__name__})") from None


def _files(archive: zipfile.ZipFile, *, in_folder: bool) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise _refused(f"it has more than {MAX_FILES} files")
    files: dict[str, bytes] = {}
    folders = set()
    left = MAX_BYTES
    for entry in entries:
        if in_folder and entry.filename.endswith("/"):
            continue
        folder, slash, name = entry.filename.rpartition("/")
        folders.add(folder)
        _check(entry, name, is_plain=bool(folder) == bool(slash) and (in_folder or not slash))
        if name in files or len(folders) > 1:
            raise _refused("two of its files have the same name, or stand in different folders")
        with archive.open(entry) as file:
            files[name] = file.read(left + 1)
        left -= len(files[name])
        if left < 0:
            raise _refused(f"it has more than {MAX_BYTES} bytes when unpacked")
    return files


def _check(entry: zipfile.ZipInfo, name: str, *, is_plain: bool) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused("it has a link")
    if entry.compress_type not in _PACKINGS:
        raise _refused("it is packed in a way that is not deflate")
    if not is_plain or not _NAME.fullmatch(name):
        raise _refused(f"it has a file whose name is not plain: {entry.filename[:100]!a}")


def _refused(what: str) -> ForgeError:
    return ForgeError(
        f"the artifact's archive is not accepted: {what}",
        "Only archives that `reconciler ci` wrote are read; run the job that makes it again.",
    )
