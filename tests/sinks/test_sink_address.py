"""Where events may go: https, a host that somebody allowed, and nothing secret in the address."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SettingsError
from reconciler.sinks.address import chosen_sink, sink_address
from reconciler.sinks.client import Sink

LAKE = "https://ingest.us1.sentinelone.net"
ALLOWED = {"RECONCILER_ALLOWED_SINK_HOSTS": "siem.example"}


def address(url: str, form: str = "ocsf-1.8", **environ: str) -> Any:
    return sink_address({**ALLOWED, **environ}, url, form, source="--to")


@pytest.mark.parametrize(
    ("url", "form", "whole"),
    [
        (LAKE, "sdl", f"{LAKE}/services/collector/event"),
        (f"{LAKE}/", "sdl", f"{LAKE}/services/collector/event"),
        (f"{LAKE}/mine", "sdl", f"{LAKE}/mine"),
        (LAKE, "ocsf-1.8", LAKE),
        ("https://SIEM.example:8088/a/b-c/", "cloudevents", "https://siem.example:8088/a/b-c/"),
        ("http://127.0.0.1:80", "ocsf-1.9", "http://127.0.0.1"),
    ],
)
def test_an_address_is_taken_as_it_is(url: str, form: str, whole: str) -> None:
    assert address(url, form).url == whole


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://siem.example", "is not https"),
        ("https://other.example", "has a host that is not under"),
        ("https://siem.example.evil.example", "has a host that is not under"),
        ("https://user:canary@siem.example", "has user information"),
        ("https://siem.example/?token=canary", "has a query"),
        ("https://siem.example/canary#x", "has a query or a fragment"),
        ("https://siem.example/a/../canary", "no plain one"),
        ("https://siem.example/%2e%2e/canary", "no plain one"),
        ("https://siem.example//canary", "no plain one"),
        (f"{LAKE}/web/api/v2.1/users/canary", "is the console's own API"),
        (f"{LAKE}/WEB/API/canary", "is the console's own API"),
        ("https://[canary", "--to"),
        ("siem.example", "does not begin with https://"),
    ],
)
def test_other_addresses_are_refused_without_repeating_them(url: str, word: str) -> None:
    with pytest.raises(SettingsError) as failure:
        address(url)

    assert word in failure.value.message
    assert "canary" not in failure.value.message + failure.value.remedy


@pytest.mark.parametrize(
    ("environ", "form", "word"),
    [
        ({"RECONCILER_SINK_SCOPE": "12:13:14"}, "sdl", "RECONCILER_SINK_SCOPE"),
        ({"RECONCILER_SINK_SCOPE": "12"}, "ocsf-1.8", "RECONCILER_SINK_SCOPE"),
        ({"RECONCILER_SINK_TIMEOUT": "soon"}, "sdl", "RECONCILER_SINK_TIMEOUT"),
        ({"RECONCILER_SINK_TIMEOUT": "0"}, "sdl", "RECONCILER_SINK_TIMEOUT"),
        ({"RECONCILER_ALLOWED_SINK_HOSTS": "-"}, "sdl", "RECONCILER_ALLOWED_SINK_HOSTS"),
        ({"RECONCILER_SINK_TOKEN_FILE": "nowhere"}, "sdl", "RECONCILER_SINK_TOKEN_FILE"),
        ({"RECONCILER_CA_FILE": "nowhere"}, "sdl", "RECONCILER_CA_FILE"),
        ({}, "xml", "RECONCILER_SINK_FORMAT"),
    ],
)
def test_a_variable_that_is_no_use_is_named(environ: dict[str, str], form: str, word: str) -> None:
    with pytest.raises(SettingsError) as failure:
        address(LAKE, form, **environ)

    assert word in failure.value.message


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("canary", encoding="utf-8")
    token.chmod(0o644)

    with pytest.raises(SettingsError, match="others can read"):
        address(LAKE, RECONCILER_SINK_TOKEN_FILE=str(token))


def test_the_token_hides_itself(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("canary", encoding="utf-8")
    token.chmod(0o600)

    found = address(LAKE, RECONCILER_SINK_TOKEN_FILE=str(token), RECONCILER_PROXY="http://p:1")

    assert "canary" not in repr(found)
    assert found.proxy == "http://p:1"


def test_the_console_s_own_allow_list_allows_no_sink() -> None:
    with pytest.raises(SettingsError, match="has a host"):
        sink_address(
            {"RECONCILER_ALLOWED_HOSTS": "soc.example"}, "https://soc.example", "sdl", source="--to"
        )


def test_an_option_counts_more_than_the_environment() -> None:
    environ = {"RECONCILER_SINK": f"{LAKE}/a", "RECONCILER_SINK_FORMAT": "cloudevents"}

    assert chosen_sink({}, None, None) is None
    found = chosen_sink(environ, None, None)
    assert found is not None
    assert (found.url, found.form) == (f"{LAKE}/a", "cloudevents")
    found = chosen_sink(environ, f"{LAKE}/b", "ocsf-1.9")
    assert found is not None
    assert (found.url, found.form) == (f"{LAKE}/b", "ocsf-1.9")


def test_an_empty_option_is_an_error_and_not_the_environment() -> None:
    with pytest.raises(SettingsError, match="--sink does not begin"):
        chosen_sink({"RECONCILER_SINK": LAKE}, "", None)


def test_certificates_are_checked_before_anything_goes_out(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("hello", encoding="utf-8")
    found = address(LAKE, RECONCILER_CA_FILE=str(file))

    with pytest.raises(SettingsError, match="holds no certificates"):
        Sink(found, lambda: 0.0, lambda _: None)
