import base64
import logging
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.console.answers import ElsewhereError, ForbiddenError, RejectedError
from reconciler.console.client import ReadClient, WriteClient
from reconciler.console.retry import ATTEMPTS, Budget, Retries
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    LostAnswerError,
    MissingError,
    NotUnderstoodError,
    RefusedError,
    UnreachableError,
)

NGINX = (429, b"<html><center>nginx</center></html>", {"Content-Type": "text/html"})


def said(title: str, detail: str | None = None) -> dict[str, Any]:
    return {"errors": [{"code": 4, "title": title, "detail": detail}]}


def test_reading_has_no_verb_that_changes_anything() -> None:
    verbs = {name for name in dir(ReadClient) if not name.startswith("_")}
    assert verbs == {"close", "get", "list_all", "origin"}
    assert not {"put", "post", "delete", "send", "request", "_write"} & set(dir(ReadClient))


@pytest.mark.parametrize("errors", [{}, {"errors": None}, {"errors": []}])
def test_a_good_answer_may_carry_an_empty_errors_key(
    console: Any, reads: ReadClient, errors: dict[str, Any]
) -> None:
    console.on("GET", "/user", {"data": {"id": "1"}, **errors})
    assert reads.get("/user")["data"] == {"id": "1"}


@pytest.mark.parametrize("errors", [[{"title": "half", "detail": None}], {}, "bad", 0, False, [1]])
def test_errors_beside_data_are_an_error(console: Any, reads: ReadClient, errors: Any) -> None:
    console.on("GET", "/users", {"data": [], "errors": errors})
    with pytest.raises(NotUnderstoodError, match="beside its data"):
        reads.get("/users")
    assert console.count("GET", "/users") == 1


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        ((401, said("Authentication Failed")), DeniedError, "Authentication Failed"),
        ((401, b"<html>"), DeniedError, "401"),
        ((403, said("No", "Feature off")), ForbiddenError, "No: Feature off"),
        ((404, said("Requested resource was not found")), MissingError, "not found"),
        ((501, said("Not supported")), MissingError, "Not supported"),
        ((404, b"<html>gateway</html>"), ElsewhereError, "not in the API's words"),
        ((404, {"message": "no route"}), ElsewhereError, "not in the API's words"),
        ((501, b""), ElsewhereError, "not in the API's words"),
        ((400, said("Validation Error", "x: Unknown field")), RejectedError, "x: Unknown field"),
        ((409, said("taken")), RejectedError, "taken"),
        ((400, {"errors": [{"title": "a"}, 7, {"detail": "b"}, {"title": "c"}]}), RejectedError,
         'said "a; b"'),
        ((418, {"errors": "?"}), RejectedError, "418"),
        ((204, b""), NotUnderstoodError, "204"),
        ((200, b"<html>login</html>"), NotUnderstoodError, "web page"),
        ((200, b"{}", {"Content-Type": "text/html"}), NotUnderstoodError, "web page"),
        ((200, b" \n<!doctype html>"), NotUnderstoodError, "web page"),
        ((200, b'{"data": ['), NotUnderstoodError, "not JSON"),
        ((200, b"[]"), NotUnderstoodError, "not a JSON object"),
        ((200, b""), NotUnderstoodError, "not JSON"),
        ((302, b"", {"Location": "https://user:pw@evil.example:1/x"}), NotUnderstoodError,
         "redirect to evil.example:1"),
        ((302, b"", {"Location": "/login"}), NotUnderstoodError, "path of the same host"),
    ],
)  # fmt: skip
def test_each_answer_has_its_error_and_is_not_asked_again(
    console: Any, reads: ReadClient, reply: Any, error: type[ConsoleError], words: str
) -> None:
    console.on("GET", "/users", reply)
    with pytest.raises(error) as failure:
        reads.get("/users")
    assert type(failure.value) is error
    assert words in failure.value.message
    assert failure.value.message.startswith("GET /users")
    assert failure.value.remedy
    assert console.count("GET", "/users") == 1
    assert "pw" not in failure.value.message


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/users", "Users.view"),
        ("/users/7", "Users.view"),
        ("/user", "Users.view"),
        ("/service-users", "Service Users.view"),
        ("/rbac/roles", "Roles.view"),
        ("/rbac/role/902", "Roles.view"),
        ("/sites", "Sites.view"),
        ("/accounts", "Accounts.view"),
        ("/activities", "Activity Page.view"),
    ],
)
def test_a_forbidden_reading_names_the_permission_that_it_needs(
    console: Any, reads: ReadClient, path: str, permission: str
) -> None:
    console.on("GET", path, (403, said("Insufficient permissions")))
    with pytest.raises(ForbiddenError) as denied:
        reads.get(path)
    assert f"the permission {permission}, or" in denied.value.remedy


@pytest.mark.parametrize(
    ("write", "permission"),
    [
        (lambda client: client.put("/users/7", {}), " Users.edit"),
        (lambda client: client.put("/service-users/7", {}), " Service Users.edit"),
        (lambda client: client.post("/users", {}), " Users.create"),
        (lambda client: client.delete("/users/7"), " Users.delete"),
        (lambda client: client.post("/users/delete-api-token", {}), ""),
        (lambda client: client.post("/web/thing", {}), ""),
    ],
)
def test_a_forbidden_write_names_the_permission_where_it_is_known(
    console: Any, writes: WriteClient, write: Callable[[WriteClient], Any], permission: str
) -> None:
    for verb, path in [
        ("PUT", "/users/7"),
        ("PUT", "/service-users/7"),
        ("POST", "/users"),
        ("DELETE", "/users/7"),
        ("POST", "/users/delete-api-token"),
        ("POST", "/web/thing"),
    ]:
        console.on(verb, path, (403, said("Insufficient permissions")))
    with pytest.raises(ForbiddenError) as denied:
        write(writes)
    assert f"the permission{permission}, or" in denied.value.remedy


def test_a_bad_token_names_the_variables(console: Any, reads: ReadClient) -> None:
    console.on("GET", "/users", (401, said("Authentication Failed")))
    with pytest.raises(DeniedError) as failure:
        reads.get("/users")
    assert "SENTINELONE_TOKEN_FILE" in failure.value.remedy
    assert not isinstance(failure.value, ForbiddenError)


def test_the_consoles_words_cannot_drive_a_terminal(console: Any, reads: ReadClient) -> None:
    console.on("GET", "/users", (403, said("\x1b[31mred\u202e", "x" * 5000)))
    with pytest.raises(ForbiddenError) as failure:
        reads.get("/users")
    assert failure.value.message.isprintable()
    assert "\\x1b[31mred\\u202e" in failure.value.message
    assert len(failure.value.message) < 500


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_reading_survives_a_bad_moment(
    console: Any, reads: ReadClient, clock: Any, status: int
) -> None:
    console.on("GET", "/users", (status, b""), (status, b""), {"data": 1})
    assert reads.get("/users")["data"] == 1
    assert clock.slept == [5.0, 10.0]


def test_a_wait_is_told(console: Any, reads: ReadClient, caplog: pytest.LogCaptureFixture) -> None:
    console.on("GET", "/users", (502, b""), {"data": 1})
    reads.get("/users")
    assert caplog.messages == ["GET /users: the console answered 502; trying again in 5 s"]


def test_reading_gives_up_after_five_attempts(console: Any, reads: ReadClient, clock: Any) -> None:
    console.on("GET", "/users", NGINX)
    with pytest.raises(UnreachableError, match="429"):
        reads.get("/users")
    assert console.count("GET", "/users") == ATTEMPTS
    assert clock.slept == [5.0, 10.0, 20.0, 30.0]


def test_all_calls_of_a_client_share_one_budget(
    console: Any, address: Any, runtime: Any, clock: Any
) -> None:
    retries = Retries(clock.now, clock.sleep, lambda _low, high: high, Budget(6))
    console.on("GET", "/users", (500, b""))
    with ReadClient(address(console.url), runtime, retries) as client:
        for _ in range(3):
            with pytest.raises(UnreachableError):
                client.get("/users")
    assert console.count("GET", "/users") == 3 + 6


def test_the_jitter_is_drawn_from_nought_to_the_limit(
    console: Any, address: Any, runtime: Any, clock: Any
) -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 0.25

    console.on("GET", "/users", (500, b""))
    with (
        ReadClient(address(console.url), runtime, Retries(clock.now, clock.sleep, draw)) as client,
        pytest.raises(UnreachableError),
    ):
        client.get("/users")
    assert drawn[:4] == [(0.0, 5.0), (0.0, 10.0), (0.0, 20.0), (0.0, 30.0)]
    assert clock.slept == [0.25] * 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0), ("0", 0.0), (" 12 ", 12.0), ("100000", 120.0), ("9" * 200, 120.0),
        ("+30s", 30.0), ("-30s", 0.0), ("+1d", 120.0), ("naive", 40.0),
        ("soon", 5.0), ("", 5.0), ("-1", 5.0), ("1.5", 5.0), ("²", 5.0), ("1_0", 5.0),
        ("Sun, 99 Nov 2026 99:99:99 GMT", 5.0),
    ],
)  # fmt: skip
def test_a_wait_asked_for_is_honoured_up_to_two_minutes(
    console: Any, reads: ReadClient, clock: Any, header: str, seconds: float
) -> None:
    dates = {"+30s": 30, "-30s": -30, "+1d": 86400}
    if header in dates:
        clock.seconds = dates[header]
        header = format_datetime(clock.now(), usegmt=True)
        clock.seconds = 0.0
    header = header.replace("naive", "Sun, 22 Nov 2026 12:00:40 -0000")
    text = header.encode().decode("latin-1")
    console.on("GET", "/users", (429, b"", {"Retry-After": text}), {"data": 1})
    reads.get("/users")
    assert clock.slept == [seconds]


def test_connect_errors_are_tried_again(
    raw_server: Any, address: Any, runtime: Any, retries: Retries, clock: Any
) -> None:
    server = raw_server(lambda _connection: None)
    with (
        ReadClient(address(server.url), runtime, retries) as client,
        pytest.raises(UnreachableError, match="no whole answer"),
    ):
        client.get("/users")
    assert server.connections == ATTEMPTS
    assert len(clock.slept) == ATTEMPTS - 1


WRITES: list[Any] = [
    pytest.param("PUT", lambda client: client.put("/users/1", {"data": {}}), id="put"),
    pytest.param("POST", lambda client: client.post("/users/1", {"data": {}}), id="post"),
    pytest.param("DELETE", lambda client: client.delete("/users/1"), id="delete"),
]
Write = Callable[[WriteClient], Any]


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_returns_what_the_console_answered(
    console: Any, writes: WriteClient, method: str, write: Write
) -> None:
    console.on(method, "/users/1", (201, {"data": {"id": "1"}}))
    assert write(writes) == {"data": {"id": "1"}}


@pytest.mark.parametrize(("method", "write"), WRITES)
@pytest.mark.parametrize(
    "reply",
    [
        (500, b""), (502, b"<html>"), (200, b"{"), (200, b"<html>"), (204, b""), (302, b""),
        (404, b"<html>"), (200, {"data": {}, "errors": [{"title": "half"}]}),
        (200, b"{}", {"Content-Length": "10", "Connection": "close"}),
    ],
)  # fmt: skip
def test_a_write_without_a_good_answer_is_lost_and_never_repeated(
    console: Any, writes: WriteClient, method: str, write: Write, reply: Any
) -> None:
    console.on(method, "/users/1", reply)
    console.server.RequestHandlerClass.timeout = 0.2  # only for the cut body
    with pytest.raises(LostAnswerError, match="may or may not have happened") as failure:
        write(writes)
    assert failure.value.message.count(method) == 1
    assert failure.value.remedy
    assert console.count(method, "/users/1") == 1


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_whose_connection_breaks_is_lost(
    raw_server: Any, address: Any, runtime: Any, method: str, write: Write
) -> None:
    received: list[bytes] = []
    server = raw_server(lambda connection: received.append(connection.recv(65536)))
    with (
        WriteClient(address(server.url), runtime) as client,
        pytest.raises(LostAnswerError, match=method),
    ):
        write(client)
    assert server.connections == 1
    assert received[0].startswith(method.encode())


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_turned_away_before_any_effect_is_repeated(
    console: Any, writes: WriteClient, clock: Any, method: str, write: Write
) -> None:
    console.on(method, "/users/1", NGINX, (429, b"", {"Retry-After": "3"}), {"data": 1})
    assert write(writes) == {"data": 1}
    assert clock.slept == [5.0, 3.0]


@pytest.mark.parametrize(("method", "write"), WRITES)
def test_a_write_that_never_gets_through_has_not_happened(
    console: Any, writes: WriteClient, method: str, write: Write
) -> None:
    console.on(method, "/users/1", NGINX)
    with pytest.raises(UnreachableError):
        write(writes)
    assert console.count(method, "/users/1") == ATTEMPTS


def test_what_stops_a_write_is_asked_again_after_every_wait(
    console: Any, writes: WriteClient
) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(console.count("PUT", "/users/1"))
        if len(asked) == 2:
            raise RefusedError("the lock was lost")

    writes.check_before_writes(check)
    console.on("PUT", "/users/1", NGINX)
    with pytest.raises(RefusedError, match="the lock was lost"):
        writes.put("/users/1", {})
    assert asked == [0, 1]
    assert console.count("PUT", "/users/1") == 1


def test_a_write_to_nobody_is_repeated_and_has_not_happened(
    address: Any, runtime: Any, retries: Retries, clock: Any
) -> None:
    with (
        WriteClient(address("http://127.0.0.1:1"), runtime, retries) as client,
        pytest.raises(UnreachableError, match="no connection"),
    ):
        client.post("/users", {"data": {}})
    assert len(clock.slept) == ATTEMPTS - 1


@pytest.mark.parametrize(("method", "write"), WRITES)
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RejectedError), (401, DeniedError), (403, ForbiddenError), (404, MissingError),
     (409, RejectedError)],
)  # fmt: skip
def test_a_refused_write_says_so_and_is_not_repeated(
    console: Any,
    writes: WriteClient,
    method: str,
    write: Write,
    status: int,
    error: type[Exception],
) -> None:
    console.on(method, "/users/1", (status, said("no")))
    with pytest.raises(error) as failure:
        write(writes)
    assert type(failure.value) is error
    assert getattr(failure.value, "status", status) == status
    assert console.count(method, "/users/1") == 1


LEAKS: list[Any] = [
    (401, said("bad token {token}")),
    (403, said("{token}", "{token}")),
    (400, said("{token}")),
    (404, said("{token}")),
    (404, b"{token}"),
    (429, b"{token}", {"Retry-After": "{token}"}),
    (500, said("{token}")),
    (302, b"", {"Location": "https://{token}/x"}),
    (200, b"{token}"),
    (200, {"data": [], "errors": [{"title": "{token}"}]}),
    (200, b"{}", {"Content-Encoding": "{token}"}),
    (200, b"{token}", {"Content-Encoding": "gzip"}),
]


@pytest.mark.parametrize("reply", LEAKS)
def test_the_token_is_in_no_error_and_in_no_log(
    console: Any, writes: WriteClient, caplog: pytest.LogCaptureFixture, reply: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    token: str = console.token

    def fill(value: Any) -> Any:
        match value:
            case str():
                return value.replace("{token}", token)
            case bytes():
                return value.replace(b"{token}", token.encode())
            case dict():
                return {key: fill(inner) for key, inner in value.items()}
            case list() | tuple():
                return type(value)(fill(inner) for inner in value)
        return value

    console.on("GET", "/users", fill(reply))
    console.on("POST", "/users", fill(reply))
    texts = [repr(writes), str(vars(writes))]
    calls: list[Callable[[], Any]] = [
        lambda: writes.get("/users"),
        lambda: writes.post("/users", {}),
    ]
    for call in calls:
        with pytest.raises(ConsoleError) as failure:
            call()
        error = failure.value
        texts += [str(error), repr(error), error.message, error.remedy, repr(vars(error))]
    texts.append(caplog.text)
    encoded = base64.b64encode(token.encode()).decode()
    for form in (token, encoded, quote(token), *token.split(".")[:2]):
        assert not any(form in text for text in texts)


def test_waits_side_by_side_are_told_once(
    console: Any, reads: ReadClient, caplog: pytest.LogCaptureFixture
) -> None:
    # The clock of these tests stands still while nothing sleeps.
    console.on("GET", "/users", (429, b"", {"Retry-After": "0"}), {"data": 1})
    console.on("GET", "/sites", (429, b"", {"Retry-After": "0"}), {"data": 1})

    reads.get("/users")
    reads.get("/sites")

    assert len(caplog.messages) == 1
