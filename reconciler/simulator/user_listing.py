"""How console users are filtered and sorted (API reference, section 3.3)."""

from collections.abc import Callable
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.lists import (
    Listing,
    any_of,
    contains,
    flag,
    identifiers,
    instants,
    text,
    unsupported,
    unsupported_key,
)
from reconciler.simulator.records import User


def listing(call: Call) -> Listing[User]:
    """Return the listing; `hasValidApiToken` needs to know what time it is."""
    now = call.console.stamp()

    def by(attribute: str) -> Callable[[User], Any]:
        return lambda user: getattr(user, attribute)

    def scope_ids(level: str) -> Callable[[User], list[str]]:
        return lambda user: [each.scope_id for each in user.grants if user.scope == level]

    return Listing(
        column="ManagementUser.id",
        filters={
            "ids": identifiers(lambda user: [user.id]),
            "roleIds": identifiers(lambda user: [each.role_id for each in user.grants]),
            "accountIds": identifiers(scope_ids("account"), 500),
            "siteIds": identifiers(scope_ids("site"), 500),
            "email": text(by("email")),
            "email__contains": contains(lambda user: [user.email], 10),
            "fullName": text(by("full_name")),
            "fullName__contains": contains(lambda user: [user.full_name], 5000),
            "query": contains(lambda user: [user.email, user.full_name]),
            "source": any_of(lambda user: [user.source], 1),
            "sources": any_of(lambda user: [user.source]),
            "twoFaStatus": text(by("two_fa_status")),
            "twoFaStatuses": any_of(lambda user: [user.two_fa_status]),
            "twoFaEnabled": flag(by("two_fa_enabled")),
            "emailVerified": flag(by("email_verified")),
            "emailReadOnly": flag(by("is_external")),
            "fullNameReadOnly": flag(by("is_external")),
            "canGenerateApiToken": flag(by("can_generate_api_token")),
            "hasValidApiToken": flag(lambda user: (user.token_expires_at or "") > now),
            **instants("createdAt", by("date_joined")),
            **instants("lastActivation", by("last_login")),
            **instants("apiTokenExpiresAt", by("token_expires_at")),
            **dict.fromkeys(
                ("firstLogin", "lastLogin", "dateJoined", "primaryTwoFaMethod", "groupsReadOnly"),
                unsupported,
            ),
        },
        sort_keys={
            "id": lambda _user: None,
            "roleId": unsupported_key,
            **{
                key: by(attribute)
                for key, attribute in (
                    ("email", "email"), ("fullName", "full_name"), ("source", "source"),
                    ("createdAt", "date_joined"), ("dateJoined", "date_joined"),
                    ("firstLogin", "first_login"), ("lastLogin", "last_login"),
                    ("emailVerified", "email_verified"), ("twoFaEnabled", "two_fa_enabled"),
                    ("twoFaStatus", "two_fa_status"), ("apiTokenCreatedAt", "token_created_at"),
                    ("apiTokenExpiresAt", "token_expires_at"),
                    ("canGenerateApiToken", "can_generate_api_token"),
                )
            },
        },
    )  # fmt: skip
