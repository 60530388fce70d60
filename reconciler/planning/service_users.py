"""A service user to be made, or whose token is renewed: a plan of one operation, judged as any.

Policies never create service users; people do, one at a time, within the same guardrails.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.desired import Desired, DesiredGrant, DesiredPrincipal
from reconciler.domain.digest import digest
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Operation, OperationKind, Plan, Reason, Refusal
from reconciler.domain.policy import Policy, RoleName, ScopeName
from reconciler.domain.state import Principal
from reconciler.domain.wanted import Wanted
from reconciler.errors import Place, PolicyError, Problem, RefusedError
from reconciler.planning.compare import token_precondition
from reconciler.planning.content import content_digest
from reconciler.planning.duties import HOUR
from reconciler.planning.guards import is_protected
from reconciler.planning.make import Seen, decide
from reconciler.planning.names import Names

COMMAND_LINE = Place("command line")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A service user that somebody asks for."""

    name: PrincipalName
    role: RoleName
    scope: ScopeName
    expires: datetime
    """When its token ends, in UTC."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """A service user whose token somebody wants renewed, and what is agreed to for it."""

    name: PrincipalName
    reason: str | None = None
    is_own: bool = False
    """Whether it is known that this very token stops."""
    is_protected: bool = False
    """Whether it is known that the guardrails protect whoever uses the old token."""


def grant_of(newcomer: Newcomer, names: Names) -> Grant:
    """Resolve role and scope; raises PolicyError with candidates when they mean none or several."""
    scopes: tuple[Scope, ...] | Problem = names.catalog.scopes(newcomer.scope)
    if isinstance(scopes, Problem):
        raise PolicyError((scopes,))
    role: Role | Problem = names.catalog.role(newcomer.role, scopes[0])
    if isinstance(role, Problem):
        raise PolicyError((role,))
    return Grant(scopes[0], role)


def creation(newcomer: Newcomer, wanted: Wanted, seen: Seen) -> Plan:
    """Return the plan that creates a service user; what guardrails say is in it, as refusals.

    Raises PolicyError as `grant_of`, RefusedError when the name is taken: the console would make
    a second one, and a name that two bear names nobody (API reference, quirk 14).
    """
    taken = [one for one in seen.actual.principals if one.name == newcomer.name]
    if taken:
        raise RefusedError(
            f"{newcomer.name} is on the console already (id:{taken[0].id}); nothing was written.",
            "Choose another name; or renew its token with `reconciler service-user rotate`.",
        )
    wish = DesiredGrant(grant_of(newcomer, seen.names), (COMMAND_LINE,), reason=newcomer.reason)
    one = DesiredPrincipal(
        newcomer.name, None, in_force=(wish,), asked=(wish,), full_name=newcomer.name.text
    )
    plan = decide(Desired((one,), ()), _asked(wanted), seen)
    refusals = (*plan.refusals, *_outlasting(newcomer, wish.grant, wanted, seen))
    return replace(plan, operations=tuple(map(_by_hand, plan.operations)), refusals=refusals)


def rotation(renewal: Renewal, wanted: Wanted, seen: Seen) -> Plan:
    """Return the plan that renews a service user's token; its grants stay as they are.

    The old token stops at once, so renewing that of somebody protected, or the one in use, is
    refused unless it was said that this is known. Raises PolicyError when the name means nobody,
    several, or somebody not to be managed.
    """
    found = seen.names.people.find(renewal.name, COMMAND_LINE)
    if isinstance(found, Problem):
        raise PolicyError((found,))
    plan = decide(Desired((), ()), _asked(wanted), seen)
    if found is None:
        return plan
    is_own = seen.actual.identity.is_of(found.name, found.id)
    operations = (replace(_rotation(found, renewal), notes=_OWN if is_own else ()),)
    return replace(
        plan,
        operations=operations,
        refusals=(*plan.refusals, *_unaware(found, renewal, wanted, seen)),
        content_digest=content_digest(plan.options, operations),
    )


_OWN = ("It is the token of this very command: the next one needs the new token.",)


def _outlasting(newcomer: Newcomer, grant: Grant, wanted: Wanted, seen: Seen) -> Iterator[Refusal]:
    """Refuse a token that gives a privileged role for longer than the guardrails allow at once."""
    for rule in wanted.guardrails.privileged:
        roles = {id_ for text in rule.roles for id_ in seen.names.catalog.role_named(text)}
        longest = rule.max_duration
        if longest and grant.role.id in roles and newcomer.expires - seen.instant > longest:
            yield Refusal(
                "privileged",
                f"The token of {newcomer.name} would give {grant.role.name} on "
                f"{grant.scope.name} for longer than {longest / HOUR:g} hours.",
                "Let it end sooner, with --expires.",
                (COMMAND_LINE,),
            )


def _unaware(found: Principal, renewal: Renewal, wanted: Wanted, seen: Seen) -> Iterator[Refusal]:
    """Refuse what would stop a token that somebody relies on, without their knowing."""
    is_own = seen.actual.identity.is_of(found.name, found.id)
    is_guarded = is_protected(wanted.guardrails, seen.names.pins, found.name, found.id)
    if is_guarded and not renewal.is_protected:
        yield Refusal(
            "protected",
            f"{found.name} is protected, and its token would stop at once.",
            "If whoever uses it is waiting for the new one, say so with --protected.",
        )
    if is_own and not renewal.is_own:
        yield Refusal(
            "own_identity",
            f"{found.name} is the identity of this token, which would stop at once: the next "
            "command is refused until it has the new one.",
            "If the new one goes where this command takes its token from, say so with --own-token.",
        )
    if renewal.is_own and not is_own:
        yield Refusal(
            "own_identity",
            f"{found.name} is not the identity of this token.",
            "Leave out --own-token, or correct the name.",
        )


def _by_hand(operation: Operation) -> Operation:
    changes = tuple(replace(each, reason=Reason.BY_HAND) for each in operation.changes)
    return replace(operation, changes=changes)


def _rotation(principal: Principal, renewal: Renewal) -> Operation:
    held = Holding(principal.level, principal.grants)
    return Operation(
        kind=OperationKind.ROTATE,
        name=principal.name,
        principal_id=principal.id,
        full_name=principal.full_name,
        before=held,
        after=held,
        changes=(),
        precondition=token_precondition(principal),
        note=renewal.reason,
    )


def _asked(wanted: Wanted) -> Wanted:
    """Leave the policies out: they neither ask for it nor forbid it."""
    return replace(wanted, policy=Policy(digest=digest("service-user")), base=None)
