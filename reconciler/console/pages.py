"""A role's permission pages as what it permits (API reference, section 5.3). Pure."""

from reconciler.console.fields import Record, checked_id, entries, flag, not_understood, text
from reconciler.domain.permissions import Permission, RolePermissions

_UNNAMED = "(page without a name)"


def read_role_permissions(record: Record) -> RolePermissions | None:
    """Read the pages of a role in full form; None when it carries none (a flat record).

    A permission counts as granted when any of its entries says so; null lists are empty. Raises
    NotUnderstoodError and nothing else, whatever the record.
    """
    identity = checked_id(record.get("id"), "a role")
    if record.get("pages") is None:
        return None
    granted: dict[Permission, str] = {}
    for page in entries(record, "pages", f"role {identity}"):
        name = text(page, "name") or _identifier(page) or _UNNAMED
        for each in _permissions(page, identity):
            if flag(each, "value"):
                title = text(each, "title")
                permission = Permission(name, _named(each, title, identity), title)
                # Repeats differ in their titles at most; the first in order stays.
                granted[permission] = min(granted.get(permission, title), title)
    return RolePermissions(
        identity,
        tuple(sorted(Permission(p.page, p.identifier, title) for p, title in granted.items())),
    )


def _permissions(page: Record, role_id: str) -> list[Record]:
    if page.get("permissions") is None:
        return []
    return entries(page, "permissions", f"a page of role {role_id}")


def _named(permission: Record, title: str, role_id: str) -> str:
    """Return the identifier; the title stands in, since something is granted either way."""
    name = _identifier(permission) or title
    if not name:
        raise not_understood(f"role {role_id} grants a permission without identifier and title")
    return name


def _identifier(record: Record) -> str:
    """Return `identifier`; its form is open, so whole numbers count as text (section 5.3)."""
    value = record.get("identifier")
    return str(value) if type(value) is int else text(record, "identifier")
