"""Which archives are read, and which are refused."""

import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.forge import archive
from reconciler.forge.archive import MAX_FILES, unpack
from reconciler.forge.base import ForgeError


def packed(
    files: Sequence[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED, mode: int = 0
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as found:
        for name, content in files:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = mode << 16
            found.writestr(info, content)
    return buffer.getvalue()


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True), st.binary()),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_was_packed_is_what_is_read(files: dict[str, bytes], method: int) -> None:
    assert unpack(packed(list(files.items()), method=method)) == files


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/x", "a/", "..", ".x", "-x", "x y", "C:x", "x\\y", "ä", "x" * 101, "", "x\n"],
)
def test_a_name_that_is_not_plain_is_refused(name: str) -> None:
    with pytest.raises(ForgeError, match="is not plain"):
        unpack(packed([(name, b"")]))


@pytest.mark.parametrize("folder", ["out", "a/b", ".reconciler"])
def test_one_folder_is_left_out_where_there_is_one(folder: str) -> None:
    content = packed([(f"{folder}/", b""), (f"{folder}/x.json", b"1"), (f"{folder}/y", b"2")])
    assert unpack(content, in_folder=True) == {"x.json": b"1", "y": b"2"}


def test_the_root_is_no_folder() -> None:
    with pytest.raises(ForgeError, match="is not plain"):
        unpack(packed([("/x", b"1")]), in_folder=True)


def test_files_in_no_folder_are_read_too() -> None:
    assert unpack(packed([("x", b"1")]), in_folder=True) == {"x": b"1"}


@pytest.mark.parametrize("files", [["a/x", "b/y"], ["x", "b/y"], ["x", "x"], ["a/x", "a/x"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_two_readers_could_understand_differently_is_refused(files: list[str]) -> None:
    with pytest.raises(ForgeError, match="same name, or stand in different folders"):
        unpack(packed([(name, b"") for name in files]), in_folder=True)


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFLNK])
def test_a_link_is_refused(mode: int) -> None:
    with pytest.raises(ForgeError, match="has a link"):
        unpack(packed([("x", b"/etc/passwd")], mode=mode))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_packing_is_refused(method: int) -> None:
    with pytest.raises(ForgeError, match="not deflate"):
        unpack(packed([("x", b"1")], method=method))


def test_sizes_are_counted_as_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    assert unpack(packed([("x", b"0" * 500), ("y", b"0" * 500)]))
    with pytest.raises(ForgeError, match="more than 1000 bytes"):
        unpack(packed([("x", b"0" * 500), ("y", b"0" * 501)]))


def test_a_bomb_is_refused_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 2**20)
    bomb = packed([("x", bytes(2**26))])
    tracemalloc.start()
    try:
        with pytest.raises(ForgeError, match="more than 1048576 bytes"):
            unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_size_that_lies_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    content = packed([("x", b"0" * 100_000)])
    lying = content.replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    assert lying != content
    with pytest.raises(ForgeError):
        unpack(lying)


def test_more_files_than_we_write_are_refused() -> None:
    many = [(f"x{number}", b"") for number in range(MAX_FILES + 1)]
    assert len(unpack(packed(many[:-1]))) == MAX_FILES
    with pytest.raises(ForgeError, match="more than 100 files"):
        unpack(packed(many))
    with pytest.raises(ForgeError, match="more than 100 files"):
        unpack(packed(many[:1]) + b"PK\x01\x02" * 1001)


def encrypted() -> bytes:
    """Set the flag that says so, in both headers."""
    content = packed([("x", b"12345678901234567890")])
    local, listed = content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8
    found = bytearray(content)
    found[local] |= 1
    found[listed] |= 1
    return bytes(found)


GOOD = packed([("x", b"some content, some content, some content")])


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"<html>", GOOD[:-30], GOOD.replace(b"x", b"y", 1), encrypted(), GOOD[40:]],
)
def test_a_damaged_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ForgeError, match="cannot be read") as told:
        unpack(content)
    assert told.value.remedy


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_seen_or_means_nothing(at: int, change: int) -> None:
    """Never an error that is not ours; the content is what it was, or the name is another."""
    found = bytearray(GOOD)
    found[at] ^= change
    try:
        files = unpack(bytes(found))
    except ForgeError:
        return
    assert list(files.values()) in ([b"some content, some content, some content"], [])
