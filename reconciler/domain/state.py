"""The actual state: what the console said, whole, at one time."""

from dataclasses import dataclass

from reconciler.domain.access import Grant, Level, Role, Scope
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.permissions import RolePermissions


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the console."""

    id: str
    name: str
    state: str
    """`active`, `expired` or `deleted`."""

    @property
    def scope(self) -> Scope:
        """The account as a scope."""
        return Scope(Level.ACCOUNT, self.id, self.name, self.id)


@dataclass(frozen=True, slots=True)
class Site:
    """A site of the console."""

    id: str
    name: str
    account_id: str
    account_name: str
    state: str
    """`active`, `expired` or `deleted`."""

    @property
    def scope(self) -> Scope:
        """The site as a scope, named `Account/Site`."""
        return Scope(Level.SITE, self.id, f"{self.account_name}/{self.name}", self.account_id)


@dataclass(frozen=True, slots=True)
class Principal:
    """A console user or service user as read, with the fields decisions need."""

    id: str
    name: PrincipalName
    full_name: str
    level: Level
    grants: tuple[Grant, ...]
    """Every entry of `scopeRoles` in canonical order, those on deleted sites too."""
    source: str = "mgmt"
    """`mgmt`, `sso_saml`, `active_directory` or `global`; always `mgmt` for service users."""
    is_system: bool = False
    """The console's own principal; never written."""
    can_log_in: bool = True
    """E-mail verified and second factor ready; False for service users."""
    is_partial: bool = False
    """True when some entry points outside what the token sees, so a full write would drop it."""
    last_login: str | None = None
    """ISO 8601 in UTC, or None before the first login; of a service user, the last activation."""
    email_verified: bool | None = None
    """None for service users and where the console does not say."""
    two_factor: str | None = None
    """The console's word: configured, not_configured, enrolled, enrollment_expired; None as above.
    """
    token_created: str | None = None
    """When the principal's own API token was made, ISO 8601 in UTC; None without a token."""
    token_expires: str | None = None
    """When that token ends; None without a token."""

    @property
    def kind(self) -> PrincipalKind:
        """User or service user."""
        return self.name.kind

    @property
    def is_external(self) -> bool:
        """True when an identity provider owns the user and may overwrite what we write."""
        return self.source != "mgmt"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the token is."""

    id: str
    email: str
    full_name: str
    level: Level
    scope_ids: tuple[str, ...]
    """Ids of the accounts or sites the token stands on; empty for tenant."""

    @property
    def label(self) -> str:
        """How people know the token's owner: an address, or `service:` and a name."""
        return f"service:{self.full_name}" if self._is_synthetic else self.email

    @property
    def _is_synthetic(self) -> bool:
        return self.email.startswith("serviceuser-")

    def is_of(self, name: PrincipalName, principal_id: str | None) -> bool:
        """Tell whether the token belongs to a principal.

        A service user's token answers with a synthetic address (API reference, section 1.1);
        whether with the service user's own id is not documented, so its name counts as well.
        """
        if principal_id is not None and principal_id == self.id:
            return True
        is_synthetic = self.email.startswith("serviceuser-")
        return is_synthetic and name.kind is PrincipalKind.SERVICE and name.text == self.full_name


@dataclass(frozen=True, slots=True)
class Actual:
    """Everything read from one console; complete, or it would not exist."""

    origin: str
    """`https://host[:port]` of the console."""
    identity: Identity
    accounts: tuple[Account, ...]
    sites: tuple[Site, ...]
    """Sites in every state; resolution looks at the state."""
    roles: tuple[Role, ...]
    principals: tuple[Principal, ...]
    """Users and service users, sorted by kind, key and id."""
    permissions: tuple[RolePermissions, ...] = ()
    """What roles permit, for those whose pages were read; sorted by role id."""
    notes: tuple[str, ...] = ()
    """What had to be derived or is missing without harm, e.g. accounts taken from sites."""
