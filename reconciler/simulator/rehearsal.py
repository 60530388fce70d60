"""A rehearsal: the console, what shall go wrong with it, and a diary of what was asked.

`perform` takes a request and returns how it is answered; nothing in here opens a socket or sleeps.
One request goes through: counting and choosing faults; others acting before it; an answer instead
of the console's, or a rate limit, or the console itself (as it is, or as it was); damage; others
acting after it. A request that a rate limit refuses is not damaged.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from reconciler.simulator import app
from reconciler.simulator.calls import Console
from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.clock import Clock
from reconciler.simulator.damage import damage
from reconciler.simulator.delivery import Delivery, failed, json_delivery
from reconciler.simulator.diary import Diary, Entry, name_of, shown_path, token_of
from reconciler.simulator.envelopes import Request, Response
from reconciler.simulator.faults import Act, Fault, Schedule, Tally
from reconciler.simulator.history import History, copy_of
from reconciler.simulator.instead import answer_instead, too_many
from reconciler.simulator.scenario import Scenario
from reconciler.simulator.spoil import spoil, without_loop
from reconciler.simulator.throttle import RateLimits, Throttle
from reconciler.simulator.world import World

Hits = Sequence[tuple[Fault, Tally]]
_NAME = re.compile(r"\{([^{}]+)\}")
_READS = ("GET", "HEAD")
_BAD = 300


class Rehearsal:
    """Everything between the socket and the console."""

    def __init__(
        self,
        console: Console,
        scenario: Scenario | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.console = console
        self.clock = Clock(console.clock)
        console.clock = self.clock
        self.throttle = Throttle(self.clock)
        self.diary = Diary(log)
        self._beginning = copy_of(console.world)
        self.arrange(scenario or Scenario())

    def arrange(self, scenario: Scenario) -> None:
        """Put faults and rate limits in force and count requests from the beginning.

        Raises ValueError when somebody who is to act is unknown; nothing has changed then.
        """
        for act in (act for fault in scenario.faults for act in fault.requests):
            if self.console.world.named(act.principal) is None:
                raise ValueError(f"change: nobody is called {act.principal!r} here")
        self.scenario = scenario
        self._restart()

    def limit(self, limits: RateLimits | None) -> None:
        """Put rate limits in force, with full buckets; None: no limits. Faults go on as before."""
        self.scenario = replace(self.scenario, rate_limits=limits)
        self.throttle.limits = limits
        self.throttle.restart()

    def begin_with(self, world: World) -> None:
        """Replace the world for good, empty every diary and count from the beginning."""
        self._beginning = copy_of(world)
        self.console.world = world
        self.console.changes.clear()
        self.console.requests.clear()
        self.diary.entries.clear()
        self._restart()

    def reset(self) -> None:
        """Go back to the first world and the scenario's start; tokens stay."""
        self.clock.restart()
        self.begin_with(copy_of(self._beginning))

    def turns_away(self) -> bool:
        """Tell whether a new connection is to be reset."""
        if self.refusals:
            self.refusals -= 1
            return True
        return False

    def perform(self, request: Request) -> Delivery:
        """Answer one request."""
        self.index += 1
        self.console.requests.append((request.method, request.path))
        index, at = self.index, self.console.stamp()
        who, path = name_of(self.console, request), shown_path(self.console, request.path)
        hits = self.schedule.next(request.method, request.path)
        done: list[Fault] = []
        try:
            delivery = self._in_order(request, hits, done)
        except Exception as error:  # noqa: BLE001  a defect is told, here and to the client
            done.append(Fault("internal-error"))
            delivery = failed(error)
        for fault, tally in hits:
            tally.missed += not any(fault is each for each in done)
        kinds = tuple(fault.kind for fault in done)
        self.diary.write(Entry(index, at, request.method, path, delivery.status, who, kinds))
        self._catch_up(index)
        return delivery

    def _restart(self) -> None:
        self.index = 0
        """Requests since the faults were set."""
        self.refusals = 0
        """So many connections are still to be reset."""
        self._late: list[tuple[int, Request]] = []
        self.schedule = Schedule(self.scenario.faults, self.scenario.seed)
        self.throttle.limits = self.scenario.rate_limits
        self.throttle.restart()
        stages = {KINDS[fault.kind].stage for fault in self.scenario.faults}
        self.history = History(kept="world" in stages)
        if self.scenario.frozen:
            self.clock.freeze(self.scenario.frozen)

    def _in_order(self, request: Request, hits: Hits, done: list[Fault]) -> Delivery:
        """Return the answer, and let others act around it."""
        self._let_others_act(hits, "before", done)
        delivery = self._answer(without_loop(request), hits, done)
        self._let_others_act(hits, "after", done)
        return delivery

    def _answer(self, request: Request, hits: Hits, done: list[Fault]) -> Delivery:
        """Return the answer; adds every fault that took effect to `done`."""
        by_stage = _by_stage(hits)
        if by_stage["instead"]:
            fault = by_stage["instead"][0]
            done.append(fault)
            delivery = self._instead(fault, request)
        elif refused := self._limited(request):
            done.append(Fault("rate-limit"))
            return refused
        else:
            response = self._from(request, by_stage["world"], done)
            for fault in by_stage["body"]:
                spoilt = spoil(fault, request, response, self._ask)
                if spoilt is not None:
                    done.append(fault)
                    response = spoilt
            delivery = json_delivery(response.status, response.body, response.headers)
        for fault in by_stage["wire"]:
            delivery = damage(fault, delivery)
            done.append(fault)
            if fault.kind == "refuse":
                self.refusals = int(fault.value or 0)
        return delivery

    def _instead(self, fault: Fault, request: Request) -> Delivery:
        if fault.kind == "late":
            self._late.append((self.index + int(fault.value or 0), request))
        elif fault.effect:
            self._carry_out(request)
        return answer_instead(fault, request, self.clock())

    def _limited(self, request: Request) -> Delivery | None:
        path = request.path.removeprefix(app.PREFIX)
        wait = self.throttle.admit(token_of(request), path)
        if wait is None or self.throttle.limits is None:
            return None
        return too_many(self.throttle.limits.retry_after, wait, self.clock())

    def _from(self, request: Request, faults: Sequence[Fault], done: list[Fault]) -> Response:
        """Ask the console, for a read perhaps as it was some time ago."""
        fault = faults[0] if faults and request.method in _READS else None
        if fault is None:
            return self._carry_out(request)
        amount = float(fault.value or 0)
        if fault.kind == "stale":
            earlier = self.history.before_writes(int(amount))
        else:
            earlier = self.history.at(self.clock() - timedelta(seconds=amount))
        if earlier is None:
            return self._carry_out(request)
        done.append(fault)
        present, self.console.world = self.console.world, earlier
        try:
            return self._ask(request)
        finally:
            self.console.world = present

    def _carry_out(self, request: Request) -> Response:
        """Ask the console; keeps the state before a write where somebody will want it."""
        keeps = self.history.kept and request.method not in _READS
        before = copy_of(self.console.world) if keeps else None
        response = self._ask(request)
        if before and response.status < _BAD:
            self.history.note(self.clock(), before)
        return response

    def _ask(self, request: Request) -> Response:
        """Ask the console without counting it as a client's request."""
        asked = len(self.console.requests)
        try:
            return app.handle(self.console, request)
        finally:
            del self.console.requests[asked:]

    def _let_others_act(self, hits: Hits, when: str, done: list[Fault]) -> None:
        for fault, _ in hits:
            if fault.kind == "change" and fault.when == when:
                done.append(fault)
                for act in fault.requests:
                    self._act(act)

    def _act(self, act: Act) -> None:
        """Send a request as somebody else, with a token that lives as long as it takes."""
        principal = self.console.world.named(act.principal)
        token = self.console.mint(principal.id if principal else "")
        target, _, query = act.path.removeprefix(app.PREFIX).partition("?")
        path = app.PREFIX + _NAME.sub(self._id_of, target)
        body = b"" if act.body is None else json.dumps(act.body).encode()
        headers = (("authorization", f"ApiToken {token}"),)
        self._unasked(Request(act.method, path, query, headers, body), "change")
        self.console.tokens.pop(token, None)

    def _id_of(self, match: re.Match[str]) -> str:
        principal = self.console.world.named(match[1])
        return principal.id if principal else match[0]

    def _catch_up(self, index: int) -> None:
        """Do what was left undone and is due now."""
        due = [request for until, request in self._late if until <= index]
        self._late = [each for each in self._late if each[0] > index]
        for request in due:
            self._unasked(request, "late")

    def _unasked(self, request: Request, why: str) -> None:
        """Carry out what no client asks at this moment; the diary has it, without a number."""
        at, who = self.console.stamp(), name_of(self.console, request)
        path = shown_path(self.console, request.path)
        status = self._carry_out(request).status
        self.diary.write(Entry(None, at, request.method, path, status, who, (why,)))


def _by_stage(hits: Hits) -> dict[str, list[Fault]]:
    stages: dict[str, list[Fault]] = {kind.stage: [] for kind in KINDS.values()}
    for fault, _ in hits:
        stages[KINDS[fault.kind].stage].append(fault)
    return stages
