"""How users and service users are filtered and sorted (API reference, section 3.3)."""

from collections.abc import Callable
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.lists import (
    Filter,
    Listing,
    Predicate,
    any_of,
    contains,
    flag,
    identifiers,
    instants,
    moment,
    text,
)
from reconciler.simulator.records import Grant, Principal, ServiceUser, User
from reconciler.simulator.scopes import Scope, covers, visible_grants

SOURCES = ("mgmt", "sso_saml", "active_directory")


def user_listing(call: Call) -> Listing[User]:
    """Return the listing of console users; `hasValidApiToken` needs to know what time it is."""
    now, settings = call.console.stamp(), call.world.settings
    caseless = settings.exact_filters == "caseless"
    sources = (*SOURCES, "global") if settings.newer else SOURCES
    roles_of = _roles_of(call)
    return Listing(
        column="ManagementUser.id",
        filters={
            "ids": identifiers(lambda user: [user.id]),
            "roleIds": identifiers(roles_of),
            "accountIds": _placed(call, "account"),
            "siteIds": _placed(call, "site"),
            "email": text(_by("email"), caseless=caseless),
            "email__contains": contains(lambda user: [user.email], 10),
            "fullName": text(_by("full_name"), caseless=caseless),
            "fullName__contains": contains(lambda user: [user.full_name], 5000),
            "query": contains(lambda user: [user.email, user.full_name]),
            "source": any_of(lambda user: [user.source], 1, sources),
            "sources": any_of(lambda user: [user.source], choices=sources),
            "twoFaStatus": text(_by("two_fa_status")),
            "twoFaStatuses": any_of(lambda user: [user.two_fa_status]),
            "primaryTwoFaMethod": text(_by("two_fa_method")),
            "twoFaEnabled": flag(_by("two_fa_enabled")),
            "emailVerified": flag(_by("email_verified")),
            "emailReadOnly": flag(_by("is_external")),
            "fullNameReadOnly": flag(_by("is_external")),
            "groupsReadOnly": flag(lambda _user: False),
            "canGenerateApiToken": flag(_by("can_generate_api_token")),
            "hasValidApiToken": flag(lambda user: (user.token_expires_at or "") > now),
            "firstLogin": moment(_by("first_login")),
            "lastLogin": moment(_by("last_login")),
            "dateJoined": moment(_by("date_joined")),
            **instants("createdAt", _by("date_joined")),
            **instants("lastActivation", _by("last_login")),
            **instants("apiTokenExpiresAt", _by("token_expires_at")),
        },
        sort_keys={
            "id": lambda _user: None,
            "roleId": lambda one: min(roles_of(one), default=None),
            "email": _by("email"),
            "fullName": _by("full_name"),
            "source": _by("source"),
            "createdAt": _by("date_joined"),
            "dateJoined": _by("date_joined"),
            "firstLogin": _by("first_login"),
            "lastLogin": _by("last_login"),
            "emailVerified": _by("email_verified"),
            "twoFaEnabled": _by("two_fa_enabled"),
            "twoFaStatus": _by("two_fa_status"),
            "apiTokenCreatedAt": _by("token_created_at"),
            "apiTokenExpiresAt": _by("token_expires_at"),
            "canGenerateApiToken": _by("can_generate_api_token"),
        },
    )


def service_user_listing(call: Call) -> Listing[ServiceUser]:
    """Return the listing of service users; the creators' names are looked up in the world."""

    def name_of(attribute: str) -> Callable[[ServiceUser], str | None]:
        def find(service: ServiceUser) -> str | None:
            principal = call.world.principal(getattr(service, attribute))
            return principal.name if principal else None

        return find

    roles_of = _roles_of(call)
    return Listing(
        column="ServiceUser.id",
        filters={
            "ids": identifiers(lambda service: [service.id]),
            "roleIds": identifiers(roles_of),
            "accountIds": _placed(call, "account"),
            "siteIds": _placed(call, "site"),
            "query": contains(lambda service: [service.name, service.description]),
        },
        sort_keys={
            "id": lambda _service: None,
            "roleId": lambda one: min(roles_of(one), default=None),
            "name": _by("name"),
            "fullName": _by("name"),
            "description": _by("description"),
            "createdAt": _by("created_at"),
            "dateJoined": _by("created_at"),
            "updatedAt": _by("updated_at"),
            "firstLogin": lambda _service: None,
            "lastLogin": lambda _service: None,
            "lastActivation": _by("last_activation"),
            "apiTokenCreatedAt": _by("token_created_at"),
            "apiTokenExpiresAt": _by("token_expires_at"),
            "createdByName": name_of("created_by"),
            "updatedByName": name_of("updated_by"),
        },
    )


def _by(attribute: str) -> Callable[[Any], Any]:
    return lambda principal: getattr(principal, attribute)


def _grants_of(call: Call) -> Callable[[Any], tuple[Grant, ...]]:
    """Return what gives the grants that filters and sort keys know: by default those seen."""
    if call.world.settings.hidden_grants == "matched":
        return _by("grants")
    return lambda one: visible_grants(call.world, call.caller, one)


def _roles_of(call: Call) -> Callable[[Principal], list[str]]:
    grants_of = _grants_of(call)
    return lambda one: [grant.role_id for grant in grants_of(one)]


def _placed(call: Call, level: str) -> Filter:
    """Filter by scope ids: those with an entry on that very scope.

    With the switch `place_filters` set to `inherited`: all who reach it, or stand below it.
    """
    world, grants_of = call.world, _grants_of(call)
    if world.settings.place_filters == "exact":
        return identifiers(
            lambda one: [each.scope_id for each in grants_of(one) if one.scope == level], 500
        )
    table = world.accounts if level == "account" else world.sites

    def build(name: str, raw: Any) -> Predicate:
        identifiers(lambda _one: [], 500)(name, raw)
        ids = raw if isinstance(raw, list) else raw.split(",")
        asked = [Scope(level, each) for each in ids if each in table]
        return lambda one: any(
            covers(world, held, scope) or covers(world, scope, held)
            for held in (Scope(one.scope, grant.scope_id) for grant in grants_of(one))
            for scope in asked
        )

    return build
