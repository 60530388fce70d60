"""What is left of a saved plan in a world that has moved on: the operations that are in both.

An operation is in both when the plan computed now has it for the same principal with the same
before, after and precondition, and shows the same of it (T62). Everything else is left out and
told by name; nothing that was not in the saved plan is ever added.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Operation
from reconciler.domain.saved import SavedOperation
from reconciler.domain.state import Actual, Principal
from reconciler.planning.compare import precondition

ALREADY_SO = "no longer needed: the console has it so already"
CHANGED = "somebody changed what this principal holds since it was planned"
OVER = "no longer due: its window has closed, or another one has opened"
NOT_ASKED = "no longer asked for: the policies or guardrails have changed"
ANOTHER = (
    "something else would be done now: the policies, the guardrails, a name or what a role "
    "permits have changed"
)
NAMESAKE = "another principal of the same name is left out"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation of a saved plan that is not executed."""

    name: PrincipalName
    why: str

    @property
    def is_done(self) -> bool:
        """True when there is nothing to do any more, rather than something in the way."""
        return self.why == ALREADY_SO


def left_out(
    saved: Iterable[SavedOperation],
    recomputed: Iterable[Operation],
    due: Iterable[Operation],
    moved: Collection[PrincipalName],
    actual: Actual,
) -> tuple[LeftOut, ...]:
    """Return what of a saved plan must not be executed, in the plan's order.

    `recomputed` is today's plan at the saved plan's instant, `due` what of it is still to be done
    at this one, and `moved` whom the two plans show differently. A call knows principals by name,
    so namesakes stay in or go out together.
    """
    again = {(one.name, one.principal_id): one for one in recomputed}
    still = {(one.name, one.principal_id) for one in due}
    found = []
    kept = []
    for operation in saved:
        key = (operation.name, operation.principal_id)
        if key not in again or operation.name in moved:
            found.append(LeftOut(operation.name, _why(operation, again.get(key), actual)))
        elif key not in still:
            found.append(LeftOut(operation.name, OVER))
        else:
            kept.append(operation.name)
    names = {one.name for one in found}
    return (*found, *(LeftOut(name, NAMESAKE) for name in kept if name in names))


def _why(saved: SavedOperation, now: Operation | None, actual: Actual) -> str:
    principal = _principal(saved, actual)
    if now is None and saved.revokes_token and _is_so(saved, principal):
        return ALREADY_SO
    if precondition(principal) == saved.precondition:
        return ANOTHER if now else NOT_ASKED
    return ALREADY_SO if _is_so(saved, principal) and now is None else CHANGED


def _principal(saved: SavedOperation, actual: Actual) -> Principal | None:
    for principal in actual.principals:
        if principal.name.kind is saved.name.kind and (
            principal.id == saved.principal_id
            or (saved.principal_id is None and principal.name == saved.name)
        ):
            return principal
    return None


def _is_so(saved: SavedOperation, principal: Principal | None) -> bool:
    if principal is None or saved.after is None:
        return principal is None and saved.after is None
    if saved.revokes_token and principal.token_created is not None:
        return False
    return principal.level is saved.after.level and set(principal.grants) == set(saved.after.grants)
