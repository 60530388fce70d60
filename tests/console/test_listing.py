from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.client import ReadClient
from reconciler.console.listing import READINGS, read_listing
from reconciler.errors import IncompleteReadError, NotUnderstoodError


def records(*ids: int) -> list[dict[str, str]]:
    return [{"id": str(number)} for number in ids]


def test_a_listing_is_followed_to_its_end(console: Any, reads: ReadClient) -> None:
    heard: list[tuple[int, int]] = []
    console.on(
        "GET",
        "/users",
        console.page(records(1, 2), 5, "YQ%3D%3D"),
        console.page(records(3, 4), 5, "Yg=="),
        console.page(records(5), 5, None),
    )
    found = reads.list_all(
        "/users", params={"email": "a+b@c.example"}, on_page=lambda *n: heard.append(n)
    )
    assert found == records(1, 2, 3, 4, 5)
    assert heard == [(2, 5), (4, 5), (5, 5)]
    fixed = {"limit": "1000", "sortBy": "id", "sortOrder": "asc", "email": "a+b@c.example"}
    assert [request.query for request in console.requests] == [
        fixed, {**fixed, "cursor": "YQ=="}, {**fixed, "cursor": "Yg=="},
    ]  # fmt: skip
    assert "cursor=YQ%3D%3D" in console.requests[1].raw_query
    assert "%25" not in console.requests[1].raw_query


@pytest.mark.parametrize("end", [None, "", "null"])
def test_a_complete_listing_may_end_in_three_ways(
    console: Any, reads: ReadClient, end: str | None
) -> None:
    console.on("GET", "/users", console.page(records(1), 1, end))
    assert reads.list_all("/users") == records(1)
    assert console.count("GET", "/users") == 1


def test_an_empty_listing_is_complete(console: Any, reads: ReadClient) -> None:
    console.on("GET", "/users", console.page([]))
    assert reads.list_all("/users") == []


def test_sites_stand_one_step_deeper(console: Any, reads: ReadClient) -> None:
    body = {
        "data": {"sites": records(7), "allSites": {"activeLicenses": 1}},
        "pagination": {"totalItems": 1, "nextCursor": None},
    }
    console.on("GET", "/sites", body)
    assert reads.list_all("/sites", items=("data", "sites")) == records(7)


INCOMPLETE: dict[str, tuple[list[Any], str]] = {
    "a dropped cursor": ([(records(1, 2), 3, None)], "2 of 3"),
    "a premature null word": ([(records(1, 2), 3, "null")], "2 of 3"),
    "a repeated cursor": (
        [(records(1), 9, "a"), (records(2), 9, "a"), (records(3), 9, "a")], "repeated"),
    "a cursor loop": (
        [(records(1), 9, "a"), (records(2), 9, "b"), (records(3), 9, "a")], "repeated"),
    "a missing page": ([(records(1), 3, "a"), (records(3), 3, None)], "2 of 3"),
    "an id twice": ([(records(1), 2, "a"), (records(1), 2, None)], "came twice"),
    "an id twice in a page": ([(records(1, 1), 2, None)], "came twice"),
    "a row inserted": ([(records(1), 2, "a"), (records(2, 3), 3, None)], "from 2 to 3"),
    "a row deleted": ([(records(1), 3, "a"), (records(2), 2, None)], "from 3 to 2"),
    "a total too small": ([(records(1, 2, 3), 2, None)], "more records"),
    "a total of nought": ([(records(1), 0, None)], "more records"),
    "a total too large": ([([], 1, None)], "0 of 1"),
    "an empty page": ([(records(1), 2, "a"), ([], 2, "b")], "empty"),
}  # fmt: skip


@pytest.mark.parametrize(("pages", "reason"), INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_what_does_not_add_up_is_read_three_times_and_then_refused(
    console: Any, reads: ReadClient, pages: list[Any], reason: str
) -> None:
    served = [console.page(*page) for page in pages]
    readings: list[str] = []

    def serve(request: Any) -> Any:
        if "cursor" not in request.query:
            readings.append("first page")
            serve_next[0] = iter(served)
        return next(serve_next[0])

    serve_next = [iter(served)]
    console.on("GET", "/users", serve)
    with pytest.raises(IncompleteReadError, match=reason) as failure:
        reads.list_all("/users")
    assert len(readings) == READINGS
    assert failure.value.remedy


def test_a_listing_that_settles_down_is_read(console: Any, reads: ReadClient) -> None:
    console.on(
        "GET",
        "/users",
        console.page(records(1), 2, None),
        console.page(records(1), 1, "a"),
        console.page(records(1), 1, None),
        console.page(records(1, 2), 2, None),
    )
    assert reads.list_all("/users") == records(1, 2)


GOOD: dict[str, Any] = {"totalItems": 0, "nextCursor": None}

ONE: dict[str, Any] = {"totalItems": 1, "nextCursor": None}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": [], "pagination": None},
        {"data": [], "pagination": []},
        {"data": [], "pagination": {}},
        {"data": [], "pagination": {"nextCursor": None}},
        {"data": [], "pagination": {**GOOD, "totalItems": "0"}},
        {"data": [], "pagination": {**GOOD, "totalItems": None}},
        {"data": [], "pagination": {**GOOD, "totalItems": False}},
        {"data": [], "pagination": {**GOOD, "totalItems": 0.0}},
        {"data": [], "pagination": {**GOOD, "totalItems": -1}},
        {"data": [], "pagination": {**GOOD, "nextCursor": 7}},
        {"data": [], "pagination": {**GOOD, "nextCursor": False}},
        {"data": [], "pagination": {**GOOD, "nextCursor": []}},
        {"pagination": GOOD},
        {"data": None, "pagination": GOOD},
        {"data": {}, "pagination": GOOD},
        {"data": "", "pagination": GOOD},
        {"data": [None], "pagination": GOOD},
        {"data": [[]], "pagination": GOOD},
        {"data": [{}], "pagination": ONE},
        {"data": [{"id": None}], "pagination": ONE},
        {"data": [{"id": 1.5}], "pagination": ONE},
        {"data": [{"id": 1.64e18}], "pagination": ONE},
        {"data": [{"id": True}], "pagination": ONE},
        {"data": [{"id": -1}], "pagination": ONE},
        {"data": [{"id": "1/../2"}], "pagination": ONE},
        {"data": [{"id": "9" * 21}], "pagination": ONE},
        {"data": [{"id": "\u0661"}], "pagination": ONE},
        {"data": [{"id": "1\n"}], "pagination": ONE},
    ],
)
def test_a_page_of_another_form_is_not_understood_and_never_an_empty_list(
    console: Any, reads: ReadClient, body: Any
) -> None:
    console.on("GET", "/users", body)
    with pytest.raises(NotUnderstoodError):
        reads.list_all("/users")
    assert console.count("GET", "/users") == 1


def test_a_cursor_missing_from_the_answer_ends_the_listing_only_when_it_adds_up(
    console: Any, reads: ReadClient
) -> None:
    console.on("GET", "/users", {"data": records(1), "pagination": {"totalItems": 1}})
    assert reads.list_all("/users") == records(1)


PAGES = st.lists(
    st.tuples(
        st.lists(st.integers(1, 6), max_size=3),
        st.integers(0, 6),
        st.sampled_from([None, "", "null", "a", "b", "c"]),
    ),
    min_size=1,
    max_size=6,
)


@given(PAGES)
def test_whatever_the_pages_a_listing_is_whole_or_an_error(pages: list[Any]) -> None:
    """The law behind T47: a result has as many distinct ids as every page's total."""
    served = iter(pages * 40)
    totals: list[int] = []

    def get(_path: str, _params: Any) -> dict[str, Any]:
        ids, total, cursor = next(served)
        totals.append(total)
        return {
            "data": records(*ids),
            "pagination": {"totalItems": total, "nextCursor": cursor},
        }

    try:
        found = read_listing(get, "/users", {}, ("data",), lambda _read, _total: None)
    except IncompleteReadError:
        return
    assert len({record["id"] for record in found}) == len(found) == totals[-1]
