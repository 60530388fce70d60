"""One digest for what somebody read and starts by hand: the plan, its roles, and what comes later.

The content digest knows a role by id and name. Where the saved plan is at hand its roles are
compared one by one; a person who copies a digest has no file, so here it stands for both (T35).
It stands for every window to come as well: once this is applied, the clock opens them unasked.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.domain.digest import digest


def bound_digest(tree: Mapping[str, Any]) -> str:
    """Return the digest of a plan or a drift report in machine form, `sha256:` and 64 digits.

    Both sides must be able to read what the roles permit; otherwise it is another digest.
    """
    roles = [[role["id"], role["digest"] or ""] for role in tree["roles"]]
    # What lasts longer is told against a base; this must not depend on one.
    later = [_coming(each) for each in tree.get("coming", ()) if "is_longer" not in each]
    return digest(
        {"content": tree["content_digest"], "roles": sorted(roles), "coming": sorted(later)}
    )


def _coming(each: Mapping[str, Any]) -> list[str]:
    principal, role, scope, window = (each[key] for key in ("principal", "role", "scope", "window"))
    return [
        *(principal["kind"], principal["name"], principal["id"] or ""),
        *(role["id"], role["name"]),
        *(scope["level"], scope["id"], scope["name"]),
        *(window["from"], window["until"] or ""),
    ]
