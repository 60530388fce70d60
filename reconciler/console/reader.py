"""The actual state, whole or not at all."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any

from reconciler.console import wire
from reconciler.console.answers import ForbiddenError
from reconciler.console.client import ReadClient, Record
from reconciler.console.fields import checked_id
from reconciler.console.grants import Directory
from reconciler.console.records import Records, build_actual
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind, PrincipalName, email_key
from reconciler.domain.state import Actual, Principal
from reconciler.errors import IncompleteReadError, MissingError, NotUnderstoodError

PATHS = {PrincipalKind.USER: "/users", PrincipalKind.SERVICE: "/service-users"}
"""Where each kind of principal is listed and written."""

_ALL_ROLES = {"includeParents": "true", "includeChildren": "true"}
"""Without both, custom roles below the token's scope are missing (API reference, section 6.1)."""


def read_actual(client: ReadClient, progress: Callable[[str], None] = lambda _line: None) -> Actual:
    """Read the console as `read_records` does, and return the actual state."""
    return build_actual(read_records(client, progress))


def read_records(
    client: ReadClient, progress: Callable[[str], None] = lambda _line: None
) -> Records:
    """Read users, service users, roles, sites, accounts and the token's owner, in parallel.

    `progress` hears one line a page, from several threads. Raises a ConsoleError: the first one
    that any of the six readings met; the others stop at their next page. Tokens on sites get 403
    on /accounts (API reference, section 9); a wider token that does lacks a permission.
    """
    found = _in_parallel(client, progress)
    identity = wire.read_identity(found["own"])
    accounts = found["accounts"]
    if isinstance(accounts, ForbiddenError) and identity.level is not Level.SITE:
        raise accounts
    return Records(
        origin=client.origin,
        identity=identity,
        accounts=None if isinstance(accounts, ForbiddenError) else tuple(accounts),
        sites=tuple(found["sites"]),
        users=tuple(found[PrincipalKind.USER]),
        service_users=tuple(found[PrincipalKind.SERVICE]),
        roles=tuple(found["roles"]),
    )


def read_principal(
    client: ReadClient, actual: Actual, kind: PrincipalKind, principal_id: str
) -> Principal | None:
    """Read one principal afresh; None when the console no longer has it.

    Service users are read through the list, since the older specification has no single read
    (API reference, section 5.2). Raises IncompleteReadError when the record names a scope or role
    that `actual` does not know, else as the client.
    """
    identity = checked_id(principal_id, "the principal asked for")
    if kind is PrincipalKind.SERVICE:
        records = client.list_all(PATHS[kind], params={"ids": identity})
        # The filter is compared again here, in case the console ignores it.
        matching = [record for record in records if str(record["id"]) == identity]
        return _fresh(kind, matching[0], actual) if matching else None
    try:
        record = client.get(f"/users/{identity}").get("data")
    except MissingError:
        return None
    return _fresh(kind, answered_record(record, identity), actual)


def find_users(client: ReadClient, actual: Actual, email: str) -> tuple[Principal, ...]:
    """Find users by e-mail afresh, the address compared again in the client (T32).

    How the console's filter treats letter case is not known, so the address is asked for as
    written and lower-cased.
    """
    found: dict[str, Principal] = {}
    for spelling in sorted({email, email.lower()}):
        for record in client.list_all("/users", params={"email": spelling}):
            if email_key(str(record.get("email") or "")) == email_key(email):
                principal = _fresh(PrincipalKind.USER, record, actual)
                found[principal.id] = principal
    return tuple(sorted(found.values(), key=lambda principal: int(principal.id)))


def find_service_users(client: ReadClient, actual: Actual, name: PrincipalName) -> list[Principal]:
    """Find service users by their exact name afresh; the console has no filter for it (3.3)."""
    return [
        _fresh(PrincipalKind.SERVICE, record, actual)
        for record in client.list_all(PATHS[PrincipalKind.SERVICE])
        if PrincipalName.service(str(record.get("name") or "")) == name
    ]


def answered_record(record: Any, principal_id: str | None) -> Record:
    """Return the record of a single answer; NotUnderstoodError unless it is the one asked for.

    `principal_id` is None where the console has just made up the id.
    """
    if not isinstance(record, dict) or principal_id not in {None, str(record.get("id"))}:
        raise NotUnderstoodError(
            "the console answered with something else than the principal asked for",
            "Nothing may be concluded from it. Try again later.",
        )
    return record


def _fresh(kind: PrincipalKind, record: Record, actual: Actual) -> Principal:
    directory = Directory.of_actual(actual)
    principal = wire.read_principal(kind, record, directory)
    if not all(directory.knows(grant) for grant in principal.grants):
        raise IncompleteReadError(
            f"{principal.name} holds a role or a scope that was not there when this run began",
            "Start again; a new plan will see it.",
        )
    return principal


def _in_parallel(client: ReadClient, progress: Callable[[str], None]) -> dict[str, Any]:
    """Run the six readings; on the first error stop the others and raise it."""
    stop = threading.Event()

    def listing(name: str, path: str, *items: str, **params: str) -> Any:
        def on_page(read: int, total: int) -> None:
            if stop.is_set():
                raise CancelledError
            progress(f"read {read} of {total} {name}")

        return client.list_all(path, params=params, items=("data", *items), on_page=on_page)

    with ThreadPoolExecutor(max_workers=6, thread_name_prefix="read") as executor:
        futures = {
            "own": executor.submit(lambda: _own_record(client)),
            PrincipalKind.USER: executor.submit(listing, "users", "/users"),
            PrincipalKind.SERVICE: executor.submit(listing, "service users", "/service-users"),
            "roles": executor.submit(listing, "roles", "/rbac/roles", **_ALL_ROLES),
            "sites": executor.submit(listing, "sites", "/sites", "sites"),
            "accounts": executor.submit(
                _unless_forbidden, lambda: listing("accounts", "/accounts")
            ),
        }
        try:
            _raise_first_error(futures)
        finally:
            stop.set()
            executor.shutdown(wait=False, cancel_futures=True)
    return {name: future.result() for name, future in futures.items()}


def _raise_first_error(futures: dict[str, Future[Any]]) -> None:
    """Wait until all are done or one failed; raise the failure that stands first in the dict."""
    done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
    for future in futures.values():
        if future in done:
            future.result()


def _own_record(client: ReadClient) -> Record:
    record = client.get("/user").get("data")
    if not isinstance(record, dict):
        raise NotUnderstoodError("GET /user: `data` is not an object", "Check the URL.")
    return record


def _unless_forbidden(reading: Callable[[], list[Record]]) -> list[Record] | ForbiddenError:
    try:
        return reading()
    except ForbiddenError as error:
        return error
