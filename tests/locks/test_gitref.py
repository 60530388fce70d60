import contextlib
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.base import Held
from reconciler.locks.gitchild import Remote
from reconciler.locks.gitref import GitLock, Note

REF = "refs/reconciler/lock-0123456789abcdef"
COMPETITOR = """
import os, sys
from reconciler.errors import RefusedError
from reconciler.locks.base import Owner
from reconciler.locks.gitchild import Remote
from reconciler.locks.gitref import GitLock
from reconciler.settings import Runtime

owner = Owner(sys.argv[3], f"run {sys.argv[3]}")
lock = GitLock(Remote.open(sys.argv[1], sys.argv[2], dict(os.environ)), owner, Runtime.real())
print("ready", flush=True)
sys.stdin.readline()
try:
    with lock.acquire():
        print("won", flush=True)
        sys.stdin.readline()
except RefusedError as error:
    print(error, flush=True)
    sys.stdin.readline()
"""
Make = Callable[..., GitLock]


@pytest.fixture
def make(bare: Path, environ: dict[str, str], clock: Any, owner: Any) -> Make:
    def _make(word: str = "one", url: str = "") -> GitLock:
        return GitLock(Remote.open(url or str(bare), REF, environ), owner(word), clock)

    return _make


@pytest.fixture
def git(bare: Path, environ: dict[str, str]) -> Callable[..., str]:
    """Ask git in the remote repository itself."""

    def _git(*arguments: str, stdin: str = "") -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@example"]
        command = ["git", "-C", str(bare), *who, *arguments]
        done = subprocess.run(
            command, env=environ, input=stdin, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return _git


def renewed(held: Held) -> bool:
    """Renew as the thread would, and tell whether it is ours."""
    assert held.keeper
    held.keeper.beat()
    return held.still_held()


def leave(git: Any, text: str) -> str:
    """Let the ref name a commit with this message."""
    tree = git("mktree", stdin="")
    commit: str = git("commit-tree", tree, stdin=text)
    git("update-ref", REF, commit)
    return commit


def test_the_lock_is_a_ref_that_tells_its_holder_and_is_deleted_afterwards(
    make: Make, git: Any
) -> None:
    with make().acquire() as held:
        note = Note.parse(git("log", "-1", "--format=%B", REF))
        assert (note.nonce, note.holder) == ("one-nonce", "run one")
        assert note.since == "2026-11-23T09:00:00+00:00"
        assert note.expires.isoformat() == "2026-11-23T09:15:00+00:00"
        assert git("ls-tree", "-r", REF) == ""
        assert held.still_held()
        assert held.takeover is None
        assert "run one" not in held.name
    assert held.is_released
    assert git("for-each-ref") == ""


def test_nothing_of_it_stays_on_this_machine(make: Make) -> None:
    lock = make()
    with lock.acquire():
        assert Path(lock.remote.scratch.name).is_dir()
    assert not Path(lock.remote.scratch.name).exists()


def test_another_is_told_who_holds_it_since_when_until_when_and_how_to_end_it(
    make: Make, clock: Any, bare: Path
) -> None:
    with make("one").acquire():
        clock.passes(1199)
        with pytest.raises(RefusedError) as refused:
            make("two").acquire()
    assert "is held by run one since 2026-11-23T09:00:00+00:00" in refused.value.message
    ends = "it ends at 2026-11-23T09:15:00+00:00, and 5 minutes later the next apply takes it over"
    assert ends in refused.value.remedy
    assert refused.value.remedy.endswith(f"git push {bare} :{REF}")


def test_git_s_own_reason_is_told_and_not_its_advice(
    environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(
        "#!/bin/sh\necho 'ssh: Could not resolve hostname git.acme.example' >&2\nexit 255\n"
    )
    (folder / "ssh").chmod(0o700)
    environ = {**environ, "PATH": f"{folder}:{environ['PATH']}"}

    remote = Remote.open("ssh://git.acme.example/x.git", REF, environ)
    with contextlib.closing(remote), pytest.raises(SettingsError) as caught:
        remote.tip()

    assert caught.value.message.endswith("ssh: Could not resolve hostname git.acme.example.")


def test_a_lock_is_stale_only_after_its_expiry_and_the_margin(
    make: Make, git: Any, clock: Any
) -> None:
    with ExitStack() as slept:
        first = slept.enter_context(make("one").acquire())
        clock.passes(1200)
        assert not first.still_held()
        with make("two").acquire() as second:
            assert second.takeover == "run one since 2026-11-23T09:00:00+00:00"
            slept.close()
            assert not first.is_released
            assert Note.parse(git("log", "-1", "--format=%B", REF)).nonce == "two-nonce"
    assert second.is_released


def test_of_eight_processes_at_once_one_wins(bare: Path, environ: dict[str, str]) -> None:
    command = [sys.executable, "-P", "-c", COMPETITOR, str(bare), REF]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        started: list[Any] = [
            stack.enter_context(subprocess.Popen([*command, f"{n:032}"], env=environ, **pipes))  # type: ignore[call-overload]
            for n in range(8)
        ]
        assert [process.stdout.readline() for process in started] == ["ready\n"] * 8
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [process.stdout.readline() for process in started]
        for process in started:
            process.stdin.close()
    assert results.count("won\n") == 1
    assert sum(each.startswith("locked: ") for each in results) == 7
    assert [process.returncode for process in started] == [0] * 8


def test_renewing_moves_the_expiry(make: Make, git: Any, clock: Any) -> None:
    with make().acquire() as held:
        clock.passes(300)
        assert renewed(held)
        note = Note.parse(git("log", "-1", "--format=%B", REF))
        assert note.since == "2026-11-23T09:00:00+00:00"
        assert note.expires.isoformat() == "2026-11-23T09:20:00+00:00"
        clock.passes(599)
        assert held.still_held()
        clock.passes(1)
        assert not held.still_held()
    assert held.is_released
    assert git("for-each-ref") == ""


def test_a_ref_that_somebody_else_has_is_lost_and_never_touched(make: Make, git: Any) -> None:
    with make().acquire() as held:
        commit = leave(git, "somebody else")
        assert not renewed(held)
    assert not held.is_released
    assert git("rev-parse", REF) == commit


def test_a_ref_that_was_deleted_is_lost_and_not_made_again(make: Make, git: Any) -> None:
    with make().acquire() as held:
        git("update-ref", "-d", REF)
        assert not renewed(held)
    assert git("for-each-ref") == ""


def test_a_remote_that_is_away_for_a_moment_loses_nothing(
    make: Make, bare: Path, clock: Any
) -> None:
    with make().acquire() as held:
        away = bare.rename(bare.with_name("away"))
        clock.passes(300)
        assert renewed(held)
        away.rename(bare)
        clock.passes(60)
        assert renewed(held)
        clock.passes(599)
        assert held.still_held()
    assert held.is_released


def test_a_remote_that_is_away_at_the_end_harms_nobody(make: Make, bare: Path) -> None:
    with make().acquire() as held:
        bare.rename(bare.with_name("away"))
    assert not held.is_released


class Forgetful:
    """A remote whose answers to some swaps are lost, and with them the look afterwards."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.losing = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.remote, name)

    def swap(self, expected: str | None, wanted: str | None) -> bool:
        done = self.remote.swap(expected, wanted)
        if self.losing:
            self.losing -= 1
            raise SettingsError("no answer")
        return done


def test_a_lock_that_was_taken_while_the_answer_was_lost_is_ours(make: Make) -> None:
    lock = make()
    remote: Any = Forgetful(lock.remote)
    remote.losing = 1
    with replace(lock, remote=remote).acquire() as held:
        assert held.takeover is None
        assert held.still_held()
    assert held.is_released


def test_a_takeover_whose_answer_was_lost_is_still_told(make: Make, clock: Any) -> None:
    with ExitStack() as slept:
        slept.enter_context(make("one").acquire())
        clock.passes(1200)
        lock = make("two")
        remote: Any = Forgetful(lock.remote)
        remote.losing = 1
        with replace(lock, remote=remote).acquire() as held:
            assert held.takeover == "run one since 2026-11-23T09:00:00+00:00"


def test_a_renewal_whose_answer_was_lost_is_still_ours(make: Make, clock: Any, git: Any) -> None:
    lock = make()
    remote: Any = Forgetful(lock.remote)
    with replace(lock, remote=remote).acquire() as held:
        for _ in range(2):
            clock.passes(60)
            remote.losing = 1
            assert renewed(held)
        clock.passes(60)
        assert renewed(held)
        clock.passes(599)
        assert held.still_held()
        remote.losing = 1
        assert renewed(held)
    assert held.is_released
    assert git("for-each-ref") == ""


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[]",
        "{}",
        '{"nonce": "x", "holder": "x", "since": "x", "expires": "x"}',
        '{"nonce": "x", "holder": "x", "since": "2026-01-01T00:00:00", "expires": "2026-01-01"}',
        '{"nonce": "x", "holder": "x", "since": 1, "expires": 2}',
        "[" * 100_000,
    ],
)
def test_a_ref_that_is_no_lock_of_ours_is_never_taken_over(make: Make, git: Any, text: str) -> None:
    commit = leave(git, text)
    with pytest.raises(RefusedError, match="something that is no lock of ours"):
        make().acquire()
    assert git("rev-parse", REF) == commit


def test_an_expiry_at_the_end_of_time_is_no_crash(make: Make, git: Any) -> None:
    leave(
        git,
        '{"nonce": "x", "holder": "\\u001b[31mx", "since": "2026-01-01T00:00:00Z",'
        ' "expires": "9999-12-31T23:59:59-23:00"}',
    )
    with pytest.raises(RefusedError) as refused:
        make().acquire()
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()


def test_a_ref_that_moves_between_listing_and_fetching_is_left_alone(make: Make, git: Any) -> None:
    leave(git, "one")
    lock = make()
    real = lock.remote.fetch

    class Late(Forgetful):
        def fetch(self) -> str:
            leave(git, "two")
            return real()

    late: Any = Late(lock.remote)
    with pytest.raises(RefusedError, match="somebody who left no name"):
        replace(lock, remote=late).acquire()


def test_a_remote_that_does_not_exist_is_an_error_with_a_remedy(
    make: Make, tmp_path: Path, clock: Any
) -> None:
    lock = make(url=str(tmp_path / "nowhere.git"))
    with pytest.raises(SettingsError) as failure:
        lock.acquire()
    assert "git ls-remote failed" in failure.value.message
    assert failure.value.remedy
    assert clock.seconds == 1002
    assert not Path(lock.remote.scratch.name).exists()


def test_a_remote_that_takes_no_pushes_is_an_error(make: Make, bare: Path) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    hook.chmod(0o700)
    with pytest.raises(SettingsError, match="git push failed"):
        make().acquire()


def test_without_git_there_is_no_such_lock(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="git is not installed"):
        Remote.open(str(bare), REF, {"PATH": str(tmp_path)})


def test_git_gets_no_token_asks_nothing_and_runs_no_hook(
    bare: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """Variables of a surrounding git, hooks of the user's template and prompts do not count."""
    seen = tmp_path / "seen"
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "pre-push").write_text(f"#!/bin/sh\ntouch {seen}\n", encoding="ascii")
    (template / "pre-push").chmod(0o700)
    (tmp_path / ".gitconfig").write_text(
        f"[init]\ntemplateDir = {template.parent}\n[core]\nhooksPath = {template}\n",
        encoding="ascii",
    )
    extra = {"GIT_DIR": "/nowhere", "GIT_TRACE": str(seen), "GIT_ALLOW_PROTOCOL": "ext"}
    remote = Remote.open(str(bare), REF, environ | extra)
    commit = remote.commit("x")
    assert remote.swap(None, commit)
    assert remote.tip() == commit
    remote.close()
    assert not seen.exists()
    assert remote.environ["GIT_TERMINAL_PROMPT"] == "0"


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'exit 0'", "http://127.0.0.1:9/x", "git://127.0.0.1/x"]
)
def test_other_transports_are_not_spoken(environ: dict[str, str], url: str) -> None:
    remote = Remote.open(url, REF, environ)
    with pytest.raises(SettingsError, match="not allowed"):
        remote.tip()
    remote.close()


def test_a_password_in_what_git_says_is_not_repeated(environ: dict[str, str]) -> None:
    remote = Remote.open("https://name:secret-word@127.0.0.1:9/x", REF, environ)
    with pytest.raises(SettingsError) as failure:
        remote.ask("fetch", "--", "ext://name:secret-word@host/x")
    assert "secret-word" not in failure.value.message.partition(": ")[2]
    remote.close()


def test_a_ref_that_is_always_taken_by_somebody_faster_is_refused(make: Make) -> None:
    class Slow(Forgetful):
        def swap(self, expected: str | None, wanted: str | None) -> bool:  # noqa: ARG002 - as there
            return False

    lock = make()
    slow: Any = Slow(lock.remote)
    with pytest.raises(RefusedError, match="locked"):
        replace(lock, remote=slow).acquire()
