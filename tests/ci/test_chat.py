"""A line to a chat: counts and a link, to an allowed host, and its address is never told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.ci.chat import ChatError, chat_address, message, send
from reconciler.ci.issue import News
from reconciler.ci.result import Result
from reconciler.errors import SettingsError

Make = Callable[..., Result]

SECRET = "T000/B000/XXXXsecretXXXX"  # noqa: S105 - what must not be told
SLACK = f"https://hooks.slack.com/services/{SECRET}"


class Room:
    """A chat's webhook on loopback: keeps what it is sent, answers as it is told to."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}/services/{SECRET}"
        self.answers: list[int] = []
        self.heard: list[tuple[str, str, bytes]] = []


@pytest.fixture
def room() -> Iterator[Room]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append((self.path, self.headers["Content-Type"], body))
            status = found.answers.pop(0) if found.answers else 200
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = Room(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


# --- where to -------------------------------------------------------------------------------


def test_without_an_address_there_is_no_chat() -> None:
    assert chat_address({}) is None
    assert chat_address({"RECONCILER_CHAT_URL": ""}) is None


def test_slack_is_allowed_by_itself() -> None:
    address = chat_address({"RECONCILER_CHAT_URL": SLACK})

    assert address is not None
    assert address.url == SLACK


def test_the_address_may_stand_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(f"{SLACK}\n", "utf-8")
    file.chmod(0o600)

    address = chat_address({"RECONCILER_CHAT_URL_FILE": str(file)})
    assert address is not None
    assert address.url == SLACK

    file.chmod(0o644)
    with pytest.raises(SettingsError, match="others can read"):
        chat_address({"RECONCILER_CHAT_URL_FILE": str(file)})


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://chat.acme.example/hooks/x", "acme.example"),
        ("https://acme.example/hooks/x?key=a&token=b", "acme.example"),
        ("http://127.0.0.1:8065/hooks/x", ""),
        ("http://localhost:8065/hooks/x", "acme.example"),
    ],
)
def test_listed_hosts_and_this_machine_are_allowed(url: str, hosts: str) -> None:
    address = chat_address({"RECONCILER_CHAT_URL": url, "RECONCILER_ALLOWED_CHAT_HOSTS": hosts})

    assert address is not None
    assert address.url == url


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.slack.com/services/{SECRET}",
        f"https://evil.example/services/{SECRET}",
        f"https://hooks.slack.com.evil.example/{SECRET}",
        f"https://xhooks.slack.com/{SECRET}",
        f"https://user:{SECRET}@hooks.slack.com/x",
        f"https://acme.sentinelone.net/{SECRET}",
        f"https://hooks.slack.com/x#{SECRET}",
        "https://hooks.slack.com/",
        "https://hooks.slack.com",
        f"ftp://hooks.slack.com/{SECRET}",
        f"//hooks.slack.com/{SECRET}",
        f"https://hooks.slack.com:0/{SECRET}",
        f"https://hooks.slack.com\\@evil.example/{SECRET}",
        f"https://hooks.slack.com/{SECRET}\nx",
        f"https://[::1/{SECRET}",
        f"https://10.0.0.1/{SECRET}",
        SECRET,
    ],
)
def test_other_addresses_are_refused_without_being_told(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        chat_address({"RECONCILER_CHAT_URL": url})

    assert "RECONCILER_CHAT_URL" in caught.value.message
    assert "secret" not in caught.value.message + caught.value.remedy


def test_a_list_of_hosts_takes_the_place_of_slack() -> None:
    with pytest.raises(SettingsError, match="RECONCILER_CHAT_URL"):
        chat_address(
            {"RECONCILER_CHAT_URL": SLACK, "RECONCILER_ALLOWED_CHAT_HOSTS": "acme.example"}
        )


def test_two_addresses_are_one_too_many() -> None:
    with pytest.raises(SettingsError, match="both set"):
        chat_address({"RECONCILER_CHAT_URL": SLACK, "RECONCILER_CHAT_URL_FILE": "/x"})


# --- what -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("news", "lead"),
    [
        (News.NEW, "*New drift*"),
        (News.ENDED, "*Drift is over*"),
        (News.UNKNOWN, "*Drift*"),
    ],
)
def test_news_of_drift_is_told_with_counts_and_links(
    make_drift: Make, news: News, lead: str
) -> None:
    told = message(make_drift(), news, "https://github.com/acme/access/issues/7")

    assert told == (
        f"{lead} (acme.sentinelone.net): Drift: 2 missing, 0 not in the policies, 0 unlisted. "
        "<https://github.com/acme/access/issues/7|Issue> "
        "<https://ci.example/acme/access/actions/runs/100|Run 100>"
    )


def test_without_console_and_addresses_the_line_is_shorter(make_drift: Make) -> None:
    told = message(make_drift(console="", run_url=""), News.NEW, "javascript:alert(1)|<!here>")

    assert told == "*New drift*: Drift: 2 missing, 0 not in the policies, 0 unlisted."


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("refused", "*Apply refused*"),
        ("failed", "*Apply failed*"),
        ("grants", ""),
        ("no-change", ""),
    ],
)
def test_of_applies_only_bad_ones_are_told(make_result: Make, verdict: str, told: str) -> None:
    line = message(make_result(command="apply", verdict=(verdict,)), News.NONE)

    assert line.startswith(told)
    assert bool(line) == bool(told)


def test_a_search_for_drift_that_failed_is_told(make_drift: Make) -> None:
    told = message(make_drift(exit_code=1, verdict=("failed",), title="drift: failed"), News.NONE)

    assert told.startswith(
        "*Whether there is drift is not known* (acme.sentinelone.net): drift: failed <https://"
    )


def test_old_drift_and_plans_are_not_told(make_result: Make, make_drift: Make) -> None:
    assert message(make_drift(), News.NONE) == ""
    assert message(make_result(exit_code=1, verdict=("failed",)), News.NONE) == ""


def test_no_title_is_markup_of_the_chat(make_drift: Make) -> None:
    told = message(make_drift(title="a <!channel> & <https://evil.example|b>"), News.NEW)

    assert "a &lt;!channel&gt; &amp; &lt;https://evil.example|b&gt;" in told
    assert told.count("<") == 1


# --- sending --------------------------------------------------------------------------------


def sent(room: Room, **more: str) -> list[float]:
    address = chat_address({"RECONCILER_CHAT_URL": room.url, **more})
    assert address is not None
    pauses: list[float] = []
    send(address, "Drift ü <x>", lambda: 0.0, pauses.append)
    return pauses


def test_a_line_is_sent_as_slack_takes_it(room: Room) -> None:
    sent(room)

    ((path, kind, body),) = room.heard
    assert path == f"/services/{SECRET}"
    assert kind == "application/json"
    assert json.loads(body) == {"text": "Drift ü <x>"}


def test_a_query_of_the_address_is_kept(room: Room) -> None:
    room.url += "?key=a&token=b"

    sent(room)

    assert room.heard[0][0] == f"/services/{SECRET}?key=a&token=b"


def test_a_busy_chat_is_asked_again(room: Room) -> None:
    room.answers = [429, 503]

    pauses = sent(room)

    assert len(room.heard) == 3
    assert pauses == [1.0, 3.0]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([404], "the chat answered 404."),
        ([302], "the chat answered 302; redirects are not followed."),
        ([500, 500, 500], "the chat answered 500."),
    ],
)
def test_what_a_chat_says_no_to_is_told_without_its_address(
    room: Room, answers: list[int], told: str
) -> None:
    count = len(answers)
    room.answers = answers

    with pytest.raises(ChatError) as caught:
        sent(room)

    assert caught.value.message == f"The message was not sent: {told}"
    assert len(room.heard) == count
    assert "secret" not in caught.value.message + caught.value.remedy


def test_a_chat_that_is_away_is_told_without_its_address(room: Room) -> None:
    room.url = f"http://127.0.0.1:1/services/{SECRET}"

    with pytest.raises(ChatError, match=r"the chat gave no answer \(ConnectError") as caught:
        sent(room)

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
