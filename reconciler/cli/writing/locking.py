"""The locks of an apply: always the one of this machine, and a shared one where one is named."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import click

from reconciler.audit.journal import Journal
from reconciler.cli.session import Session, child_environment
from reconciler.errors import RefusedError
from reconciler.locks.base import Held, Lock, Owner
from reconciler.locks.choice import shared_lock, state_folder
from reconciler.locks.gitchild import Remote
from reconciler.locks.gitref import GitLock
from reconciler.locks.kubernetes import LeaseClient
from reconciler.locks.lease import LeaseLock
from reconciler.locks.local import LocalLock, console_key
from reconciler.rendering.safe import visible


@dataclass(frozen=True, slots=True)
class Locks:
    """Every lock that a run holds."""

    held: tuple[Held, ...] = ()

    def still_held(self) -> bool:
        """Tell whether all of them are certainly ours; when not, nothing more is written."""
        return all(each.still_held() for each in self.held)

    def check(self) -> None:
        """Raise RefusedError when one was lost."""
        for each in self.held:
            if not each.still_held():
                raise RefusedError(
                    f"{each.name} was lost, so nothing more is written.", "Run apply again."
                )

    def told(self) -> list[dict[str, str]]:
        """Describe them for the record of the run."""
        return [_told(each) for each in self.held]


@contextmanager
def locked(session: Session, origin: str, record: Journal, run_id: str) -> Iterator[Locks]:
    """Hold every lock on a console, from before it is read until the run has ended.

    A takeover is on record before the console is asked anything. Raises RefusedError when
    another apply holds one, SettingsError when one cannot be asked for.
    """
    with ExitStack() as stack:
        held = []
        for lock in _locks(session, origin, run_id):
            held.append(stack.enter_context(lock.acquire()))
            if held[-1].takeover:
                record.append("lock-taken-over", _told(held[-1]))
                _tell(f"{held[-1].name} was stale; taken over from {held[-1].takeover}")
        try:
            yield Locks(tuple(held))
        finally:
            stack.close()
            for each in held:
                if not each.is_released:
                    _tell(f"{each.name} was no longer ours, or could not be given back")


def _locks(session: Session, origin: str, run_id: str) -> Iterator[Lock]:
    """Yield the locks in the order in which they are taken: what costs nothing first."""
    runtime = session.runtime
    owner = Owner.of_run(run_id, secrets.token_hex(16))
    choice = shared_lock(runtime.environ)
    yield LocalLock(state_folder(runtime.environ), origin, owner, runtime)
    if choice is None:
        return
    if choice.kind == "lease":
        client = LeaseClient.in_cluster(runtime.environ, choice.place)
        yield LeaseLock(client, choice.place, owner, runtime, _tell)
    else:
        ref = f"refs/reconciler/lock-{console_key(origin)}"
        remote = Remote.open(choice.place, ref, child_environment(runtime.environ))
        yield GitLock(remote, owner, runtime)


def _told(held: Held) -> dict[str, str]:
    return {"lock": held.name, "nonce": held.owner.nonce, "takeover": held.takeover or ""}


def _tell(line: str) -> None:
    click.echo(f"… {visible(line)}", err=True)
