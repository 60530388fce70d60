"""What the base commit asked for: the evidence that a change is one, or is none.

Whether this change asks for something is told by the commit it is compared with. Whether the end
of a window was judged is not: one commit later every base has it. `planning.ends` tells that.
"""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Grant
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Policy, Window
from reconciler.planning.claims import Claim, Claimer
from reconciler.planning.inforce import asked, ends_empty, in_force
from reconciler.planning.names import Names

Triple = tuple[PrincipalName, Grant]


@dataclass(frozen=True, slots=True)
class Before:
    """The base policy, resolved on the same console at the same instant."""

    is_known: bool = False
    """False without a base: then nothing is forgiven, and nothing can be compared."""
    standing: frozenset[Triple] = frozenset()
    windows: frozenset[tuple[Triple, Window]] = frozenset()
    """Every window as written, past ones too."""
    asked: frozenset[tuple[Triple, Window | None]] = frozenset()
    """Every unbroken span from the instant on; None when standing."""
    in_force: frozenset[Triple] = frozenset()
    """What the base would have had in force at the instant."""
    managed: frozenset[PrincipalName] = frozenset()
    """Everybody whom the base named in an assignment or as former."""
    ends_empty: frozenset[tuple[PrincipalName, Window]] = frozenset()
    """Who would have had nothing in force after which window, open or coming."""

    def had_window(self, triple: Triple, window: Window) -> bool:
        """Tell whether the base knew a triple by this window only."""
        return (triple, window) in self.windows and triple not in self.standing

    def open_span(self, triple: Triple, instant: datetime) -> Window | None:
        """Return the span by which the base had a triple in force at the instant."""
        spans = (span for asked_for, span in self.asked if asked_for == triple and span)
        return next((span for span in spans if span.contains(instant)), None)


def before(base: Policy | None, names: Names, instant: datetime) -> Before:
    """Resolve the base policy; what does not resolve any more is left out."""
    if base is None:
        return Before()
    claimer = Claimer(names.catalog, instant)
    by_name: dict[PrincipalName, list[Claim]] = {}
    for assignment in base.assignments:
        for claim in claimer.claims(assignment):
            name = names.people.canonical(claim.member.name)
            by_name.setdefault(name, []).append(claim)
    claims = [((name, claim.grant), claim) for name, own in by_name.items() for claim in own]
    return Before(
        is_known=True,
        standing=frozenset(triple for triple, claim in claims if claim.is_standing),
        windows=frozenset(
            (triple, claim.assignment.window) for triple, claim in claims if claim.assignment.window
        ),
        asked=frozenset(
            ((name, wish.grant), wish.window)
            for name, own in by_name.items()
            for wish in asked(own, instant)
        ),
        in_force=frozenset(
            (name, wish.grant) for name, own in by_name.items() for wish in in_force(own, instant)
        ),
        ends_empty=frozenset(
            (name, window)
            for name, own in by_name.items()
            if (window := ends_empty(own, instant)) is not None
        ),
        managed=frozenset(
            names.people.canonical(name)
            for name in (
                *(member.name for entry in base.assignments for member in entry.members),
                *(former.name for former in base.former),
            )
        ),
    )
