"""Policy x guardrails x actual state x instant -> plan. The whole decision, in one screen."""

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.domain.access import Grant, Level
from reconciler.domain.desired import Desired, DesiredPrincipal
from reconciler.domain.guardrails import Guardrails, NothingLeft, Park
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Options, Plan, UnlistedPrincipal
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.domain.wanted import Wanted
from reconciler.errors import PolicyError, Problem
from reconciler.planning.before import before
from reconciler.planning.catalog import Catalog, did_you_mean
from reconciler.planning.causes import attributed
from reconciler.planning.coming import Asking, coming
from reconciler.planning.compare import Comparison, Rules, compare
from reconciler.planning.content import content_digest
from reconciler.planning.departed import no_longer_former
from reconciler.planning.duties import unknown_roles
from reconciler.planning.ends import Ends
from reconciler.planning.guards import refusals
from reconciler.planning.judged import Judged
from reconciler.planning.names import Names
from reconciler.planning.notices import notices
from reconciler.planning.order import execution_order
from reconciler.planning.pinned import check_origin
from reconciler.planning.privileges import Privileges
from reconciler.planning.renames import with_renamed_sites
from reconciler.planning.resolve import resolve
from reconciler.planning.rolepins import role_changes
from reconciler.planning.undo import as_undo, restored


def make_plan(
    wanted: Wanted,
    actual: Actual,
    instant: datetime,
    only: frozenset[PrincipalName] | None = None,
) -> Plan:
    """Compute the plan. The same inputs give an equal plan, whatever their order was.

    `instant` is in UTC; windows are judged at it. `only` narrows the plan to some principals
    without being part of it: a saved plan is recomputed for those it names, since what became
    of others does not void it.

    Raises PolicyError when names do not resolve, claims conflict or somebody named must not
    be managed. What guardrails say comes back inside the plan, as refusals.
    """
    guardrails = wanted.guardrails
    check_origin(wanted.pins, actual.origin)
    names = Names.of(actual, wanted.pins)
    desired = (
        restored(wanted.undo, wanted, actual, names, instant)
        if wanted.undo
        else resolve(wanted.policy, guardrails, actual, names, instant)
    )
    left = no_longer_former(wanted.base, desired.unlisted)
    if left:
        raise PolicyError(left)
    return decide(desired, wanted, Seen(actual, names, instant), only)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decision rests on beside what is desired."""

    actual: Actual
    names: Names
    instant: datetime


def decide(
    desired: Desired, wanted: Wanted, seen: Seen, only: frozenset[PrincipalName] | None = None
) -> Plan:
    """Return the plan that brings about what is desired, judged; see `make_plan`."""
    actual, names, instant = seen.actual, seen.names, seen.instant
    options, guardrails = wanted.options, wanted.guardrails
    privileges = Privileges(actual)
    rules = Rules(
        nothing_left=_nothing_left(guardrails, names.catalog, privileges.giving_access),
        deleted_site_ids=names.catalog.deleted_site_ids,
        no_revokes=options.no_revokes,
        giving_access=privileges.giving_access,
        instant=instant,
    )
    targeted = tuple(
        one for one in _targeted(desired, options, names) if only is None or one.name in only
    )
    compared = [(one, compare(one, rules)) for one in targeted]
    operations = execution_order(
        [each.operation for _, each in compared if each.operation], actual.identity
    )
    if wanted.undo:
        operations = as_undo(operations)
    else:
        operations = with_renamed_sites(operations, wanted.policy, targeted, names)
    base = before(wanted.base, names, instant)
    judged = Judged(
        operations=privileges.explained(operations),
        desired=desired,
        targeted=targeted,
        actual=actual,
        names=names,
        guardrails=guardrails,
        before=base,
        ends=Ends(wanted, base, names, instant),
        instant=instant,
        past_revokes=wanted.past_revokes,
    )
    unknown = tuple(unknown_roles(judged))
    if unknown:
        raise PolicyError(unknown)
    later = Asking(wanted.policy, wanted.base, base, targeted, names, privileges.giving_access)
    return replace(
        _as_plan(judged, compared, wanted),
        roles=privileges.planned(operations),
        coming=coming(later, instant),
    )


def _as_plan(
    judged: Judged, compared: list[tuple[DesiredPrincipal, Comparison]], wanted: Wanted
) -> Plan:
    actual, options, operations = judged.actual, wanted.options, judged.counted
    return Plan(
        instant=judged.instant,
        origin=actual.origin,
        account_ids=tuple(sorted(account.id for account in actual.accounts)),
        view_level=actual.identity.level,
        view_sites=len(actual.sites),
        planned_by=actual.identity.label,
        policy_digest=wanted.policy.digest,
        guardrails_digest=judged.guardrails.digest,
        content_digest=content_digest(options, operations),
        operations=attributed(
            operations, judged.before, judged.names.people, is_applied=_is_applied(wanted)
        ),
        refusals=refusals(judged, (each.refusal for _, each in compared if each.refusal)),
        unlisted=tuple(_unlisted(principal) for principal in judged.desired.unlisted),
        warnings=notices(judged, compared),
        role_changes=role_changes(judged.names, actual),
        options=options,
        ends=judged.ends.to_record(
            judged.targeted, is_whole=len(judged.targeted) == len(judged.desired.principals)
        ),
        taken=len(judged.ending),
    )


def _is_applied(wanted: Wanted) -> bool:
    """Tell whether the base may be taken for what the console held; a journal knows."""
    if wanted.applied is None or wanted.base is None:
        return True
    return wanted.base.digest in wanted.applied


def _nothing_left(
    guardrails: Guardrails, catalog: Catalog, giving_access: Container[str]
) -> NothingLeft | Grant:
    """Resolve the grant people are parked on; what does not resolve is a problem."""
    rule = guardrails.nothing_left
    if not isinstance(rule, Park):
        return rule
    scopes = catalog.scopes(ScopeName(Level.SITE, rule.site, rule.place))
    if isinstance(scopes, Problem):
        raise PolicyError((scopes,))
    role = catalog.role(RoleName(rule.role, rule.place), scopes[0])
    if isinstance(role, Problem):
        raise PolicyError((role,))
    if role.id in giving_access:
        raise PolicyError(
            (
                Problem(
                    rule.place,
                    "parked-with-access",
                    f'People who have nothing left would be parked as "{role.name}", a role that '
                    "gives access.",
                    "Name a role in nothing_left that permits to look only.",
                ),
            )
        )
    return Grant(scopes[0], role)


def _targeted(desired: Desired, options: Options, names: Names) -> tuple[DesiredPrincipal, ...]:
    """Keep the principals of --target; without it, keep all."""
    if not options.targets:
        return desired.principals
    known = {one.name for one in desired.principals}
    targets = {names.people.canonical(name): name for name in options.targets}
    unknown = [name for canonical, name in targets.items() if canonical not in known]
    if unknown:
        labels = [name.label for name in known]
        raise PolicyError(
            tuple(
                Problem(
                    None,
                    "unknown-target",
                    f'--target "{name}" is not under management.',
                    did_you_mean(name.label, labels)
                    or "Name a principal that an assignment or `former` names.",
                )
                for name in unknown
            )
        )
    return tuple(one for one in desired.principals if one.name in targets)


def _unlisted(principal: Principal) -> UnlistedPrincipal:
    return UnlistedPrincipal(
        name=principal.name,
        id=principal.id,
        holding=Holding(principal.level, principal.grants),
        is_admin=any(grant.role.is_admin for grant in principal.grants),
    )
