"""The file for a token has its room before anybody is asked, and takes nobody else's place."""

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.documents.secret_file import ROOM, SecretFile
from reconciler.domain.secret import Secret
from reconciler.errors import SettingsError

LONG = "e" * (ROOM - 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new.token"


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond half the room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM // 2, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(path: Path) -> str:
    with pytest.raises(SettingsError) as caught, SecretFile(path):
        raise AssertionError
    assert "Nothing was asked." in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("value", ["short", LONG])
def test_the_token_and_a_newline_are_all_that_is_in_it(path: Path, value: str) -> None:
    with SecretFile(path) as file:
        assert path.stat().st_size == ROOM
        assert path.stat().st_blocks * 512 >= ROOM
        file.keep(Secret(value))

    assert path.read_text() == f"{value}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_goes_away_when_no_token_came(path: Path) -> None:
    with SecretFile(path):
        assert path.exists()
    assert not path.exists()


@pytest.mark.usefixtures("small_files")
def test_without_room_there_is_no_file(path: Path) -> None:
    assert "File too large" in refused(path)
    assert not path.exists()


def reservation(path: Path) -> bytes:
    with SecretFile(path):
        return path.read_bytes()


@pytest.mark.parametrize("length", [0, 1, 1000, ROOM])
def test_a_reservation_that_was_left_behind_is_taken_over(path: Path, length: int) -> None:
    content = reservation(path)[:length]
    path.touch(mode=0o600)
    path.write_bytes(content)

    with SecretFile(path) as file:
        file.keep(Secret("new"))

    assert path.read_text() == "new\n"


@pytest.mark.parametrize(
    ("content", "mode"),
    [(b"a token\n", 0o600), (b"a token\n" + b"\n" * (ROOM - 8), 0o600), (b"", 0o644)],
)
def test_anything_else_stays_as_it_is(path: Path, content: bytes, mode: int) -> None:
    path.write_bytes(content)
    path.chmod(mode)

    assert "File exists" in refused(path)
    assert path.read_bytes() == content


def test_a_longer_file_that_begins_like_a_reservation_stays(path: Path) -> None:
    content = reservation(path) + b"\n"
    path.touch(mode=0o600)
    path.write_bytes(content)

    refused(path)
    assert path.read_bytes() == content


def test_links_pipes_and_folders_stay(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch(mode=0o600)
    path.symlink_to(target)
    refused(path)
    assert path.is_symlink()

    path.unlink()
    os.link(target, path)
    refused(path)
    assert target.stat().st_size == 0

    path.unlink()
    os.mkfifo(path, 0o600)
    refused(path)
    path.unlink()
    path.mkdir()
    refused(path)
    assert path.is_dir()


def test_the_reservation_of_a_run_that_lives_is_not_taken_over(path: Path) -> None:
    with SecretFile(path) as file:
        refused(path)
        file.keep(Secret("kept"))
        refused(path)
    assert path.read_text() == "kept\n"
