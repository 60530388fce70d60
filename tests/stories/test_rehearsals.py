"""Every kind of fault that the simulator knows, met by the product: right, or one clear error."""

from typing import Any

import pytest

from reconciler.simulator.catalogue import KINDS

SUMMARY = "Plan: 3 to grant, 2 to revoke, 1 to invite, 1 to delete, 2 unlisted."
WRITES = {"service:siem", "lena@acme.example", "bo@acme.example", "eve@acme.example"}

RETRIED = [
    "429", "500", "502", "503", "504", "reset-before", "close-before", "late", "length-too-long",
    "truncated", "truncated-chunked", "not-http", "reset-midway", "reset-after", "close-after",
    "refuse",
]  # fmt: skip
READ_AGAIN = ["cursor-loop", "wrong-total", "short-page", "missing-page", "repeated-row"]
HARMLESS = ["latency", "drip", "extra-field", "id-number", "stale", "lag"]
REFUSED = [
    "400", "401", "403", "404", "409", "301", "302", "307", "308", "html", "empty",
    "duplicate-key", "nan", "missing-field", "wrong-type", "null-field", "deep", "errors",
    "bad-json", "bad-utf8", "truncated-no-length", "length-too-short", "bad-gzip", "not-gzip",
    "gzip-bomb",
]  # fmt: skip


def short(kind: str, where: str) -> str:
    """Write a fault that takes no real time."""
    return f"{kind}{'=0' if kind in {'latency', 'drip'} else ''}@{where}"


def errors(told: Any) -> list[str]:
    return [line for line in told.err.splitlines() if line.startswith("error")]


def test_every_kind_is_met_somewhere() -> None:
    # A stall lasts as long as the client's patience, which is real time; others act in the races.
    assert {*RETRIED, *READ_AGAIN, *HARMLESS, *REFUSED} == set(KINDS) - {"stall", "change"}


@pytest.mark.parametrize("where", ["GET /user#1", "GET /users#1", "GET /sites#1"])
@pytest.mark.parametrize("kind", [*RETRIED, *READ_AGAIN, *HARMLESS])
def test_a_plan_is_right_after_a_fault_that_passes(desk: Any, kind: str, where: str) -> None:
    desk.console.rehearse(short(kind, where))

    told = desk.run("plan")

    assert (told.code, errors(told)) == (0, []), told.text
    assert SUMMARY in told.out
    # A connection that was open already is not refused; what drips takes real time, and on a
    # crowded machine too much of it.
    if kind not in {"refuse", "drip"}:
        assert bool(desk.clock.slept) is (kind in RETRIED)


@pytest.mark.parametrize("where", ["GET /user#1", "GET /users#1", "GET /sites#1"])
@pytest.mark.parametrize("kind", REFUSED)
def test_there_is_no_plan_after_an_answer_that_is_not_understood(
    desk: Any, kind: str, where: str
) -> None:
    desk.console.rehearse(short(kind, where))

    told = desk.run("plan")

    assert (told.code, len(errors(told))) == (1, 1), told.text
    assert "internal error" not in told.err
    assert "Plan:" not in told.out


@pytest.mark.parametrize("kind", sorted({*RETRIED, *READ_AGAIN} - {"refuse"}))
def test_there_is_no_plan_while_a_fault_lasts(desk: Any, kind: str) -> None:
    desk.console.rehearse(short(kind, "GET /users"))

    told = desk.run("apply", "--auto-approve")

    assert (told.code, len(errors(told))) == (1, 1), told.text
    assert desk.console.changes == []


@pytest.mark.parametrize("kind", [*RETRIED, *READ_AGAIN, *HARMLESS, *REFUSED])
def test_nothing_is_lost_when_a_write_meets_a_fault(desk: Any, kind: str) -> None:
    desk.console.rehearse(short(kind, "PUT /users/*#1"))

    told = desk.run("apply", "--auto-approve")

    applied = {name for name, result in desk.results().items() if result == "applied"}
    names = [(each.after or each.before) for each in desk.console.changes]
    done = {each.get("email") or f"service:{each['name']}" for each in names}
    assert applied == done
    assert set(desk.results().values()) <= {"applied", "failed"}
    assert told.code == (0 if applied == WRITES else 4), told.text


@pytest.mark.parametrize("kind", ["504", "500", "reset-before", "close-before", "html"])
def test_an_effect_behind_an_error_is_found(desk: Any, kind: str) -> None:
    desk.console.rehearse(f"{kind}+effect@PUT /users/*#1", f"{kind}+effect@POST /users#1")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.written().count("PUT bo@acme.example") == 1
    assert desk.written().count("POST lena@acme.example") == 1
    assert set(desk.results().values()) == {"applied"}


@pytest.mark.parametrize("form", ["none", "seconds", "date"])
def test_an_apply_gets_through_a_storm_of_429(desk: Any, form: str) -> None:
    clock = desk.console.rehearsal.clock
    limits = {path: [1, 1] for path in ("/users", "/service-users")}
    desk.console.rehearse(rate_limits={"retry_after": form, "limits": limits})
    desk.clock.slept = Waking(clock)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert any(entry.status == 429 for entry in desk.console.log)
    assert len(desk.console.changes) == len(WRITES)


class Waking(list[float]):
    """Sleep that moves the console's clock instead of taking time."""

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self._clock = clock

    def append(self, seconds: float) -> None:
        super().append(seconds)
        self._clock.advance(seconds)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("extra-field@*", 0), ("wrong-total@GET /users#1", 0), ("nan@3", 1), ("302=port@2", 1)],
)
def test_a_process_of_its_own_ends_with_a_plan_or_one_error(
    desk: Any, fault: str, code: int
) -> None:
    desk.console.rehearse(fault)

    told = desk.process("plan")

    assert told.code == code, told.text
    assert len(errors(told)) == code
    assert (SUMMARY in told.out) is (code == 0)
