"""What a world is made of: frozen records, one a line in a world file.

Times are ISO 8601 in UTC with microseconds, ids are decimal strings of 19 digits. A field at its
default is left out of the file.
"""

from dataclasses import dataclass

_BIRTH = "2023-01-09T08:00:00.000000Z"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this console is set up."""

    apply_service_user: str = "reconciler"
    """Name of the service user whose token is handed out at the start."""
    host: str = "mgmt-1.sentinelone.net"
    onboarding: bool = True
    """Automatic onboarding: new users get an invitation, and `password` is refused."""
    allowed_domains: tuple[str, ...] = ()
    """Mail domains of new users; empty: any."""
    tenancy_id: str = "1820000000000000001"
    tenant_entry: str = "null"
    """`scopeRoles` of a tenant user: one entry with id `null`, `absent` or `tenancy`, or `empty`:
    no entry, only `tenantRoles` (API reference, section 6 item 9)."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `state` is active, expired or deleted."""

    id: str
    name: str
    state: str = "active"
    is_default: bool = False
    licenses: int = 1000
    expiration: str | None = None
    created_at: str = _BIRTH
    updated_at: str = _BIRTH


@dataclass(frozen=True, slots=True)
class Site:
    """A site of an account. `state` is active, expired or deleted."""

    id: str
    name: str
    account_id: str
    state: str = "active"
    is_default: bool = False
    description: str = ""
    licenses: int = 100
    expiration: str | None = None
    created_at: str = _BIRTH
    updated_at: str = _BIRTH


@dataclass(frozen=True, slots=True)
class Role:
    """A role; `permissions` are patterns over the catalogue in `rbac`, e.g. `*.view`."""

    id: str
    name: str
    description: str = ""
    scope: str = "tenant"
    scope_id: str = ""
    """Id of the owning account or site; empty at tenant level."""
    predefined: bool = False
    permissions: tuple[str, ...] = ()
    creator_id: str = ""
    """Id of the user who made a custom role."""
    created_at: str = _BIRTH
    updated_at: str = _BIRTH


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry of a principal's list; `scope_id` is empty at tenant level."""

    scope_id: str
    role_id: str


@dataclass(frozen=True, slots=True)
class User:
    """A console user. `grants` are all at the level `scope`."""

    id: str
    email: str
    full_name: str
    scope: str
    grants: tuple[Grant, ...] = ()
    source: str = "mgmt"
    """`mgmt`, `sso_saml` or `active_directory`; others than `mgmt` are external."""
    is_system: bool = False
    email_verified: bool = True
    date_joined: str = _BIRTH
    first_login: str | None = None
    last_login: str | None = None
    two_fa_enabled: bool = True
    two_fa_status: str = "configured"
    can_generate_api_token: bool = False
    token_created_at: str | None = None
    token_expires_at: str | None = None

    @property
    def name(self) -> str:
        """The display name."""
        return self.full_name

    @property
    def is_external(self) -> bool:
        """True when an identity provider owns name and address."""
        return self.source != "mgmt"


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """A service user: a token with a name and grants."""

    id: str
    name: str
    scope: str
    grants: tuple[Grant, ...] = ()
    description: str | None = None
    uuid: str = ""
    """The middle of the e-mail address it acts under."""
    created_at: str = _BIRTH
    updated_at: str = _BIRTH
    created_by: str = ""
    """Id of the principal who made it."""
    updated_by: str = ""
    last_activation: str | None = None
    token_created_at: str | None = None
    token_expires_at: str | None = None


Principal = User | ServiceUser
