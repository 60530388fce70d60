import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks import kubernetes
from reconciler.locks.base import Held
from reconciler.locks.kubernetes import LeaseClient
from reconciler.locks.lease import LeaseLock

ONE = "run one, nonce one-nonce"
Make = Callable[..., LeaseLock]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def make(cluster: Any, account: Path, clock: Any, owner: Any, told: list[str]) -> Make:
    def _make(word: str = "one", namespace: str = "tools") -> LeaseLock:
        client = LeaseClient(cluster.url, account, namespace, "apply")
        return LeaseLock(client, f"{namespace}/apply", owner(word), clock, told.append)

    return _make


def renewed(held: Held) -> bool:
    """Renew as the thread would, and tell whether it is ours."""
    assert held.keeper
    held.keeper.beat()
    return held.still_held()


def test_a_missing_lease_is_made(make: Make, cluster: Any) -> None:
    with make().acquire() as held:
        assert cluster.spec == {
            "holderIdentity": ONE,
            "leaseDurationSeconds": 30,
            "acquireTime": "2026-11-23T09:00:00.000000Z",
            "renewTime": "2026-11-23T09:00:00.000000Z",
            "leaseTransitions": 0,
        }
        assert held.still_held()
        assert held.takeover is None
    assert held.is_released
    assert cluster.spec["holderIdentity"] is None


@pytest.mark.parametrize("holder", [None, ""])
def test_a_free_lease_is_taken_and_what_others_keep_in_it_stays(
    make: Make, cluster: Any, holder: str | None
) -> None:
    cluster.holds(holder, leaseTransitions=4)
    cluster.leases["apply"]["metadata"]["labels"] = {"team": "soc"}
    with make().acquire() as held:
        assert cluster.spec["leaseTransitions"] == 5
        assert held.takeover is None
    assert cluster.leases["apply"]["metadata"]["labels"] == {"team": "soc"}


def test_a_holder_that_renews_is_seen_and_named(
    make: Make, cluster: Any, clock: Any, told: list[str]
) -> None:
    cluster.holds("run other", acquireTime="2026-11-23T08:59:00.000000Z")
    clock.meanwhile = [lambda: None, lambda: cluster.holds("run other", acquireTime="8:59")]
    with pytest.raises(RefusedError, match="Lease tools/apply is held by run other since 8:59"):
        make().acquire()
    assert clock.seconds == 1004
    assert told == ["the Lease tools/apply is held by run other: watching whether it is renewed"]
    assert "PUT" not in cluster.asked


@pytest.mark.parametrize("renew_time", ["1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00Z"])
def test_only_our_own_watching_makes_a_lease_stale_and_the_takeover_is_told(
    make: Make, cluster: Any, clock: Any, renew_time: str
) -> None:
    cluster.holds("run dead", renewTime=renew_time, acquireTime="2026-11-23T08:00:00Z")
    with make().acquire() as held:
        assert clock.seconds == 1030
        assert held.takeover == "run dead since 2026-11-23T08:00:00Z"
        assert cluster.spec["holderIdentity"] == ONE
        assert cluster.spec["leaseTransitions"] == 1


@pytest.mark.parametrize(("lasts", "waited"), [(60, 60), (5, 30), (None, 30), ("x", 30), (-1, 30)])
def test_a_lease_is_watched_for_as_long_as_it_lasts_and_never_shorter(
    make: Make, cluster: Any, clock: Any, lasts: Any, waited: int
) -> None:
    cluster.holds("run dead", leaseDurationSeconds=lasts)
    with make().acquire() as held:
        assert clock.seconds == 1000 + waited
        assert held.takeover == "run dead since unknown"


def test_a_lease_that_lasts_for_hours_is_not_waited_for(
    make: Make, cluster: Any, clock: Any
) -> None:
    cluster.holds("run other", leaseDurationSeconds=301)
    with pytest.raises(RefusedError, match="held by run other"):
        make().acquire()
    assert clock.seconds == 1000


@pytest.mark.parametrize("change", ["freed", "deleted"])
def test_a_lease_that_becomes_free_while_we_watch_is_taken(
    make: Make, cluster: Any, clock: Any, change: str
) -> None:
    cluster.holds("run other")
    free = cluster.leases.clear if change == "deleted" else lambda: cluster.holds(None)
    clock.meanwhile = [free]
    with make().acquire() as held:
        assert clock.seconds == 1002
        assert held.takeover is None


def test_a_stale_lease_that_moves_at_the_last_moment_is_left_alone(
    make: Make, cluster: Any
) -> None:
    cluster.holds("run slow")
    lock = make()
    real = lock.client.replace

    def late(lease: Any) -> Any:
        cluster.holds("run slow")
        return real(lease)

    lock.client.replace = late  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="held by run slow"):
        lock.acquire()
    assert cluster.spec["holderIdentity"] == "run slow"


def test_a_stale_lease_that_is_freed_at_the_last_moment_is_no_takeover(
    make: Make, cluster: Any
) -> None:
    cluster.holds("run slow")
    lock = make()
    real = lock.client.replace
    freed: list[str] = []

    def late(lease: Any) -> Any:
        if not freed:
            freed.append("once")
            cluster.holds(None)
        return real(lease)

    lock.client.replace = late  # type: ignore[method-assign]
    with lock.acquire() as held:
        assert held.takeover is None


def test_of_eight_at_once_one_wins(make: Make, cluster: Any, clock: Any) -> None:
    start, end = threading.Barrier(8), threading.Barrier(8)

    def renew() -> None:
        with cluster.lock:
            cluster.holds(cluster.spec["holderIdentity"])

    def compete(number: int) -> str:
        # Each has a clock of its own; while it watches, the winner's thread renews.
        lock = replace(make(str(number)), clocks=type(clock)(meanwhile=[renew]))
        start.wait(120)
        try:
            with lock.acquire():
                end.wait(120)
        except RefusedError as error:
            end.wait(120)
            return str(error)
        return "won"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(compete, range(8)))
    assert results.count("won") == 1
    assert sum(each.startswith("locked: ") for each in results) == 7


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_answer_that_is_lost_when_taking_it_is_no_lock_lost(
    make: Make, cluster: Any, method: str
) -> None:
    if method == "PUT":
        cluster.holds("run dead")
    cluster.faults = [(method, "after")]
    with make().acquire() as held:
        assert held.still_held()
        expected = "run dead since unknown" if method == "PUT" else None
        assert held.takeover == expected


def test_renewing_moves_the_lease(make: Make, cluster: Any, clock: Any) -> None:
    with make().acquire() as held:
        clock.passes(15)
        assert renewed(held)
        assert cluster.spec["renewTime"] == "2026-11-23T09:00:15.000000Z"
        assert cluster.spec["acquireTime"] == "2026-11-23T09:00:00.000000Z"
        clock.passes(15)
        assert held.still_held()


def test_a_renewal_survives_a_label_by_somebody_else(make: Make, cluster: Any) -> None:
    with make().acquire() as held:
        cluster.put(cluster.leases["apply"])
        assert renewed(held)
        assert held.still_held()
    assert held.is_released


def test_a_renewal_whose_answer_was_lost_is_found(make: Make, cluster: Any, clock: Any) -> None:
    with make().acquire() as held:
        clock.passes(10)
        cluster.faults = [("PUT", "after")]
        assert renewed(held)
        clock.passes(9)
        assert renewed(held)
        clock.passes(15)
        assert held.still_held()


def test_a_lease_that_somebody_writes_all_the_time_runs_out(
    make: Make, cluster: Any, clock: Any
) -> None:
    with make().acquire() as held:
        clock.passes(10)
        cluster.faults = [("PUT", "409")] * 3
        assert renewed(held)
        clock.passes(10)
        assert not held.still_held()


@pytest.mark.parametrize("change", ["taken", "deleted"])
def test_a_lease_that_is_no_longer_ours_is_lost_and_never_released(
    make: Make, cluster: Any, change: str
) -> None:
    with make().acquire() as held:
        if change == "taken":
            cluster.holds("run two, nonce two-nonce")
        else:
            cluster.leases.clear()
        assert not renewed(held)
    assert not held.is_released
    after = cluster.leases and cluster.spec["holderIdentity"]
    assert after == ("run two, nonce two-nonce" if change == "taken" else {})


def test_a_holder_that_slept_does_not_release_what_was_taken_over(
    make: Make, cluster: Any, clock: Any
) -> None:
    with ExitStack() as slept:
        first = slept.enter_context(make("one").acquire())
        clock.passes(20)
        assert not first.still_held()
        with make("two").acquire() as second:
            slept.close()
            assert second.takeover == "run one, nonce one-nonce since 2026-11-23T09:00:00.000000Z"
            assert cluster.spec["holderIdentity"] == "run two, nonce two-nonce"
    assert not first.is_released
    assert second.is_released


@pytest.mark.parametrize("fault", ["before", "500"])
def test_an_api_server_that_does_not_answer_the_release_harms_nobody(
    make: Make, cluster: Any, fault: str
) -> None:
    with make().acquire() as held:
        cluster.faults = [("GET", fault)]
    assert not held.is_released


def test_a_release_that_conflicts_three_times_is_left_to_expire(make: Make, cluster: Any) -> None:
    with make().acquire() as held:
        cluster.faults = [("PUT", "409")] * 3
    assert not held.is_released


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("before", "does not answer"),
        ("403", "refuses this pod's service account for the Lease tools/apply (403)"),
        ("500", "something else than a Lease (500)"),
        ("[1]", "something else than a Lease (200)"),
        ("{", "something else than a Lease (200)"),
        ('{"metadata": {}}', "something else than a Lease (200)"),
    ],
)
def test_a_lease_that_cannot_be_read_is_an_error_with_a_remedy(
    make: Make, cluster: Any, fault: str, words: str
) -> None:
    cluster.faults = [("GET", fault)] * 3
    with pytest.raises(SettingsError) as failure:
        make().acquire()
    assert words in failure.value.message
    assert failure.value.remedy


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    make: Make, cluster: Any, clock: Any
) -> None:
    cluster.faults = [("GET", "before"), ("GET", "500")]
    with make().acquire() as held:
        assert held.still_held()
        assert clock.seconds == 1004


def test_a_lease_that_cannot_be_made_is_an_error(make: Make, cluster: Any) -> None:
    cluster.faults = [("POST", "403")] * 3
    with pytest.raises(SettingsError, match="403"):
        make().acquire()
    with pytest.raises(SettingsError, match="404"):
        make(namespace="nowhere").acquire()


def test_a_lease_that_goes_away_whenever_it_is_written_is_refused(make: Make, cluster: Any) -> None:
    cluster.faults = [("POST", "409")] * 3
    with pytest.raises(RefusedError, match="locked"):
        make().acquire()


def test_a_broken_specification_counts_as_free(make: Make, cluster: Any) -> None:
    cluster.put({"metadata": {"name": "apply"}, "spec": {"leaseTransitions": "x"}})
    with make().acquire() as held:
        assert held.takeover is None
        assert cluster.spec["leaseTransitions"] == 1
    cluster.put({"metadata": {"name": "apply"}, "spec": None})
    with make().acquire() as held:
        assert held.still_held()


@pytest.mark.parametrize("content", [None, b"", b"a\nb", b"\xff"])
def test_a_pod_without_a_token_is_told_how_to_get_one(
    make: Make, account: Path, content: bytes | None
) -> None:
    (account / "token").unlink()
    if content is not None:
        (account / "token").write_bytes(content)
    with pytest.raises(SettingsError, match="no service account token") as failure:
        make().acquire()
    assert "automountServiceAccountToken" in failure.value.remedy


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
        {"KUBERNETES_SERVICE_HOST": "a/b", "KUBERNETES_SERVICE_PORT": "443"},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443/x"},
    ],
)
def test_outside_a_pod_there_is_no_lease(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="no Kubernetes pod"):
        LeaseClient.in_cluster(environ, "tools/apply")


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_without_the_clusters_certificate_nothing_is_asked(
    account: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setattr(kubernetes, "SERVICE_ACCOUNT", account)
    if content is not None:
        (account / "ca.crt").write_bytes(content)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(SettingsError, match=r"ca\.crt does not hold the certificate"):
        LeaseClient.in_cluster(environ, "tools/apply")
