"""The plan: what would change, why, and what stands against it. A value; it cannot act."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.domain.access import Grant, Level, Role, Scope
from reconciler.domain.ends import End
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem


class Action(StrEnum):
    """What happens to one triple."""

    GRANT = "grant"
    REVOKE = "revoke"


class Reason(StrEnum):
    """Why a change is there. For the reader only; nothing decides by it."""

    POLICY = "policy"
    """The policies say so; whether they changed is unknown without a base commit."""
    YOUR_CHANGE = "your change"
    """The policies say so, and those of the base commit did not."""
    CONSOLE_DRIFT = "console drift"
    """The policies of the base commit said so too: somebody changed the console."""
    WINDOW_OPENED = "window opened"
    WINDOW_CLOSED = "window closed"
    SUSPENDED = "suspended while a window is open"
    SITE_APPEARED = "site appeared"
    SITE_RENAMED = "site renamed"
    """The site's pinned name and its name of now differ in what patterns find it."""
    OFFBOARDING = "offboarding"
    UNLISTED = "unlisted"
    PARKED = "nothing left"
    UNDO = "undo"
    """The inverse of what an earlier run did."""
    BY_HAND = "by hand"
    """Asked for on the command line, as `service-user create` does; no policy says so."""


class Risk(StrEnum):
    """How much attention a change deserves."""

    HIGH = "high"
    """Admin on the tenant or an account, gained or lost."""
    MEDIUM = "medium"
    """Admin on a site, any tenant-wide role, a custom role on an account."""
    LOW = "low"


class OperationKind(StrEnum):
    """The one call to the console that an operation is."""

    INVITE = "invite"
    UPDATE = "update"
    DELETE = "delete"
    CREATE = "create"
    """A service user; never by a policy."""
    ROTATE = "rotate"
    """A service user's token; its grants stay."""
    REVOKE_TOKEN = "revoke token"  # noqa: S105 - the word for it, not one
    """Of a user who is parked already; its grants stay."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that brought a line of the policies; evidence, for the reader only."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Change:
    """One triple granted or revoked."""

    action: Action
    grant: Grant
    reason: Reason
    risk: Risk
    places: tuple[Place, ...] = ()
    """Where the files ask for it; empty when nothing asks for what is revoked."""
    window: Window | None = None
    """The window a grant is in force by; None for standing grants and for revokes."""
    note: str | None = None
    """The `reason:` of the assignment."""
    commit: Commit | None = None
    """What brought it, when the policies lie in a git work tree."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a principal has at one time: one level and a list of grants."""

    level: Level
    grants: tuple[Grant, ...]
    """In canonical order."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation means on some scopes: one role instead of another, or of none.

    A scope speaks for everything below it, unless an effect of the operation names something
    below it: then all of that is named, and what keeps its role has an effect with the same role
    before and after.
    """

    scopes: tuple[Scope, ...]
    """Where, widest first. Access is inherited, so these may be sites below what is written."""
    before: Role | None
    """The role that counts there before; None when nothing is held."""
    after: Role | None
    gained: tuple[Permission, ...] = ()
    """Sorted; empty when the pages of either role were not read."""
    lost: tuple[Permission, ...] = ()
    is_known: bool = True
    """False when the pages of a role were not read, so that gain and loss cannot be told."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One principal, one call: the console replaces the whole list in one PUT."""

    kind: OperationKind
    name: PrincipalName
    principal_id: str | None
    """None for an invitation."""
    full_name: str
    before: Holding | None
    """As read, entries on deleted sites included; None for an invitation."""
    after: Holding | None
    """What will be written; None for a deletion."""
    changes: tuple[Change, ...]
    """Grants first, each group in canonical order."""
    precondition: str
    """Digest of what was read of this principal; apply writes only while it still matches."""
    notes: tuple[str, ...] = ()
    """What the reader should know: owned by an identity provider, entries left out, ..."""
    effects: tuple[Effect, ...] = ()
    """What it means in permissions; derived, decides nothing."""
    taken: int = 0
    """How many scopes it takes away, as the limits count; on record, for the rolling budget."""
    revokes_token: bool = False
    """Whether the user's own API token, if there is one, is revoked before anything else."""
    note: str | None = None
    """Why, in the words of whoever asks by hand for what changes no grant."""

    @property
    def grants(self) -> tuple[Change, ...]:
        """The granted triples."""
        return tuple(change for change in self.changes if change.action is Action.GRANT)

    @property
    def revokes(self) -> tuple[Change, ...]:
        """The revoked triples."""
        return tuple(change for change in self.changes if change.action is Action.REVOKE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A guardrail says no. One refusal stops the whole plan."""

    rule: str
    """Name of the rule as in guardrails.yaml, or of a built-in one."""
    message: str
    remedy: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class UnlistedPrincipal:
    """Somebody on the console whom no policy names; reported, not touched."""

    name: PrincipalName
    id: str
    holding: Holding
    is_admin: bool


@dataclass(frozen=True, slots=True)
class PlannedRole:
    """A role that the plan grants or takes away, with what it permitted when planned."""

    id: str
    name: str
    digest: str | None
    """Digest of what it permits; None when its pages were not read."""
    permissions: int
    """How many permissions it grants; 0 when unknown."""
    gives_access: bool
    """True for Admin, and for a role that permits to change users, service users or roles."""


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role that permits something else than when it was pinned, and everybody who holds it."""

    id: str
    name: str
    pinned: str
    """Digest as pinned."""
    actual: str
    """Digest of now."""
    gives_access: bool
    """True when it now permits to change users, service users or roles."""
    holders: tuple[PrincipalName, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Coming:
    """A grant that the policies ask for from a later instant on; the clock brings it about."""

    name: PrincipalName
    principal_id: str | None
    """None for somebody who is to be invited then."""
    grant: Grant
    """Where a pattern is meant, its scope is a site without id that is called like the pattern."""
    window: Window
    risk: Risk
    places: tuple[Place, ...] = ()
    note: str | None = None
    """The `reason:` of the assignment."""
    is_new: bool = False
    """True when the policies of the base commit did not ask for as much; False without a base."""
    is_longer: bool = False
    """True for what an open window of the base gave until the start; new as well."""


@dataclass(frozen=True, slots=True)
class UndoOf:
    """The run whose inverse a plan is."""

    run: str
    head: str
    """Hash of one of its records: the journal must hold it, and nothing before it changed."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options that shape a plan; part of its content digest."""

    targets: tuple[PrincipalName, ...] = ()
    no_revokes: bool = False
    undo_of: UndoOf | None = None
    """None for a plan of the policies."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sorted at birth; the same inputs give the same bytes."""

    instant: datetime
    """The instant the windows were judged at, in UTC."""
    origin: str
    account_ids: tuple[str, ...]
    """The accounts the token saw: with the origin, the tenant."""
    view_level: Level
    """The level of the token."""
    view_sites: int
    """How many sites the token saw."""
    planned_by: str
    """Identity of the planning token; evidence, not binding."""
    policy_digest: str
    guardrails_digest: str
    content_digest: str
    """Digest of options, operations and preconditions; see planning.digest."""
    operations: tuple[Operation, ...] = ()
    """In the order of execution."""
    refusals: tuple[Refusal, ...] = ()
    unlisted: tuple[UnlistedPrincipal, ...] = ()
    warnings: tuple[Problem, ...] = field(default=())
    roles: tuple[PlannedRole, ...] = ()
    """Every role in the changes, sorted by name and id."""
    role_changes: tuple[RoleChange, ...] = ()
    """Roles that permit something else than pinned, whoever holds them; sorted by name and id."""
    coming: tuple[Coming, ...] = ()
    """What windows grant that open after the instant, by when; outside the content digest."""
    options: Options = field(default_factory=Options)
    ends: tuple[End, ...] | None = None
    """Ends that an apply of this plan has judged, where the journal does not say so yet; sorted.

    None for a part of everything while the journal knows nothing: the record must begin whole.
    """
    taken: int = 0
    """How many scopes it takes away by giving held grants an end; on record, as for operations."""
    snapshot: datetime | None = None
    """When the snapshot was taken that it rests on, in UTC; evidence. None: the console itself."""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to do."""
        return not self.operations
