"""A lock for CI runners: a ref on a git remote that only one can create.

The ref names a commit without files whose message says who holds the lock until when. Runners
that share nothing else have no other way to see a dead holder than its word, so here clocks are
compared, with a margin for their differences.
"""

import json
import shlex
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.base import Clocks, Held, Owner, locked, taken_over
from reconciler.locks.gitchild import Remote
from reconciler.locks.keeper import Keeper, Term

LIFETIME = 900
"""Seconds until a holder that renews no more counts as gone, by its own clock."""

MARGIN = 300
"""Seconds that the clocks of two runners may differ."""

_ATTEMPTS = 3
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Note:
    """What the commit says."""

    nonce: str
    holder: str
    since: str
    expires: datetime

    @classmethod
    def parse(cls, text: str) -> "Note":
        """Read it; raises ValueError for any other text."""
        try:
            told = json.loads(text)
            since = datetime.fromisoformat(told["since"])
            expires = datetime.fromisoformat(told["expires"])
            words = {key: str(told[key]) for key in ("nonce", "holder", "since")}
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ValueError("not a note of a lock") from None
        if since.tzinfo is None or expires.tzinfo is None:
            raise ValueError("an instant without an offset")
        return cls(**words, expires=expires)

    def text(self) -> str:
        """Write it."""
        told = {"nonce": self.nonce, "holder": self.holder, "since": self.since}
        return json.dumps({**told, "expires": self.expires.isoformat()}) + "\n"


@dataclass(frozen=True, slots=True)
class GitLock:
    """Keeps applies apart that name the same remote, one ref for each console."""

    remote: Remote
    owner: Owner
    clocks: Clocks

    @property
    def name(self) -> str:
        """What messages and the journal call it."""
        return f"the lock {self.remote.ref} at {self.remote.url}"

    def acquire(self) -> Held:
        """Take it, see `base.Lock`; at once, or not at all."""
        try:
            return self._acquired()
        except BaseException:
            self.remote.close()
            raise

    def _acquired(self) -> Held:
        since = self.clocks.now().isoformat(timespec="seconds")
        takeover = None
        for left in reversed(range(_ATTEMPTS)):
            asked = self.clocks.monotonic()
            try:
                tip = self.remote.tip()
                takeover = self._stale(tip, takeover) if tip else None
                commit = self.written(since)
                is_taken = self.remote.swap(tip, commit)
            except SettingsError:
                # Among other reasons: the winner of a race has not yet finished.
                if not left:
                    raise
                self.clocks.sleep(_PAUSE)
                continue
            if is_taken:
                return self._held(_Ours(self, since, commit), asked, takeover)
        raise locked(self.name, "", "", "Somebody else was faster: run apply again.")

    def _stale(self, tip: str, before: str | None) -> str | None:
        """Return whose stale lock it is; raise RefusedError while it holds.

        When it is our own, because the answer to an attempt was lost, return what was known then.
        """
        try:
            note = Note.parse(self.remote.message(self._fetched(tip)))
        except ValueError:
            raise self._locked("something that is no lock of ours", "") from None
        if note.nonce == self.owner.nonce:
            return before
        if self.clocks.now() - timedelta(seconds=MARGIN) < note.expires:
            raise self._locked(note.holder, note.since, note.expires)
        return taken_over(note.holder, note.since)

    def _fetched(self, tip: str) -> str:
        """Return the commit itself; RefusedError when the ref moved since it was listed."""
        fetched = self.remote.fetch()
        if fetched != tip:
            raise self._locked("", "")
        return fetched

    def written(self, since: str) -> str:
        """Make a commit that holds the lock from now on for its lifetime."""
        expires = self.clocks.now() + timedelta(seconds=LIFETIME)
        return self.remote.commit(Note(self.owner.nonce, self.owner.label, since, expires).text())

    def _held(self, ours: "_Ours", asked: float, takeover: str | None) -> Held:
        keeper = Keeper(ours.renew, Term(LIFETIME), asked, self.clocks.monotonic)
        return Held(self.name, self.owner, ours.release, takeover, keeper.start())

    def _locked(self, holder: str, since: str, expires: datetime | None = None) -> RefusedError:
        ends = ""
        if expires:
            ends = (
                f" Unless it is renewed it ends at {expires.isoformat()}, and {MARGIN // 60} "
                "minutes later the next apply takes it over."
            )
        delete = f"git push {shlex.quote(self.remote.url)} :{self.remote.ref}"
        return locked(
            self.name,
            holder,
            since,
            f"Wait until that apply has ended.{ends} When it is sure to be dead: {delete}",
        )


@dataclass(slots=True)
class _Ours:
    """The ref while we hold it."""

    lock: GitLock
    since: str
    commit: str
    """What the ref names, as far as answers tell."""
    written: list[str] = field(default_factory=list)
    """What it may name beyond that: answers get lost."""

    def renew(self) -> bool:
        """Renew it, see `Keeper`."""
        self.written.append(self.lock.written(self.since))
        return self._swap(self.written[-1])

    def release(self) -> bool:
        """Delete it, if it is still ours."""
        try:
            return self._swap(None)
        finally:
            self.lock.remote.close()

    def _swap(self, wanted: str | None) -> bool:
        """Let the ref name something else, if it names a commit of ours."""
        remote = self.lock.remote
        is_swapped = remote.swap(self.commit, wanted)
        if not is_swapped:
            tip = remote.tip()
            is_swapped = tip in self.written and remote.swap(tip, wanted)
        if is_swapped and wanted:
            self.commit = wanted
            self.written.clear()
        return is_swapped
