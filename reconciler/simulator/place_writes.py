"""What writes on sites and accounts have in common (API reference, section 9)."""

from collections.abc import Mapping
from typing import Any

from reconciler.simulator import rules
from reconciler.simulator.calls import Call, timestamp
from reconciler.simulator.envelopes import forbidden, invalid
from reconciler.simulator.policies import POLICY_FIELDS
from reconciler.simulator.rbac import permissions_on
from reconciler.simulator.scopes import Scope

SKUS = ("Core", "Control", "Complete")
TYPES = ("Trial", "Paid")
COMMON: rules.Fields = {
    "name": str, "externalId": str, "policy": dict, "licenses": dict, "expiration": str,
    "unlimitedExpiration": bool, "inherits": bool,
}  # fmt: skip
_BUNDLE: rules.Fields = {"name": str, "majorVersion": int, "surfaces": list}
_SETTING: rules.Fields = {"groupName": str, "setting": str}


def check_right(call: Call, permission: str, scope: Scope) -> None:
    """Raise ApiError 403 unless the caller holds the permission on that scope."""
    if permission not in permissions_on(call.world, call.caller, scope):
        raise forbidden("User does not have required permissions.")


def check_choice(data: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    """Raise ApiError 400 for a word that is none of the documented ones."""
    if data.get(name) is not None and data[name] not in choices:
        raise invalid(f'{name}: "{data[name]}" is not a valid choice.')


def changes(call: Call, data: Mapping[str, Any], *, settings: bool = False) -> dict[str, Any]:
    """Return the fields of a record that sites and accounts share, as far as the body has them.

    Raises ApiError 400. `settings` tells whether `licenses` may hold settings: accounts' may.
    """
    fields: dict[str, Any] = {}
    if data.get("name") is not None:
        if not data["name"] or set(data["name"]) & set("<>"):
            raise invalid("name: Not a valid name.")
        fields["name"] = data["name"]
    if data.get("expiration") is not None:
        fields["expiration"] = timestamp(rules.future(call, "expiration", data["expiration"]))
    if data.get("unlimitedExpiration"):
        fields["expiration"] = None
    if data.get("licenses"):
        fields |= _licenses(data["licenses"], settings=settings)
    if data.get("policy") is not None:
        rules.check_fields(data["policy"], POLICY_FIELDS)
        fields["policy"] = data["policy"]
    if data.get("inherits"):
        fields["policy"] = None
    return fields


def reactivation(call: Call, state: str) -> dict[str, Any]:
    """Return the fields of a record made active again; raises ApiError 400 unless it is expired."""
    data = rules.body(call, {"expiration": str, "unlimited": bool}, ())
    if state != "expired":
        raise invalid("state: Only what is expired can be reactivated.")
    ends = None
    if data.get("expiration") is not None:
        ends = timestamp(rules.future(call, "expiration", data["expiration"]))
    if ends and data.get("unlimited"):
        raise invalid("expiration: Not allowed together with unlimited.")
    return {"state": "active", "expiration": ends, "updated_at": call.console.stamp()}


def licence_count(name: str, count: int) -> int:
    """Return a number of licences; raises ApiError 400. -1 means unlimited."""
    if not -1 <= count < 2**31:
        raise invalid(f"{name}: Must be greater than or equal to -1.")
    return count


def _licenses(tree: Mapping[str, Any], *, settings: bool) -> dict[str, Any]:
    """Read the SKU and its count out of `licenses`; modules and settings are checked only."""
    known: dict[str, type] = {"bundles": list, "modules": list}
    rules.check_fields(tree, known | ({"settings": list} if settings else {}))
    for name, fields, required in (
        ("bundles", _BUNDLE, ("name", "surfaces")),
        ("modules", {"name": str}, ("name",)),
        ("settings", _SETTING, ("groupName", "setting")),
    ):
        for each in tree.get(name) or []:
            _check_object(f"licenses.{name}", each, fields, required)
    result: dict[str, Any] = {}
    for bundle in tree.get("bundles") or []:
        sku = bundle["name"].capitalize()
        if sku not in SKUS:
            raise invalid(f'licenses: "{bundle["name"]}" is not a valid choice.')
        result["sku"] = sku
        for surface in bundle["surfaces"]:
            _check_object("licenses.surfaces", surface, {"name": str, "count": int}, ("name",))
            result["licenses"] = licence_count("licenses", surface.get("count") or 0)
    return result


def _check_object(
    label: str, value: Any, fields: Mapping[str, Any], required: tuple[str, ...]
) -> None:
    if not isinstance(value, dict):
        raise invalid(f"{label}: Invalid input type.")
    rules.check_fields(value, fields, required)
