"""Which ends of held grants were judged before, and which are decided here and now.

The closing of a window counts for nothing, because its end was judged when it was given: as a
grant for a time, or, on a grant that was held already, as a revoke in advance. Two things show it.

The journal, if it has begun: every apply that passes its guardrails records until when what people
hold will last, and the last word on a triple counts. A refused end is never recorded, so nothing
but a run that accepted it makes it good.

Without a journal, git: a window that closed is believed when the commit in effect just before it
closed asked for the triple by this window only, and so did every commit since. A window that had
closed before anybody wrote it is thus never believed, however many commits follow; the commit that
brought a window is evidence for its own closing. The work tree is no evidence, nor, with `--base`,
is what came after the base.

What git cannot show: whether the change was refused. Who merges a refused end all the same, keeps
no journal and lets the time pass until it, has it forgiven; so does who pushes commits with a
forged date past the review. An end that a later commit brings closer is then seen only in the run
that is compared with the commit before. Without journal and git nothing is forgiven.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from reconciler.domain.access import Grant
from reconciler.domain.desired import DesiredGrant, DesiredPrincipal
from reconciler.domain.ends import End
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window
from reconciler.domain.wanted import Wanted
from reconciler.planning.before import Before, Triple, before
from reconciler.planning.names import Names


class Ends:
    """What is known of the ends of grants, at one instant."""

    def __init__(self, wanted: Wanted, base: Before, names: Names, instant: datetime) -> None:
        self._base, self._names, self._instant = base, names, instant
        self._judged = None if wanted.judged is None else {end.key: end for end in wanted.judged}
        self._committed = wanted.versions

    @property
    def is_known(self) -> bool:
        """True when something shows which ends were judged."""
        return self._judged is not None or self._base.is_known

    def was_judged(self, one: DesiredPrincipal, grant: Grant, window: Window) -> bool:
        """Tell whether the end of a closed window was judged while it was still to come."""
        if self._judged is not None:
            last = self.on_record(one, grant)
            return last is not None and last.until is not None and last.until <= self._instant
        triple = (self._name(one), grant)
        return triple not in self._base.standing and self._was_committed(triple, window)

    def lasted(
        self, one: DesiredPrincipal, grant: Grant, otherwise: datetime | None
    ) -> datetime | None:
        """Return until when a held grant was to last before this change; None for good.

        `otherwise` where nothing tells, or the base asked for no such grant: then it was given
        since, by the commit that brought the window, or by hand.
        """
        if self._judged is not None:
            last = self.on_record(one, grant)
            return last.until if last else None
        if not self._base.is_known:
            return otherwise
        name = self._name(one)
        if (name, grant) in self._base.standing or name not in self._base.managed:
            return None
        span = self._base.open_span((name, grant), self._instant)
        return span.end if span else otherwise

    def outlasts_record(self, one: DesiredPrincipal, wish: DesiredGrant) -> bool:
        """Tell whether a held grant is now to last longer than any run has judged."""
        last = self.on_record(one, wish.grant)
        if one.principal is None or last is None or last.until is None:
            return False
        if wish.window is None:
            is_later = True
        else:
            end = wish.window.end
            is_later = wish.window.contains(self._instant) and (end is None or end > last.until)
        return is_later and wish.grant in one.principal.grants

    def on_record(self, one: DesiredPrincipal, grant: Grant) -> End | None:
        """Return the journal's last word on a triple, unless it is about a namesake."""
        id_ = one.principal.id if one.principal else ""
        last = (self._judged or {}).get(End.of(self._name(one), id_, grant, None).key)
        return last if last and last.principal_id in ("", id_) else None

    def to_record(
        self, everybody: Iterable[DesiredPrincipal], *, is_whole: bool
    ) -> tuple[End, ...] | None:
        """Return what an apply records when its guardrails let it pass; see `Plan.ends`."""
        if self._judged is None and not is_whole:
            return None
        found = [end for one in everybody for end in self._news(one)]
        return tuple(sorted(found, key=lambda end: end.key))

    def _news(self, one: DesiredPrincipal) -> Iterable[End]:
        held = one.principal.grants if one.principal else ()
        found: dict[Grant, datetime | None] = {}
        for grant, window in sorted(one.closed, key=lambda each: str(each[1].end)):
            if grant in held and self._judged is None and self.was_judged(one, grant, window):
                found[grant] = window.end
        for wish in one.in_force:
            if wish.grant not in held or self.is_known:
                found[wish.grant] = _end_of(one, wish)
        for grant, until in found.items():
            last = self.on_record(one, grant)
            if until != (last.until if last else None):
                id_ = one.principal.id if one.principal else ""
                yield End.of(self._name(one), id_, grant, until)

    def _was_committed(self, triple: Triple, window: Window) -> bool:
        """Tell whether all commits since just before a window closed knew the triple by it only."""
        for since, version in self._versions:
            if not version.had_window(triple, window):
                return False
            if window.end is not None and since < window.end:
                return True
        return False

    @cached_property
    def _versions(self) -> list[tuple[datetime, Before]]:
        """Resolved only where somebody still holds what a closed window gave."""
        return [
            (version.since, before(version.policy, self._names, self._instant))
            for version in self._committed
        ]

    def _name(self, one: DesiredPrincipal) -> PrincipalName:
        return self._names.people.canonical(one.name)


def _end_of(one: DesiredPrincipal, wish: DesiredGrant) -> datetime | None:
    return None if is_for_good(one, wish) or wish.window is None else wish.window.end


def is_for_good(one: DesiredPrincipal, wish: DesiredGrant) -> bool:
    """Tell whether a grant in force by a window, or by none, is asked for without one as well."""
    return any(each.window is None for each in one.asked if each.grant == wish.grant)
