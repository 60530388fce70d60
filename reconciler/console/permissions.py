"""What roles permit: `GET /rbac/role/{id}` and its permission pages (API reference, section 5.3).

A help for the reader of a plan, so a console that does not tell it stops nothing: 403, 404 and
501 become one note (contract, "The plan").
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from reconciler.console.answers import ElsewhereError, ForbiddenError
from reconciler.console.client import ReadClient, Record
from reconciler.console.fields import checked_id, not_understood
from reconciler.console.pages import read_role_permissions
from reconciler.domain.permissions import RolePermissions
from reconciler.errors import MissingError

Progress = Callable[[str], None]
"""Hears one line for each role."""

_AT_ONCE = 6


def read_permissions(
    client: ReadClient, role_ids: Iterable[str], progress: Progress = lambda _line: None
) -> tuple[tuple[RolePermissions, ...], tuple[str, ...]]:
    """Return what each role permits, sorted by role id, and the note of `read_role_records`."""
    records, notes = read_role_records(client, role_ids, progress)
    found = (read_role_permissions(record) for record in records)
    return tuple(each for each in found if each is not None), notes


def read_role_records(
    client: ReadClient, role_ids: Iterable[str], progress: Progress = lambda _line: None
) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """Read roles in full form, in parallel; return the records by role id, and at most one note.

    A role whose pages the console does not give (403, 404, 501, or an answer without pages) is
    left out and counted in the note. Any other failure raises its ConsoleError.
    """
    wanted = sorted({checked_id(role_id, "a role asked for") for role_id in role_ids}, key=int)
    answers: dict[str, Record | str] = {}
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="roles") as executor:
        futures = {executor.submit(_read, client, role_id): role_id for role_id in wanted}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                answers[futures[future]] = future.result()
                progress(f"read what {done} of {len(wanted)} roles permit")
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
    found = [answers[role_id] for role_id in wanted]
    unread = [why for why in found if isinstance(why, str)]
    return tuple(each for each in found if not isinstance(each, str)), _note(unread)


def _read(client: ReadClient, role_id: str) -> Record | str:
    """Return a role with its pages, or why the console does not give them."""
    try:
        record = client.get(f"/rbac/role/{role_id}").get("data")
    except (ForbiddenError, MissingError, ElsewhereError) as error:
        return error.message.replace(f"/rbac/role/{role_id}", "/rbac/role/{id}")
    if not isinstance(record, dict) or checked_id(record.get("id"), "a role") != role_id:
        raise not_understood(f"GET /rbac/role/{role_id} answered with something else than the role")
    if record.get("pages") is None:
        return "GET /rbac/role/{id}: the console answered without permission pages"
    return record


def _note(unread: list[str]) -> tuple[str, ...]:
    """Return one note about all that was not read, in the words met first."""
    if not unread:
        return ()
    roles = "1 role permits" if len(unread) == 1 else f"{len(unread)} roles permit"
    return (f"what {roles} could not be read, so gains and losses are not told ({unread[0]})",)
