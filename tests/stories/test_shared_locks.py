"""Locks that several machines share: a ref on a git remote, a Lease of a Kubernetes cluster."""

import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from locks.cluster import TOKEN, ApiServer, serving
from stories.apart import (
    DONE,
    MAIN,
    WRITES,
    ended,
    holds,
    killed_at_its_first_write,
    starter,
    takeovers,
)
from stories.desk import Told

from reconciler.locks.local import console_key

CERTIFY = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=cluster"
    " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.crt"
)
# A process that does not sleep but lets its clock jump, that renews often, and that finds a
# service account in another place.
HURRIED = f"""
import os, time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from reconciler.locks import kubernetes
from reconciler.locks.keeper import Term
from reconciler.settings import Runtime

kubernetes.SERVICE_ACCOUNT = Path(os.environ["ACCOUNT"])
Term.every = property(lambda self: 0.1)
real, ahead = Runtime.real(), timedelta(minutes=int(os.environ.get("AHEAD", "0")))
slept = [0.0]
Runtime.real = lambda: replace(
    real,
    now=lambda: real.now() + ahead,
    monotonic=lambda: time.monotonic() + sum(slept),
    sleep=slept.append,
)
{MAIN}"""


@pytest.fixture
def start(desk: Any, end: Any) -> Callable[..., "subprocess.Popen[str]"]:
    return starter(desk, end)


class TestGit:
    """A lock on a git remote."""

    @pytest.fixture
    def remote(self, desk: Any) -> Path:
        path: Path = desk.folder / "remote.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
        return path

    @pytest.fixture
    def machine(self, desk: Any, remote: Path) -> Callable[..., dict[str, str]]:
        """The environment of one of several machines."""

        def _machine(number: int, ahead: int = 0) -> dict[str, str]:
            return {
                "RECONCILER_LOCK": f"git:{remote}",
                "RECONCILER_STATE": str(desk.folder / f"state-{number}"),
                "ACCOUNT": "unused",
                "AHEAD": str(ahead),
            }

        return _machine

    def test_of_two_machines_one_works(
        self, desk: Any, proxy: Any, faults: Any, start: Any, machine: Any
    ) -> None:
        second: list[Told] = []
        proxy.when(
            faults.before(lambda: second.append(ended(start(1, **machine(1))))), method=WRITES
        )
        first = ended(start(0, **machine(0)))
        assert first.code == 0, first
        assert second[0].code == 3
        assert f"at {desk.folder}/remote.git is held by run " in second[0].err
        assert holds(desk) == DONE
        third = ended(start(2, **machine(2)))
        assert third.code == 0, third

    def test_a_killed_run_holds_it_until_its_expiry_and_the_takeover_is_recorded(
        self, desk: Any, proxy: Any, faults: Any, start: Any, machine: Any
    ) -> None:
        killed_at_its_first_write(start, proxy, faults, **machine(0))
        early = ended(start(1, **machine(1)))
        assert early.code == 3, early
        late = ended(start(2, script=HURRIED, **machine(2, ahead=21)))
        assert late.code == 0, late
        assert "was stale; taken over from run " in late.err
        (told,) = takeovers(desk, 2)
        assert told.startswith("run ")
        assert f"lock-taken-over: the lock refs/reconciler/lock-{console_key(desk.url)}" in (
            desk.run("audit", "show").out
        )
        assert holds(desk) == DONE

    def test_a_terminated_run_gives_it_back(
        self, desk: Any, proxy: Any, faults: Any, start: Any, machine: Any, remote: Path
    ) -> None:
        started: list[Any] = []
        proxy.when(faults.before(lambda: started[0].send_signal(signal.SIGTERM)), at=3)
        started.append(start(0, **machine(0)))
        told = ended(started[0])
        assert told.code == 143, told
        assert desk.written() == []
        refs = subprocess.run(
            ["git", "-C", str(remote), "for-each-ref"], check=True, capture_output=True
        )
        assert refs.stdout == b""


@pytest.fixture
def account(desk: Any) -> Path:
    """A service account whose cluster is this machine: a token, and a certificate of our own."""
    folder: Path = desk.folder / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(TOKEN, encoding="ascii")
    subprocess.run(
        CERTIFY.split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def cluster(account: Path) -> Iterator[ApiServer]:
    server = ApiServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", account / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server


class TestLease:
    """A Lease of a Kubernetes cluster, over TLS with its own certificate."""

    @pytest.fixture
    def pod(self, desk: Any, cluster: ApiServer, account: Path) -> Callable[..., dict[str, Any]]:
        """Options of a run in one of several pods."""

        def _pod(number: int) -> dict[str, Any]:
            return {
                "script": HURRIED,
                "ACCOUNT": str(account),
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(cluster.server_port),
                "RECONCILER_LOCK": "lease:tools/apply",
                "RECONCILER_STATE": str(desk.folder / f"state-{number}"),
            }

        return _pod

    def test_a_run_holds_the_lease_while_it_writes(
        self, desk: Any, proxy: Any, faults: Any, start: Any, pod: Any, cluster: ApiServer
    ) -> None:
        seen: list[Any] = []
        proxy.when(faults.before(lambda: seen.append(dict(cluster.spec))), method=WRITES)
        told = ended(start(0, **pod(0)))
        assert told.code == 0, told
        assert seen[0]["holderIdentity"].startswith("run ")
        assert cluster.spec["holderIdentity"] is None
        assert holds(desk) == DONE

    def test_another_servers_certificate_gets_no_token(
        self, desk: Any, start: Any, pod: Any, cluster: ApiServer, account: Path
    ) -> None:
        subprocess.run(CERTIFY.split(), cwd=account, check=True, capture_output=True)
        told = ended(start(0, **pod(0)))
        assert told.code == 1, told
        assert "The Kubernetes API server does not answer (ConnectError)" in told.err
        assert (cluster.asked, desk.console.requests) == ([], [])

    def test_a_killed_run_holds_it_until_it_has_stood_still_and_the_takeover_is_recorded(
        self, desk: Any, proxy: Any, faults: Any, start: Any, pod: Any, cluster: ApiServer
    ) -> None:
        killed_at_its_first_write(start, proxy, faults, **pod(0))
        dead = cluster.spec["holderIdentity"]
        told = ended(start(1, **pod(1)))
        assert told.code == 0, told
        assert "watching whether it is renewed" in told.err
        (taken,) = takeovers(desk, 1)
        assert taken.startswith(f"{dead} since ")
        assert holds(desk) == DONE

    def test_a_run_that_loses_its_lease_writes_no_more(
        self, desk: Any, proxy: Any, faults: Any, start: Any, pod: Any, cluster: ApiServer
    ) -> None:
        """Taken over while the first write is in flight: that one ends, no other begins."""

        def take() -> None:
            asked = len(cluster.asked)
            with cluster.lock:
                cluster.holds("run two, nonce two")
            while "GET" not in cluster.asked[asked:]:  # its renewal met a conflict, so it looks
                time.sleep(0.001)

        proxy.when(faults.before(take), method=WRITES)
        told = ended(start(0, **pod(0)))
        assert told.code == 4, told
        assert len(desk.written()) == 1
        assert "the Lease tools/apply was no longer ours" in told.err
        assert cluster.spec["holderIdentity"] == "run two, nonce two"
