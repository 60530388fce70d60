"""What a world is made of: frozen records, one a line in a world file.

Times are ISO 8601 in UTC with microseconds, ids are decimal strings of 19 digits. A field at its
default is left out of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BIRTH = "2023-01-09T08:00:00.000000Z"

SWITCHES: Mapping[str, tuple[str, ...]] = {
    "tenant_entry": ("null", "absent", "tenancy", "empty"),
    "omitted_roles": ("cleared", "kept", "refused"),
    "entry_extras": ("refused", "ignored"),
    "entry_order": ("newest", "sent"),
    "unseen_grants": ("deleted", "kept"),
    "exact_filters": ("case", "caseless"),
    "place_filters": ("exact", "inherited"),
    "taken_email": ("409", "400"),
    "unknown_delete": ("404", "success"),
    "system_users": ("refused", "writable"),
    "wider_grants": ("refused", "accepted"),
    "role_change": ("keeps-tokens", "ends-tokens"),
    "empty_filter": ("everyone", "refused"),
    "misspelt_filter": ("refused", "ignored"),
    "role_in_use": ("strips", "refused"),
    "omitted_permissions": ("cleared", "kept"),
    "site_names": ("free", "unique"),
    "role_names": ("free", "unique"),
    "deleted_site_grants": ("kept", "dropped"),
    "activity_filter": ("target", "actor"),
    "last_activation": ("frozen", "moving"),
    "hidden_grants": ("unmatched", "matched"),
    "success_errors": ("absent", "null", "empty"),
}
"""Questions the reference leaves open and the answers a world can choose from, the default first:
the one that hurts a careless reconciler most. What each means stands in the table of `rules`."""


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
    newer: bool = True
    """Whether operations and parameters exist that only the newer specification has (tag S+)."""
    tenant_entry: str = "null"
    omitted_roles: str = "cleared"
    entry_extras: str = "refused"
    entry_order: str = "newest"
    unseen_grants: str = "deleted"
    exact_filters: str = "case"
    place_filters: str = "exact"
    taken_email: str = "409"
    unknown_delete: str = "404"
    system_users: str = "refused"
    wider_grants: str = "refused"
    role_change: str = "keeps-tokens"
    empty_filter: str = "everyone"
    misspelt_filter: str = "refused"
    role_in_use: str = "strips"
    omitted_permissions: str = "cleared"
    site_names: str = "free"
    role_names: str = "free"
    deleted_site_grants: str = "kept"
    activity_filter: str = "target"
    last_activation: str = "frozen"
    hidden_grants: str = "unmatched"
    success_errors: str = "absent"

    def __post_init__(self) -> None:
        """Raise ValueError for an answer that a switch does not have."""
        for name, answers in SWITCHES.items():
            if getattr(self, name) not in answers:
                raise ValueError(f"Settings: {name} is one of {', '.join(answers)}")


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `state` is active, expired or deleted."""

    id: str
    name: str
    state: str = "active"
    is_default: bool = False
    licenses: int = 1000
    expiration: str | None = None
    account_type: str = "Paid"
    usage_type: str = "customer"
    billing_mode: str = "subscription"
    external_id: str = ""
    salesforce_id: str = ""
    sku: str = "Complete"
    policy: dict[str, Any] | None = None
    """What differs from the policy of the tenant; None inherits it."""
    creator_id: str = ""
    """Id of the principal who made it; empty for the vendor."""
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
    """-1 means unlimited."""
    expiration: str | None = None
    site_type: str = "Paid"
    external_id: str | None = None
    sku: str = "Complete"
    policy: dict[str, Any] | None = None
    """What differs from the policy of the account; None inherits it."""
    creator_id: str = ""
    """Id of the principal who made it; empty for the vendor."""
    created_at: str = _BIRTH
    updated_at: str = _BIRTH


@dataclass(frozen=True, slots=True)
class Group:
    """A group of agents in a site. No scope of users, yet it may own roles."""

    id: str
    name: str
    site_id: str
    type: str = "static"
    """`static`, `dynamic` or `pinned`."""
    is_default: bool = False
    description: str = ""
    rank: int | None = None
    filter_id: str | None = None
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
    """Id of the owning account, site or group; empty at tenant level."""
    predefined: bool = False
    permissions: tuple[str, ...] = ()
    creator_id: str = ""
    """Id of the principal who made a custom role."""
    updated_by: str = ""
    """Id of the principal who changed it last; empty: its creator."""
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
    """`mgmt`, `sso_saml`, `active_directory` or `global`; others than `mgmt` are external."""
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
    def two_fa_method(self) -> str:
        """The method in use; empty when none is."""
        return "application" if self.two_fa_status == "configured" else ""

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
Record = Account | Site | Group | Role | User | ServiceUser
