"""What roles permit, read from real sockets; a console that does not tell it stops nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.client import ReadClient
from reconciler.console.pages import read_role_permissions
from reconciler.console.permissions import (
    read_permissions,
    read_role_records,
)
from reconciler.console.retry import Retries
from reconciler.domain.permissions import Permission, RolePermissions, by_page
from reconciler.errors import DeniedError, NotUnderstoodError, UnreachableError
from reconciler.settings import ConsoleSettings, Runtime
from reconciler.simulator.rbac import permissions_of
from reconciler.simulator.serve import Running, running

FORBIDDEN = (403, {"errors": [{"title": "Insufficient permissions"}]})
GONE = (404, {"errors": [{"title": "Requested resource was not found"}]})
UNSUPPORTED = (501, {"errors": [{"title": "Not supported"}]})


def granted(*identifiers: str, page: str = "Users") -> dict[str, Any]:
    """A page on which these are granted, and one thing is not."""
    entries = [
        {"identifier": each, "title": each.title(), "value": True, "type": "view"}
        for each in identifiers
    ]
    return {
        "name": page,
        "identifier": page.lower(),
        "permissions": [*entries, {"identifier": "no", "title": "No", "value": False}],
    }


def role(role_id: str, *pages: Any) -> dict[str, Any]:
    return {"id": role_id, "name": "R", "scope": "tenant", "pages": list(pages)}


def script(console: Any, *roles: dict[str, Any]) -> None:
    for each in roles:
        console.on("GET", f"/rbac/role/{each['id']}", {"data": each})


def identifiers(found: RolePermissions | None) -> list[str]:
    assert found is not None
    return [each.identifier for each in found.granted]


# One role as a record.


def test_what_is_granted_is_read_and_the_rest_left_out() -> None:
    record = role("7", granted("Users.view"), granted("Sites.edit", "Sites.view", page="Sites"))

    found = read_role_permissions(record)

    assert found == RolePermissions(
        "7",
        (
            Permission("Sites", "Sites.edit", "Sites.Edit"),
            Permission("Sites", "Sites.view", "Sites.View"),
            Permission("Users", "Users.view", "Users.View"),
        ),
    )
    assert by_page(found.granted) == {
        "Sites": ["Sites.Edit", "Sites.View"],
        "Users": ["Users.View"],
    }


@pytest.mark.parametrize("record", [{"id": "7"}, {"id": "7", "pages": None}])
def test_a_role_without_pages_says_nothing_rather_than_that_it_permits_nothing(
    record: dict[str, Any],
) -> None:
    assert read_role_permissions(record) is None


@pytest.mark.parametrize(
    "pages",
    [
        [],
        [{"name": "Users", "permissions": None}],
        [{"name": "Users"}],
        [{"name": "Users", "permissions": [{"identifier": "a", "value": None}]}],
        [{"name": "Users", "permissions": [{"identifier": "a"}]}],
    ],
)
def test_empty_null_and_missing_lists_permit_nothing(pages: list[Any]) -> None:
    assert read_role_permissions(role("7", *pages)) == RolePermissions("7", ())


def test_repeats_count_once_and_are_granted_when_any_of_them_is() -> None:
    twice = {"name": "Users", "permissions": [
        {"identifier": "Users.edit", "title": "Edit", "value": False},
        {"identifier": "Users.edit", "title": "Change", "value": True},
        {"identifier": "Users.edit", "title": "Alter", "value": True},
    ]}  # fmt: skip
    for pages in ([twice, granted("x")], [granted("x"), twice, twice]):
        found = read_role_permissions(role("7", *pages))
        assert identifiers(found) == ["Users.edit", "x"]
        assert by_page(found.granted if found else ())["Users"] == ["Alter", "X"]


def test_order_and_titles_do_not_change_the_digest_and_what_is_granted_does() -> None:
    pages = [granted("a", "b"), granted("c", page="Sites")]
    reworded = [granted("b", "a"), granted("c", page="Sites")]
    reworded[0]["permissions"][0]["title"] = "Anders"

    digests = [
        found.digest
        for found in (
            read_role_permissions(role("7", *pages)),
            read_role_permissions(role("7", *reworded[::-1])),
            read_role_permissions(role("7", *pages, granted("d"))),
        )
        if found
    ]

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ({"name": "Users", "permissions": [{"identifier": 47, "value": True}]}, ("Users", "47")),
        ({"name": "Users", "permissions": [{"title": "Edit", "value": True}]}, ("Users", "Edit")),
        ({"identifier": "users", "permissions": [{"identifier": "a", "value": True}]},
         ("users", "a")),
        ({"permissions": [{"identifier": "a", "value": True}]}, ("(page without a name)", "a")),
        ({"name": "a\ud800", "permissions": [{"identifier": "b\udfff", "value": True}]},
         ("a\ufffd", "b\ufffd")),
    ],
)  # fmt: skip
def test_what_is_granted_is_kept_however_it_is_named(
    page: dict[str, Any], expected: tuple[str, str]
) -> None:
    found = read_role_permissions(role("7", page))

    assert found is not None
    assert [(each.page, each.identifier) for each in found.granted] == [expected]
    assert found.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"pages": []}, "no id"),
        (role("7") | {"pages": {}}, "no `pages` list"),
        (role("7", "Users"), "no `pages` list"),
        (role("7", {"name": 5, "permissions": []}), "`name` is not text"),
        (role("7", {"permissions": "all"}), "no `permissions` list"),
        (role("7", {"permissions": [None]}), "no `permissions` list"),
        (role("7", {"permissions": [{"identifier": "a", "value": "yes"}]}), "neither true nor"),
        (role("7", {"permissions": [{"identifier": [], "value": True}]}), "is not text"),
        (role("7", {"permissions": [{"value": True}]}), "without identifier and title"),
    ],
)
def test_a_record_of_another_form_is_refused_in_words(record: dict[str, Any], words: str) -> None:
    with pytest.raises(NotUnderstoodError, match=words):
        read_role_permissions(record)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pages", "permissions", "name", "identifier", "value", "title", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"id": st.just("7")}, optional={"pages": anything}))
def test_no_record_gives_anything_but_a_value_or_a_refusal(record: dict[str, Any]) -> None:
    try:
        found = read_role_permissions(record)
    except NotUnderstoodError:
        return
    assert found is None or found.granted == tuple(sorted(set(found.granted)))


# Roles of a console.


def test_every_role_is_asked_for_once_and_returned_by_id(console: Any, reads: ReadClient) -> None:
    script(console, role("20", granted("b")), role("9", granted("a")), role("100"))
    lines: list[str] = []

    found, notes = read_permissions(reads, ["20", "100", "9", "20"], lines.append)

    assert [(each.role_id, identifiers(each)) for each in found] == [
        ("9", ["a"]), ("20", ["b"]), ("100", []),
    ]  # fmt: skip
    assert notes == ()
    assert sorted(request.path for request in console.requests) == [
        "/rbac/role/100", "/rbac/role/20", "/rbac/role/9",
    ]  # fmt: skip
    assert {request.method for request in console.requests} == {"GET"}
    assert lines == [f"read what {n} of 3 roles permit" for n in (1, 2, 3)]


def test_no_roles_are_no_requests(console: Any, reads: ReadClient) -> None:
    assert read_permissions(reads, []) == ((), ())
    assert console.requests == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (FORBIDDEN, 'answered 403 and said "Insufficient permissions"'),
        (GONE, "answered 404"),
        (UNSUPPORTED, "answered 501"),
        ((404, b"<html>nginx</html>"), "answered 404, but not in the API's words"),
        ((501, b""), "answered 501, but not in the API's words"),
        ({"data": {"id": "9", "pages": None}}, "without permission pages"),
    ],
)
def test_pages_that_a_console_does_not_give_are_one_note(
    console: Any, reads: ReadClient, answer: Any, words: str
) -> None:
    script(console, role("8", granted("a")))
    for role_id in ("9", "10"):
        reply = {"data": {"id": role_id}} if isinstance(answer, dict) else answer
        console.on("GET", f"/rbac/role/{role_id}", reply)

    found, notes = read_permissions(reads, ["10", "9", "8"])

    assert [each.role_id for each in found] == ["8"]
    (note,) = notes
    assert note.startswith("what 2 roles permit could not be read, so gains and losses are not")
    assert "GET /rbac/role/{id}: the console " in note
    assert words in note


def test_the_note_does_not_depend_on_which_answer_came_first(
    console: Any, reads: ReadClient
) -> None:
    console.on("GET", "/rbac/role/9", GONE)
    console.on("GET", "/rbac/role/10", FORBIDDEN)

    notes = {read_permissions(reads, ["10", "9"])[1] for _ in range(5)}

    assert len(notes) == 1
    assert "answered 404" in notes.pop()[0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {"errors": [{"title": "Authentication Failed"}]}), DeniedError),
        ((500, {}), UnreachableError),
        ({"data": None}, NotUnderstoodError),
        ({"data": {"id": "10", "pages": []}}, NotUnderstoodError),
        ({"data": {"id": None, "pages": []}}, NotUnderstoodError),
        ((200, b"<html>sign in</html>"), NotUnderstoodError),
        ({"data": {"id": "9", "pages": "all"}}, NotUnderstoodError),
    ],
)
def test_other_failures_are_errors(
    console: Any, reads: ReadClient, answer: Any, error: type[Exception]
) -> None:
    script(console, role("8"))
    console.on("GET", "/rbac/role/9", answer)

    with pytest.raises(error):
        read_permissions(reads, ["8", "9"])


def test_records_are_given_whole_for_a_snapshot(console: Any, reads: ReadClient) -> None:
    whole = role("9", granted("a")) | {"creator": "ada@acme.example"}
    script(console, whole)
    console.on("GET", "/rbac/role/10", FORBIDDEN)

    records, notes = read_role_records(reads, ["10", "9"])

    assert records == (whole,)
    assert len(notes) == 1


def test_an_id_that_is_none_is_never_put_into_a_path(console: Any, reads: ReadClient) -> None:
    with pytest.raises(NotUnderstoodError):
        read_permissions(reads, ["../users"])
    assert console.requests == []


# The simulator as the console.


@pytest.fixture
def sample() -> Iterator[Running]:
    with running() as served:
        yield served


@pytest.fixture
def client(
    sample: Running, runtime: Runtime, retries: Retries, address: Callable[[str], ConsoleSettings]
) -> Iterator[ReadClient]:
    settings = ConsoleSettings(sample.url, type(address(sample.url).token)(sample.token))
    with ReadClient(settings, runtime, retries) as opened:
        yield opened


def test_what_the_simulator_s_roles_permit_is_what_is_read(
    sample: Running, client: ReadClient
) -> None:
    roles = sample.world.roles

    found, notes = read_permissions(client, roles)

    assert notes == ()
    assert {each.role_id: set(identifiers(each)) for each in found} == {
        role_id: set(permissions_of(role)) for role_id, role in roles.items()
    }


@pytest.mark.parametrize("status", ["403", "404"])
def test_a_fault_at_one_role_leaves_the_others(
    sample: Running, client: ReadClient, status: str
) -> None:
    first = min(sample.world.roles)
    sample.rehearse(f"{status}@GET /rbac/role/{first}")

    found, notes = read_permissions(client, sample.world.roles)

    assert [each.role_id for each in found] == sorted(sample.world.roles)[1:]
    assert [note.startswith("what 1 role permits could not be read") for note in notes] == [True]


def test_a_console_that_fails_for_a_while_is_asked_again(
    sample: Running, client: ReadClient
) -> None:
    sample.rehearse("500@GET /rbac/role/*#1-3")

    found, notes = read_permissions(client, sample.world.roles)

    assert (len(found), notes) == (len(sample.world.roles), ())
