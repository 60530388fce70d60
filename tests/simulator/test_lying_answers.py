"""JSON answers that lie, as a client without suspicion reads them."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.serve import Running

Names = Callable[[str], str]
LIST = {"limit": "5"}
BODY_KINDS = [name for name, kind in KINDS.items() if kind.stage == "body"]


@pytest.fixture
def page(client: httpx.Client) -> Callable[..., Any]:
    """Read one page of users, or of something else, as JSON."""

    def read(path: str = "/users", **parameters: str) -> Any:
        answer = client.get(path, params=LIST | parameters)
        assert answer.status_code == 200
        return answer.json()

    return read


def test_the_second_data_is_empty_and_a_careless_reader_takes_it(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("duplicate-key@1", "duplicate-key@2")
    listing, single = client.get("/users"), client.get("/user")
    pairs: list[Any] = json.loads(listing.text, object_pairs_hook=list)
    assert [key for key, _ in pairs] == ["data", "pagination", "data"]
    assert listing.json()["data"] == []
    assert single.json()["data"] == {}


def test_not_a_number(console: Running, client: httpx.Client) -> None:
    console.rehearse("nan@*")
    assert '"totalItems": NaN' in client.get("/users").text
    assert '"score": NaN' in client.get("/user").text
    assert '"score": NaN' in client.get("/activities/types").text
    assert [tally.missed for tally in console.rehearsal.schedule.tallies] == [0]


def test_what_has_no_objects_is_not_spoilt_and_counts_as_missed(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("nan@*", "missing-field=a@*")
    answer = client.get("/export/activities")
    assert answer.status_code == 200
    assert "NaN" not in answer.text
    assert [tally.missed for tally in console.rehearsal.schedule.tallies] == [1, 1]


def test_a_total_is_too_low(console: Running, page: Callable[..., Any]) -> None:
    whole = page()["pagination"]["totalItems"]
    console.rehearse("wrong-total=-1@1")
    assert page()["pagination"]["totalItems"] == whole - 1


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("missing-field@1", {"scope": "site"}),
        ("missing-field=scope@1", {"id": "1820000000000001004"}),
        ("null-field=scope@1", {"id": "1820000000000001004", "scope": None}),
        (
            "wrong-type=scope@1",
            {"id": "1820000000000001004", "scope": {"unexpected": "site"}},
        ),
    ],
)
def test_one_field_of_the_first_item_is_damaged(
    console: Running, page: Callable[..., Any], text: str, row: dict[str, Any]
) -> None:
    whole = page(ids="1820000000000001004,1820000000000001005")
    expected = {key: row.get(key) for key in ("id", "scope") if key in row}
    if "scope" in expected and expected["scope"] == "site":
        expected["scope"] = whole["data"][0]["scope"]
    if isinstance(expected.get("scope"), dict):
        expected["scope"] = {"unexpected": whole["data"][0]["scope"]}
    console.rehearse(text)
    damaged = page(ids="1820000000000001004,1820000000000001005")
    first = {key: value for key, value in damaged["data"][0].items() if key in {"id", "scope"}}
    assert first == expected
    assert damaged["data"][1:] == whole["data"][1:]


def test_a_wrong_type_is_always_another(console: Running, client: httpx.Client) -> None:
    console.rehearse("wrong-type=account@1", "wrong-type=pages@2")
    path = "/users/1820000000000001025"
    assert client.get(path).json()["data"]["account"] == "unexpected"
    assert client.get(path).json()["data"]["pages"].keys() == {"unexpected"}


def test_sites_are_found_where_they_are(console: Running, page: Callable[..., Any]) -> None:
    whole = page("/sites")
    console.rehearse("missing-field@1", "short-page=2@2", "repeated-row@3")
    assert "id" not in page("/sites")["data"]["sites"][0]
    assert page("/sites")["data"]["sites"] == whole["data"]["sites"][:3]
    repeated = page("/sites")["data"]["sites"]
    assert repeated == [*whole["data"]["sites"][:4], whole["data"]["sites"][0]]


def test_every_object_has_a_field_more(console: Running, page: Callable[..., Any]) -> None:
    whole = page()
    console.rehearse("extra-field@1", "extra-field=role@2")
    grown = page()
    for each in (grown, grown["pagination"], grown["data"][0], grown["data"][0]["scopeRoles"][0]):
        assert each.pop("surprise") == {"of": "no interest"}
    assert grown["pagination"] == whole["pagination"]
    assert "role" in page()["data"][0]


def test_ids_are_numbers(console: Running, page: Callable[..., Any]) -> None:
    whole = page()
    console.rehearse("id-number@1")
    first = page()["data"][0]
    assert first["id"] == int(whole["data"][0]["id"])
    entry = whole["data"][0]["scopeRoles"][0]
    assert first["scopeRoles"][0]["roleId"] == int(entry["roleId"])
    assert first["scopeRoles"][0]["roleName"] == entry["roleName"]


def test_lists_within_lists_break_a_reader_that_recurses(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("deep@1", "deep=3@2")
    with pytest.raises(RecursionError):
        client.get("/users").json()
    assert client.get("/users").json()["deep"] == [[[]]]


def test_text_that_is_no_json_or_no_text(console: Running, client: httpx.Client) -> None:
    console.rehearse("bad-json@1", "bad-utf8@2")
    with pytest.raises(json.JSONDecodeError):
        client.get("/users").json()
    with pytest.raises(UnicodeDecodeError):
        client.get("/users").json()


def test_errors_beside_data(console: Running, page: Callable[..., Any]) -> None:
    whole = page()
    console.rehearse("errors@1")
    both = page()
    assert both["errors"][0]["code"] == 5000010
    assert both["data"] == whole["data"]


def test_a_cursor_that_leads_to_its_own_page(console: Running, page: Callable[..., Any]) -> None:
    console.rehearse("cursor-loop@*")
    first = page()
    again = page(cursor=first["pagination"]["nextCursor"])
    assert again == first
    console.rehearse("cursor-loop@2")
    first = page()
    second = page(cursor=first["pagination"]["nextCursor"])
    assert second["pagination"]["nextCursor"] == first["pagination"]["nextCursor"]
    assert second["data"] != first["data"]


def test_a_total_that_is_off(console: Running, page: Callable[..., Any]) -> None:
    total = page()["pagination"]["totalItems"]
    console.rehearse("wrong-total@1", "wrong-total=7@2")
    assert [page()["pagination"]["totalItems"] for _ in range(3)] == [total + 1, total + 7, total]


def test_rows_are_lost_and_nothing_tells(console: Running, page: Callable[..., Any]) -> None:
    whole = page()
    console.rehearse("short-page@1", "short-page=99@2")
    short, none = page(), page()
    assert short["data"] == whole["data"][:4]
    assert none["data"] == []
    assert short["pagination"] == none["pagination"] == whole["pagination"]


def test_a_page_is_left_out(console: Running, page: Callable[..., Any]) -> None:
    first = page()
    second = page(cursor=first["pagination"]["nextCursor"])
    console.rehearse("missing-page@1", "missing-page@2")
    assert page() == second
    last = page(ids="1820000000000001004")
    assert last["data"] == []
    assert last["pagination"] == {"totalItems": 1, "nextCursor": None}
    assert len(console.requests) == 4  # what the simulator asked itself is not counted


def test_a_row_is_there_twice(console: Running, page: Callable[..., Any]) -> None:
    whole = page()
    console.rehearse("repeated-row@1", "repeated-row@2")
    twice = page()
    assert twice["data"] == [*whole["data"][:4], whole["data"][0]]
    assert twice["pagination"] == whole["pagination"]
    assert len(page(ids="1820000000000001004")["data"]) == 2


@pytest.mark.parametrize("kind", BODY_KINDS)
def test_an_error_is_not_spoilt_and_counts_as_missed(
    console: Running, client: httpx.Client, kind: str
) -> None:
    console.rehearse(f"{kind}@1")
    answer = client.get("/users/1")
    assert (answer.status_code, answer.json().keys()) == (404, {"errors"})
    assert console.rehearsal.schedule.tallies[0].missed == 1
    assert console.log[0].faults == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("cursor-loop@1", "/user"),
        ("missing-field=colour@1", "/users"),
        ("missing-field@1", "/users?ids=1"),
        ("short-page@1", "/users?ids=1"),
        ("repeated-row@1", "/users?ids=1"),
    ],
)
def test_what_is_not_there_can_not_be_spoilt(
    console: Running, client: httpx.Client, text: str, path: str
) -> None:
    whole = client.get(path).content
    console.rehearse(text)
    assert client.get(path).content == whole
    assert console.rehearsal.schedule.tallies[0].missed == 1


def test_a_spoilt_answer_spoilt_again_may_be_past_spoiling(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("bad-json@1", "nan@1", "repeated-row@2", "wrong-total@2")
    client.get("/users")
    assert console.log[0].faults == ("bad-json",)
    client.get("/users")
    assert console.log[1].faults == ("repeated-row", "wrong-total")


@pytest.mark.parametrize("kind", BODY_KINDS)
def test_a_write_behind_a_spoilt_answer_was_carried_out(
    console: Running, client: httpx.Client, ids: Names, kind: str
) -> None:
    console.rehearse(f"{kind}@1")
    client.delete(f"/users/{ids('ana@acme.example')}")
    assert len(console.changes) == 1
