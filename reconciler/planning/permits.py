"""Questions about what roles permit: whether one gives access, and what tells two apart."""

import re
from collections.abc import Iterable
from itertools import chain

from deepdiff import DeepDiff

from reconciler.domain.permissions import Permission, RolePermissions

Difference = tuple[tuple[Permission, ...], tuple[Permission, ...]]
"""What is gained and what is lost, each sorted."""

_ACCESS = {("users",), ("service", "users"), ("roles",)}
"""Pages on which access itself is changed (API reference, section 1.3), as `_words` reads them."""


def gives_access(permissions: RolePermissions) -> bool:
    """Tell whether something granted changes users, service users or roles.

    The console's identifiers are not documented (API reference, section 1.3), so page names and
    identifiers both count, in any spelling, and so does whatever is not plainly a view.
    """
    return any(_changes_access(each) for each in permissions.granted)


def difference(before: Iterable[Permission], after: Iterable[Permission]) -> Difference:
    """Compare the permission pages of two roles; return what is gained and what is lost."""
    known = {(each.page, each.identifier): each for each in (*before, *after)}
    pages = {page for page, _ in known}
    diff = DeepDiff(
        _by_page(before, pages),
        _by_page(after, pages),
        ignore_private_variables=False,
        # Otherwise an emptied page is reported as one changed value.
        threshold_to_diff_deeper=0,
        view="tree",
    )

    def found(kind: str) -> tuple[Permission, ...]:
        paths = (item.path(output_format="list") for item in diff.get(kind, ()))
        return tuple(sorted(known[page, identifier] for page, identifier in paths))

    return found("dictionary_item_added"), found("dictionary_item_removed")


def _changes_access(permission: Permission) -> bool:
    words, page = _words(permission.identifier), _words(permission.page)
    begins = {tuple(words[:1]), tuple(words[:2]), tuple(page)}
    if begins.isdisjoint(_ACCESS):
        return False
    # An identifier that is a bare number says nothing; the title then does.
    said = _words(permission.title) if permission.identifier.isdigit() else words
    return set(said) - {*page, *chain(*_ACCESS)} != {"view"}


def _words(text: str) -> list[str]:
    """Return the words of `Service Users.view`, `service_users_view` or `serviceUsersView`."""
    return [word.casefold() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+", text)]


def _by_page(permissions: Iterable[Permission], pages: set[str]) -> dict[str, dict[str, bool]]:
    """Return page -> identifier -> True, every page on it, so that only entries can differ."""
    found: dict[str, dict[str, bool]] = {page: {} for page in sorted(pages)}
    for each in permissions:
        found[each.page][each.identifier] = True
    return found
