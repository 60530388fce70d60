"""What somebody means who asks for a role or a permission: the roles that count."""

from dataclasses import dataclass

from reconciler.domain.access import Role
from reconciler.domain.permissions import Permission
from reconciler.domain.state import Actual
from reconciler.errors import SettingsError
from reconciler.planning.catalog import did_you_mean
from reconciler.planning.known import Known


@dataclass(frozen=True, slots=True)
class Power:
    """The roles that are a role asked for, or that permit what is asked for."""

    permission: Permission | None
    """None when a role was asked for."""
    role_ids: frozenset[str]
    """Ids; without a console, the names as written."""
    unread: frozenset[str] = frozenset()
    """Ids of the roles whose permissions nobody read: they may permit it as well."""

    def is_of(self, role: Role) -> bool:
        """Tell whether a role counts."""
        return role.id in self.role_ids


def power(known: Known, text: str) -> Power:
    """Find the roles meant by a role's name, or by a permission's identifier or title.

    Raises SettingsError with what was perhaps meant, and where permissions are unknown.
    """
    roles = _roles(known, text)
    if roles:
        return Power(None, roles)
    if known.actual is None:
        raise SettingsError(
            f'No policy names a role "{text}".',
            did_you_mean(text, (role.name for role in known.roles()))
            or "What a role permits only a console tells: --from console, or --snapshot FILE.",
        )
    return _permitting(known.actual, text)


def is_role(known: Known, text: str) -> bool:
    """Tell whether a text names a role, so that permissions need not be known."""
    return bool(_roles(known, text))


def unread_note(known: Known, found: Power) -> str | None:
    """Tell which roles may permit as much, but were not read."""
    names = sorted(role.name for role in known.roles() if role.id in found.unread)
    if not names:
        return None
    return f"What these roles permit was not read, so their holders are missing: {', '.join(names)}"


def _roles(known: Known, text: str) -> frozenset[str]:
    """Return the ids of the roles called so: exactly, or else in another case."""
    exact = frozenset(role.id for role in known.roles() if text in _spellings(known, role))
    folded = text.casefold()
    return exact or frozenset(
        role.id
        for role in known.roles()
        if folded in {spelling.casefold() for spelling in _spellings(known, role)}
    )


def _spellings(known: Known, role: Role) -> set[str]:
    if known.names:
        return {role.name, known.names.catalog.role_path(role), f"id:{role.id}"}
    # As written: `Account/Role` is also called by its last part; see `named.is_role` for tenant.
    return {role.name, role.name.rpartition("/")[2], f"tenant/{role.name}"}


def _permitting(actual: Actual, text: str) -> Power:
    everything = {each for role in actual.permissions for each in role.granted}
    found = _permissions(everything, text)
    if not actual.permissions:
        raise SettingsError(
            f'No role "{text}", and what the roles permit was not read.',
            "Use a token that may read roles, or a snapshot taken by one; or name a role.",
        )
    if not found:
        titles = {f"{each.page}: {each.title}" for each in everything}
        names = {role.name for role in actual.roles}
        known = {*names, *titles, *(each.identifier for each in everything)}
        raise SettingsError(
            f'No role and no permission "{text}" that some role grants.',
            did_you_mean(text, known) or "Write it like Users.create or Users: Create.",
        )
    if len(found) > 1:
        told = ", ".join(f"{each.page}: {each.title} ({each.identifier})" for each in sorted(found))
        raise SettingsError(f'Several permissions are called "{text}": {told}.', "Name one.")
    read = frozenset(role.role_id for role in actual.permissions)
    return Power(
        permission=next(iter(found)),
        role_ids=frozenset(role.role_id for role in actual.permissions if found & {*role.granted}),
        unread=frozenset(role.id for role in actual.roles) - read,
    )


def _permissions(everything: set[Permission], text: str) -> set[Permission]:
    """Return the permissions called so, by identifier first: a title alone may be on many pages."""
    folded = text.casefold()
    by_identifier = {each for each in everything if each.identifier.casefold() == folded}
    by_title = {each for each in everything if f"{each.page}: {each.title}".casefold() == folded}
    return (
        by_identifier
        or by_title
        or {each for each in everything if each.title.casefold() == folded}
    )
