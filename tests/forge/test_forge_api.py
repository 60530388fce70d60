"""When a call is tried again, how pages follow each other, and where archives come from."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.forge import api as module
from reconciler.forge.answers import AbsentError
from reconciler.forge.api import ATTEMPTS, Api
from reconciler.forge.base import ForbiddenError, ForgeError
from reconciler.forge.http import ApiAddress

NINE = 1795424400
"""09:00 of the day that every scripted answer says in `Date`, in seconds."""
NEEDS = "issues: write"


# Trying again


@pytest.mark.parametrize("said", ["reset", "502"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE", "POST"])
def test_what_twice_does_once_is_tried_four_times(
    wall: Any, wall_api: Api, clock: Any, method: str, said: str
) -> None:
    for _ in range(ATTEMPTS):
        wall.script.append(b"") if said == "reset" else wall.say(502)
    with pytest.raises(ForgeError, match=f"{method} /api/v3/x.* 4 times"):
        wall_api.write(method, "/x", {}, needs=NEEDS)
    assert len(wall.heard) == ATTEMPTS
    assert clock.slept == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("said", ["reset", "500"])
def test_what_could_happen_twice_is_asked_once(
    wall: Any, wall_api: Api, clock: Any, said: str
) -> None:
    wall.script.append(b"") if said == "reset" else wall.say(500)
    with pytest.raises(ForgeError, match="may or may not have happened"):
        wall_api.write("POST", "/x", {}, needs=NEEDS, is_repeatable=False)
    assert (len(wall.heard), clock.slept) == (1, [])


def test_what_never_left_is_tried_again_whatever_it_is(
    wall_address: ApiAddress, clock: Any
) -> None:
    address = replace(wall_address, url="http://127.0.0.1:1")
    with Api(address, clock.monotonic, clock.sleep) as api, pytest.raises(ForgeError, match="4 t"):
        api.write("POST", "/x", {}, needs=NEEDS, is_repeatable=False)
    assert clock.slept == [1.0, 2.0, 4.0]


LIMITS: list[tuple[int, dict[str, str], Any, float]] = [
    (429, {"Retry-After": "7"}, b"", 7.0),
    (403, {"Retry-After": "7"}, b"", 7.0),
    (429, {"Retry-After": "Mon, 23 Nov 2026 09:00:30 GMT"}, b"", 30.0),
    (429, {"Retry-After": "Mon, 23 Nov 2026 08:00:30 GMT"}, b"", 0.0),
    (429, {"Retry-After": "soon"}, b"", 60.0),
    (429, {"Retry-After": "Mon, 23 Nov 2026 09:00:30 -0000"}, b"", 60.0),
    (429, {}, b"Retry later\n", 60.0),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NINE + 40}"}, b"", 41.0),
    (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NINE - 40}"}, b"", 1.0),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "later"}, b"", 60.0),
    (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": f"{NINE + 9}"}, b"", 10.0),
    (403, {}, {"message": "You have exceeded a secondary rate limit."}, 60.0),
]


@pytest.mark.parametrize(("status", "headers", "content", "seconds"), LIMITS)
@pytest.mark.parametrize("is_repeatable", [True, False])
def test_a_limit_is_waited_for_as_it_says(
    wall: Any, wall_api: Api, clock: Any, is_repeatable: bool,
    status: int, headers: dict[str, str], content: Any, seconds: float,
) -> None:  # fmt: skip
    wall.say(status, content, headers)
    wall.say(201, {"id": 1})
    found = wall_api.write("POST", "/x", {}, needs=NEEDS, is_repeatable=is_repeatable)
    assert found == {"id": 1}
    assert clock.slept == [seconds]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", {"message": "Forbidden"}, {"message": None}])
def test_a_403_that_is_no_limit_is_told_at_once(
    wall: Any, wall_api: Api, clock: Any, content: Any
) -> None:
    wall.say(403, content, {"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": f"{NINE}"})
    with pytest.raises(ForbiddenError) as told:
        wall_api.write("POST", "/x", {}, needs=NEEDS)
    assert told.value.remedy == "Give the job `permissions: issues: write`."
    assert clock.slept == []


def test_nobody_waits_longer_than_a_minute_in_all(wall: Any, wall_api: Api, clock: Any) -> None:
    for seconds in ("30", "29", "2"):
        wall.say(429, b"", {"Retry-After": seconds})
        wall.say(200, [])
    wall_api.get("/x", needs=NEEDS)
    wall_api.get("/x", needs=NEEDS)

    with pytest.raises(ForgeError, match="the next attempt is 2 s away, which is too long"):
        wall_api.get("/x", needs=NEEDS)

    assert clock.slept == [30.0, 29.0]


# What an answer means


MEANINGS: list[tuple[int, Any, type[ForgeError], str]] = [
    (400, {"message": {"note": ["is too long (maximum is 5)"]}}, ForgeError, "too long for GitHub"),
    (400, {"error": "body is missing"}, ForgeError, '"body is missing"'),
    (401, {"message": "Bad credentials"}, ForbiddenError, "Bad credentials"),
    (403, {"message": "no"}, ForbiddenError, '"no"'),
    (404, {"message": "Not Found"}, AbsentError, "answered 404 to GET /api/v3/x"),
    (410, b"", AbsentError, "answered 410"),
    (301, b"", ForgeError, "a redirect, which is not followed"),
    (422, {"errors": [{"code": "invalid", "field": "x"}]}, ForgeError, "code invalid field x"),
    (418, b"<html>", ForgeError, "answered 418 to GET /api/v3/x$"),
]


@pytest.mark.parametrize(("status", "content", "kind", "words"), MEANINGS)
def test_each_status_says_what_is_wrong(
    wall: Any, wall_api: Api, status: int, content: Any, kind: type[ForgeError], words: str
) -> None:
    wall.say(status, content)
    with pytest.raises(ForgeError, match=words) as told:
        wall_api.get("/x", needs=NEEDS)
    assert type(told.value) is kind
    assert told.value.remedy
    assert len(wall.heard) == 1


def test_a_hosts_words_are_quoted_harmless_short_and_without_the_token(
    wall: Any, wall_api: Api, wall_address: ApiAddress
) -> None:
    token = wall_address.token.reveal()
    wall.say(418, {"message": f"{token}\n::error::\x1b[2J\u202e" + "x" * 500})
    with pytest.raises(ForgeError) as told:
        wall_api.get("/x", needs=NEEDS)
    assert '"(hidden)\\n::error::\\x1b[2J\\u202exxx' in told.value.message
    assert told.value.message.endswith('x..."')
    assert len(told.value.message) < 400


@pytest.mark.parametrize("body", [b"{", b'{"a":1,"a":2}', b"[" * 100 + b"]" * 100, b"\xff", b"NaN"])
def test_an_answer_that_two_could_read_differently_is_refused(
    wall: Any, wall_api: Api, body: bytes
) -> None:
    wall.say(200, body)
    with pytest.raises(ForgeError, match="GitHub was not understood at GET /api/v3/x: ") as told:
        wall_api.get("/x", needs=NEEDS)
    assert "console" not in told.value.message + told.value.remedy


# Pages


def test_links_lead_from_page_to_page(wall: Any, wall_api: Api) -> None:
    base = f"{wall.url}/api/v3/repositories/7"
    wall.say(200, [1], {"Link": f'<{base}?page=2>; rel="next", <{base}?page=9>; rel="last"'})
    wall.say(200, [2], {"Link": f'<{base}?page=1>; rel="prev"'})

    assert list(wall_api.pages("/x", {"labels": "a b"}, needs=NEEDS)) == [[1], [2]]
    assert [heard.target for heard in wall.heard] == [
        "/api/v3/x?labels=a%20b&per_page=100", "/api/v3/repositories/7?page=2",
    ]  # fmt: skip


def test_the_header_of_the_next_page_goes_before_links(wall: Any, wall_api: Api) -> None:
    wall.say(200, [1], {"X-Next-Page": "2", "Link": '<https://evil.example/>; rel="next"'})
    wall.say(200, [2], {"X-Next-Page": "", "Link": '<https://evil.example/>; rel="next"'})

    assert list(wall_api.pages("/x", {"sort": "asc"}, needs=NEEDS)) == [[1], [2]]
    assert wall.heard[1].target == "/api/v3/x?sort=asc&per_page=100&page=2"


@pytest.mark.parametrize(
    "link", ["https://evil.example/api/v3/x", "/other", "//evil.example/x", ".."]
)
def test_a_link_out_of_the_api_is_an_error(wall: Any, wall_api: Api, link: str) -> None:
    wall.say(200, [1], {"Link": f'<{link}>; rel="next"'})
    with pytest.raises(ForgeError, match="nothing was sent there"):
        list(wall_api.pages("/x", {}, needs=NEEDS))
    assert len(wall.heard) == 1


def test_a_page_that_comes_again_is_an_error(wall: Any, wall_api: Api) -> None:
    for page in ("2", "1", "2"):
        wall.say(200, [], {"X-Next-Page": page})
    with pytest.raises(ForgeError, match="repeats a page"):
        list(wall_api.pages("/x", {}, needs=NEEDS))
    assert len(wall.heard) == 3


def test_pages_without_end_are_an_error(
    wall: Any, wall_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 5)
    for page in range(2, 9):
        wall.say(200, [], {"X-Next-Page": str(page)})
    with pytest.raises(ForgeError, match="more than 5"):
        list(wall_api.pages("/x", {}, needs=NEEDS))
    assert len(wall.heard) == 5


# Archives


def test_an_archive_may_come_at_once(wall: Any, wall_api: Api) -> None:
    wall.say(200, b"PK")
    assert wall_api.archive("/zip", needs=NEEDS) == b"PK"


def test_its_storage_is_asked_again_and_told_nothing(wall: Any, wall_api: Api, clock: Any) -> None:
    wall.say(302, b"", {"Location": f"{wall.url}/storage?sig=1"})
    wall.say(503)
    wall.say(200, b"PK")

    assert wall_api.archive("/zip", needs=NEEDS) == b"PK"
    assert [heard.target for heard in wall.heard] == [
        "/api/v3/zip",
        "/storage?sig=1",
        "/storage?sig=1",
    ]
    assert set(wall.heard[2].headers) == {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "user-agent",
    }
    assert clock.slept == [1.0]


def test_storage_that_redirects_again_is_an_error(wall: Any, wall_api: Api) -> None:
    wall.say(302, b"", {"Location": f"{wall.url}/storage?sig=secret"})
    wall.say(302, b"", {"Location": f"{wall.url}/storage?sig=secret"})
    with pytest.raises(ForgeError, match=r"GET /api/v3/zip \(its storage\).*redirect") as told:
        wall_api.archive("/zip", needs=NEEDS)
    assert "secret" not in told.value.message + told.value.remedy


@pytest.mark.parametrize("location", ["", "http://storage.example/x", "http://[", "https://"])
def test_a_redirect_to_nowhere_is_an_error(wall: Any, wall_api: Api, location: str) -> None:
    wall.say(302, b"", {"Location": location})
    with pytest.raises(ForgeError, match=r"not https|address that is none"):
        wall_api.archive("/zip", needs=NEEDS)
    assert [heard.target for heard in wall.heard] == ["/api/v3/zip"]
