"""A service user to be made, or whose token is renewed: a plan of one operation, judged as any.

Policies never create service users; people do, one at a time, within the same guardrails.
"""

from dataclasses import dataclass, replace

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.desired import Desired, DesiredGrant, DesiredPrincipal
from reconciler.domain.digest import digest
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Operation, OperationKind, Plan
from reconciler.domain.policy import Policy, RoleName, ScopeName
from reconciler.domain.state import Principal
from reconciler.domain.wanted import Wanted
from reconciler.errors import Place, PolicyError, Problem, RefusedError
from reconciler.planning.compare import token_precondition
from reconciler.planning.content import content_digest
from reconciler.planning.make import Seen, decide
from reconciler.planning.names import Names

COMMAND_LINE = Place("command line")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A service user that somebody asks for."""

    name: PrincipalName
    role: RoleName
    scope: ScopeName
    reason: str | None = None


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
    wish = DesiredGrant(grant_of(newcomer, seen.names), (), reason=newcomer.reason)
    one = DesiredPrincipal(
        newcomer.name, None, in_force=(wish,), asked=(wish,), full_name=newcomer.name.text
    )
    return decide(Desired((one,), ()), _asked(wanted), seen)


def rotation(name: PrincipalName, wanted: Wanted, seen: Seen) -> Plan:
    """Return the plan that renews a service user's token; its grants stay as they are.

    Raises PolicyError when the name means nobody, several, or somebody not to be managed.
    """
    found = seen.names.people.find(name, COMMAND_LINE)
    if isinstance(found, Problem):
        raise PolicyError((found,))
    operation = _rotation(found) if found else None
    plan = decide(Desired((), ()), _asked(wanted), seen)
    operations = (operation,) if operation else ()
    digest_ = content_digest(plan.options, operations)
    return replace(plan, operations=operations, content_digest=digest_)


def _rotation(principal: Principal) -> Operation:
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
    )


def _asked(wanted: Wanted) -> Wanted:
    """Leave the policies out: they neither ask for it nor forbid it."""
    return replace(wanted, policy=Policy(digest=digest("service-user")), base=None)
