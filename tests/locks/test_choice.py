from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.locks.choice import SharedLock, shared_lock, state_folder


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"RECONCILER_STATE": "/s", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/s"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/reconciler"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/reconciler"),
        (
            {"XDG_STATE_HOME": "", "RECONCILER_STATE": "", "HOME": "/h"},
            "/h/.local/state/reconciler",
        ),
    ],
)
def test_the_state_folder_is_this_users(environ: dict[str, str], folder: str) -> None:
    assert state_folder(environ) == Path(folder)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HOME": ""},
        {"HOME": "h"},
        {"RECONCILER_STATE": "s", "HOME": "/h"},
        {"RECONCILER_STATE": "/a\0b", "HOME": "/h"},
    ],
)
def test_without_an_absolute_folder_there_is_no_lock_and_no_apply(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as failure:
        state_folder(environ)
    assert "RECONCILER_STATE" in failure.value.remedy


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_shared_lock_is_named_by_default(text: str | None) -> None:
    assert shared_lock({} if text is None else {"RECONCILER_LOCK": text}) is None


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("lease:tools/apply", "lease", "tools/apply"),
        (" lease:s1/apply.prod ", "lease", "s1/apply.prod"),
        ("git:https://github.com/acme/locks.git", "git", "https://github.com/acme/locks.git"),
        ("git:ssh://git@github.com:22/acme/locks", "git", "ssh://git@github.com:22/acme/locks"),
        ("git:file:///srv/locks.git", "git", "file:///srv/locks.git"),
        ("git:/srv/locks.git", "git", "/srv/locks.git"),
    ],
)
def test_a_shared_lock_is_a_lease_or_a_git_remote(text: str, kind: str, place: str) -> None:
    assert shared_lock({"RECONCILER_LOCK": text}) == SharedLock(kind, place)


@pytest.mark.parametrize(
    "text",
    [
        "lease",
        "lease:",
        "lease:tools",
        "lease:tools/a/b",
        "lease:tools/../secrets",
        "lease:Tools/apply",
        "lease:tools/apply?x",
        "git:",
        "git:origin",
        "git:../locks.git",
        "git:--upload-pack=touch",
        "git:ext::sh -c id",
        "git:http://github.com/acme/locks",
        "git:https://name:password@github.com/acme/locks",
        "git:https://token@github.com/acme/locks",
        "git:ssh://-oProxyCommand=id/x",
        "git:ssh://-o/x",
        "git:ssh://-o@host/x",
        "git:ssh://a:b@host/x",
        "git:git@github.com:acme/locks",
        "file:/tmp/lock",
        "none",
    ],
)
def test_any_other_form_is_an_error_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(SettingsError) as failure:
        shared_lock({"RECONCILER_LOCK": text})
    assert "RECONCILER_LOCK" in failure.value.message
    assert "password@" not in failure.value.message + failure.value.remedy
