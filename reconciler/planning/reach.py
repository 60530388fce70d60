"""Which role counts where: grants spread downwards over the scopes of one console.

Access is inherited (API reference, section 6). Deleted accounts and sites are left out.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.domain.access import TENANT, Grant, Level, Role, Scope
from reconciler.domain.state import Actual


@dataclass(frozen=True, slots=True)
class Step:
    """The roles that count on a scope, before and after.

    More than one is a list that only the console can have made (API reference, section 6).
    """

    before: tuple[Role, ...]
    after: tuple[Role, ...]

    @property
    def is_change(self) -> bool:
        """True unless the same roles count."""
        return self.before != self.after


Part = tuple[Step, list[Scope]]
"""Scopes that take the same step."""


class Reach:
    """The scopes of one console, and what a change of somebody's grants means on them."""

    def __init__(self, actual: Actual) -> None:
        self._accounts = {a.id: a.scope for a in actual.accounts if a.state != "deleted"}
        self._sites_of: dict[str, list[Scope]] = defaultdict(list)
        for site in actual.sites:
            if site.state != "deleted":
                self._sites_of[site.account_id].append(site.scope)
        self._site_ids = {site.id for sites in self._sites_of.values() for site in sites}

    def steps(
        self, before: Iterable[Grant], after: Iterable[Grant]
    ) -> dict[Step, tuple[Scope, ...]]:
        """Return every step with the scopes that take it, widest first.

        A scope speaks for everything below it, unless something below it is named as well: then
        every scope below is, even one where nothing changes. Elsewhere, scopes where nothing
        changes are left out.
        """
        gathered: dict[Step, list[Scope]] = defaultdict(list)
        for step, scopes in self._parts(_Move(_held(before), _held(after))):
            gathered[step] += scopes
        return {
            step: tuple(sorted(scopes, key=lambda scope: scope.sort_key))
            for step, scopes in gathered.items()
        }

    def _parts(self, move: "_Move") -> list[Part]:
        on_tenant = move.on(TENANT)
        if on_tenant.is_change:
            # Those accounts too that show in their sites only.
            account_ids = self._accounts | self._sites_of
            below = [part for id_ in account_ids for part in self._whole(id_, move)]
            return _folded((on_tenant, [TENANT]), below)
        return [part for id_ in move.accounts for part in self._changed(id_, move)]

    def _changed(self, account_id: str, move: "_Move") -> list[Part]:
        """Return the account and its sites if it changes itself, else the sites that change."""
        account = self._accounts.get(account_id)
        if account is not None and move.on(account).is_change:
            return self._whole(account_id, move)
        sites = (site for site in move.sites_of(account_id) if site.id in self._site_ids)
        return [(move.on(site), [site]) for site in sites if move.on(site).is_change]

    def _whole(self, account_id: str, move: "_Move") -> list[Part]:
        """Return an account and its sites, which inherit where no grant names them."""
        account, sites = self._accounts.get(account_id), self._sites_of.get(account_id, [])
        named = {site.id for site in move.sites_of(account_id)}
        parts = [(move.on(site), [site]) for site in sites if site.id in named]
        rest = [site for site in sites if site.id not in named]
        if account is not None:
            return _folded((move.on(account), [account]), parts, rest)
        return [*parts, (move.on(TENANT), rest)]


class _Move:
    """What is held on which scope, before and after."""

    def __init__(
        self, before: dict[Scope, tuple[Role, ...]], after: dict[Scope, tuple[Role, ...]]
    ) -> None:
        self._before, self._after = before, after
        self._sites_of: dict[str, list[Scope]] = defaultdict(list)
        for scope in before | after:
            if scope.level is Level.SITE:
                self._sites_of[scope.account_id].append(scope)
        scopes = (scope for scope in before | after if scope.level is not Level.TENANT)
        self.accounts = list(dict.fromkeys(scope.account_id for scope in scopes))
        """Ids of the accounts that some grant is in."""

    def sites_of(self, account_id: str) -> list[Scope]:
        """Return the sites of an account that some grant names."""
        return self._sites_of.get(account_id, [])

    def on(self, scope: Scope) -> Step:
        """Return what counts on a scope."""
        return Step(_counting(self._before, scope), _counting(self._after, scope))


def _held(grants: Iterable[Grant]) -> dict[Scope, tuple[Role, ...]]:
    held: dict[Scope, list[Role]] = defaultdict(list)
    for grant in grants:
        held[grant.scope].append(grant.role)
    return {scope: tuple(dict.fromkeys(roles)) for scope, roles in held.items()}


def _counting(held: dict[Scope, tuple[Role, ...]], scope: Scope) -> tuple[Role, ...]:
    """Return the roles held on a scope or above it; a principal has one level only."""
    for above in (scope, Scope(Level.ACCOUNT, scope.account_id, ""), TENANT):
        if above in held:
            return held[above]
    return ()


def _folded(above: Part, below: list[Part], inheriting: Iterable[Scope] = ()) -> list[Part]:
    """Let a scope speak for what is below it, where all of it takes the same step."""
    step, scopes = above
    if all(each == step for each, _ in below):
        return [above]
    return [(step, [*scopes, *inheriting]), *below]
