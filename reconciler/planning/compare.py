"""Desired x actual -> operations: one per principal, because one PUT replaces the whole list.

Pairing is done here, by id; DeepDiff only ever sees one matched pair of plain mappings.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deepdiff import DeepDiff

from reconciler.domain.access import Grant, Level, sort_grants
from reconciler.domain.desired import DesiredGrant, DesiredPrincipal
from reconciler.domain.digest import digest
from reconciler.domain.guardrails import NothingLeft
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import (
    Action,
    Change,
    Holding,
    Operation,
    OperationKind,
    Reason,
    Refusal,
)
from reconciler.domain.state import Principal
from reconciler.planning.risk import risk_of
from reconciler.planning.tokens import STAYS, end_of_token, has_token


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one principal needs: an operation, a refusal, or neither; and what was noticed."""

    operation: Operation | None = None
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What comparison has to know beside the two states."""

    nothing_left: NothingLeft | Grant
    """A grant when the guardrails park people on one."""
    deleted_site_ids: frozenset[str]
    no_revokes: bool
    giving_access: frozenset[str] = frozenset()
    """Ids of the roles that permit to change who may do what, as far as known."""
    instant: datetime | None = None
    """The plan's, in UTC; without it every token counts."""


def compare(desired: DesiredPrincipal, rules: Rules) -> Comparison:
    """Return what has to happen for one principal to hold exactly what is desired."""
    if desired.principal is None:
        return Comparison(_invitation(desired, rules))
    actual = desired.principal
    gone = [g for g in actual.grants if g.scope.id in rules.deleted_site_ids]
    held = frozenset(actual.grants) - frozenset(gone)
    notes = tuple(f"holds {g.role.name} on the deleted site {g.scope.name}" for g in gone)
    wanted = frozenset(wish.grant for wish in desired.in_force)
    is_ending = not wanted and not rules.no_revokes
    if not wanted and held:
        if rules.nothing_left is NothingLeft.REFUSE and not rules.no_revokes:
            return Comparison(refusal=_nothing_left(desired, held), notes=notes)
        if isinstance(rules.nothing_left, Grant):
            # Without revokes nobody is parked, and who is parked already stays so.
            parked = frozenset({rules.nothing_left})
            wanted = parked & held if rules.no_revokes else parked
    if rules.no_revokes:
        wanted, kept = _without_revokes(held, wanted)
        notes += kept
    if wanted == held:
        return _token_alone(desired, actual, rules, notes)
    if len({grant.scope for grant in wanted}) < len(wanted):
        # Read so from the console; a list with two roles on one scope must not be sent.
        return Comparison(notes=(*notes, "holds two roles on one scope, which cannot be kept"))
    after = _holding(wanted) if wanted else None
    told = end_of_token(actual, after) if is_ending else ()
    return Comparison(
        Operation(
            kind=OperationKind.UPDATE if after else OperationKind.DELETE,
            name=actual.name,
            principal_id=actual.id,
            full_name=actual.full_name,
            before=Holding(actual.level, actual.grants),
            after=after,
            changes=_changes(desired, held, wanted, rules),
            precondition=precondition(actual),
            notes=notes + _identity_provider(actual) + told,
            revokes_token=is_ending and actual.kind is PrincipalKind.USER,
        )
    )


def precondition(actual: Principal | None) -> str:
    """Digest of what a write relies on: id, level and the whole list, or that nobody is there."""
    if actual is None:
        return digest("absent")
    pairs = [(grant.scope.id, grant.role.id) for grant in actual.grants]
    return precondition_of(actual.kind, actual.id, actual.level, pairs)


def precondition_of(
    kind: PrincipalKind, id_: str, level: Level, pairs: Iterable[tuple[str, str]]
) -> str:
    """Digest of somebody who holds these pairs of scope id and role id, see `precondition`."""
    entries = sorted([scope_id, role_id] for scope_id, role_id in pairs)
    return digest([kind.value, id_, level.value, entries])


def token_precondition(actual: Principal) -> str:
    """Digest of what renewing a token relies on: whose it is, and which one it replaces."""
    return digest(["token", actual.kind.value, actual.id, actual.token_created or ""])


def _invitation(desired: DesiredPrincipal, rules: Rules) -> Operation | None:
    wanted = frozenset(wish.grant for wish in desired.in_force)
    if not wanted:
        return None
    # Never by a policy: `people` makes a service user that is not there a problem.
    is_service = desired.name.kind is PrincipalKind.SERVICE
    return Operation(
        kind=OperationKind.CREATE if is_service else OperationKind.INVITE,
        name=desired.name,
        principal_id=None,
        full_name=desired.full_name or "",
        before=None,
        after=_holding(wanted),
        changes=_changes(desired, frozenset(), wanted, rules),
        precondition=precondition(None),
    )


def _changes(
    desired: DesiredPrincipal, held: frozenset[Grant], wanted: frozenset[Grant], rules: Rules
) -> tuple[Change, ...]:
    added, removed = _difference(held, wanted)
    wishes = {wish.grant: wish for wish in desired.in_force}
    patterns = {w.glob for w in wishes.values() if w.glob and w.grant in held}
    return (
        *(_granted(grant, wishes.get(grant), patterns, rules) for grant in added),
        *(_revoked(grant, desired, rules) for grant in removed),
    )


def _difference(
    held: frozenset[Grant], wanted: frozenset[Grant]
) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    """Return what is added and what is removed, each in canonical order."""
    grants = {grant.key: grant for grant in held | wanted}
    diff = DeepDiff(
        {grant.key: True for grant in held},
        {grant.key: True for grant in wanted},
        ignore_private_variables=False,
        # Otherwise an emptied mapping is reported as one changed value.
        threshold_to_diff_deeper=0,
        view="tree",
    )
    added = [grants[_key(item)] for item in diff.get("dictionary_item_added", ())]
    removed = [grants[_key(item)] for item in diff.get("dictionary_item_removed", ())]
    return sort_grants(added), sort_grants(removed)


def _key(item: Any) -> str:
    """Return the key of the mapping entry that a DeepDiff tree item is about."""
    return str(item.path(output_format="list")[-1])


def _granted(grant: Grant, wish: DesiredGrant | None, patterns: set[str], rules: Rules) -> Change:
    if wish is None:
        return Change(Action.GRANT, grant, Reason.PARKED, risk_of(grant, rules.giving_access))
    reason = Reason.POLICY
    if wish.window is not None:
        reason = Reason.WINDOW_OPENED
    elif wish.glob in patterns:
        # The principal already holds sites of the same pattern: this one is new to it.
        reason = Reason.SITE_APPEARED
    return Change(
        Action.GRANT,
        grant,
        reason,
        risk_of(grant, rules.giving_access),
        places=wish.places,
        window=wish.window,
        note=wish.reason,
    )


def _revoked(grant: Grant, desired: DesiredPrincipal, rules: Rules) -> Change:
    reason = Reason.POLICY
    if desired.former:
        reason = Reason.OFFBOARDING
    elif not desired.listed:
        reason = Reason.UNLISTED
    elif any(grant == closed for closed, _ in desired.closed):
        reason = Reason.WINDOW_CLOSED
    elif any(grant == wish.grant for wish in desired.asked):
        # Asked for as well, but an open window takes its place for now.
        reason = Reason.SUSPENDED
    places = desired.places
    return Change(Action.REVOKE, grant, reason, risk_of(grant, rules.giving_access), places=places)


def _without_revokes(
    held: frozenset[Grant], wanted: frozenset[Grant]
) -> tuple[frozenset[Grant], tuple[str, ...]]:
    """Keep everything held and add what fits beside it: same level, scope still free."""
    levels = {grant.scope.level for grant in held}
    scopes = {grant.scope for grant in held}
    fits = [
        grant
        for grant in wanted - held
        if grant.scope not in scopes and levels <= {grant.scope.level}
    ]
    kept = held | frozenset(fits)
    told = [
        *(f"the revoke of {_told(grant)}" for grant in sort_grants(held - wanted)),
        *(
            f"the grant of {_told(grant)}, which needs a revoke"
            for grant in sort_grants(wanted - kept)
        ),
    ]
    return kept, (f"--no-revokes holds back {'; '.join(told)}",) if told else ()


def _told(grant: Grant) -> str:
    return f"{grant.role.name} on {grant.scope.name}"


def _holding(grants: Iterable[Grant]) -> Holding:
    ordered = sort_grants(list(grants))
    return Holding(ordered[0].scope.level, ordered)


def _nothing_left(desired: DesiredPrincipal, held: frozenset[Grant]) -> Refusal:
    lost = ", ".join(_told(grant) for grant in sort_grants(held))
    return Refusal(
        "nothing_left",
        f"{desired.name} would lose {lost} and hold nothing, and the console cannot hold such "
        "a user.",
        "Set nothing_left in guardrails.yaml to delete, or to a role and site where such "
        "people are parked; or keep one grant.",
        desired.places,
    )


def _token_alone(
    desired: DesiredPrincipal, actual: Principal, rules: Rules, notes: tuple[str, ...]
) -> Comparison:
    """End the API token of somebody for whom nothing is in force and whose grants are right.

    It was not revoked when the access ended, or made since. One that is over does no harm.
    """
    if desired.in_force or not has_token(actual, rules.instant):
        return Comparison(notes=notes)
    if rules.no_revokes:
        return Comparison(notes=(*notes, "--no-revokes holds back the revoke of its API token"))
    if actual.kind is PrincipalKind.SERVICE:
        return Comparison(notes=(*notes, f"is parked, and {STAYS}"))
    held = Holding(actual.level, actual.grants)
    return Comparison(
        Operation(
            kind=OperationKind.REVOKE_TOKEN,
            name=actual.name,
            principal_id=actual.id,
            full_name=actual.full_name,
            before=held,
            after=held,
            changes=(),
            precondition=precondition(actual),
            notes=notes,
            revokes_token=True,
        )
    )


def _identity_provider(actual: Principal) -> tuple[str, ...]:
    if not actual.is_external:
        return ()
    return (f"owned by an identity provider ({actual.source}), which may overwrite this",)
