from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.origin import is_loopback, normalise_origin, normalise_suffix, request_url
from reconciler.errors import RefusedError


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://acme.sentinelone.net", "https://acme.sentinelone.net"),
        ("https://acme.sentinelone.net/", "https://acme.sentinelone.net"),
        ("HTTPS://ACME.SentinelOne.NET:443", "https://acme.sentinelone.net"),
        ("https://acme.sentinelone.net:8443", "https://acme.sentinelone.net:8443"),
        ("https://acme.sentinelone.net:", "https://acme.sentinelone.net"),
        ("https://a.b.c.sentinelone.net", "https://a.b.c.sentinelone.net"),
        ("https://sentinelone.net", "https://sentinelone.net"),
        ("https://console.soc.example", "https://console.soc.example"),
        ("https://soc.example", "https://soc.example"),
        ("https://10.0.0.5", "https://10.0.0.5"),
        ("https://bastion", "https://bastion"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.1.2.3:80", "http://127.1.2.3"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
        ("https://localhost", "https://localhost"),
    ],
)
def test_a_console_address_is_normalised(text: str, origin: str) -> None:
    allowed = ("soc.example", "10.0.0.5", "bastion", "0.5")
    assert normalise_origin(text, allowed) == origin
    assert normalise_origin(origin, allowed) == origin


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "https://"),
        ("acme.sentinelone.net", "https://"),
        ("//acme.sentinelone.net", "https://"),
        ("ftp://acme.sentinelone.net", "https://"),
        ("http://acme.sentinelone.net", "not https"),
        ("http://10.0.0.5", "not https"),
        ("https://", "host"),
        ("https:///x", "path"),
        ("https://acme.sentinelone.net/web/api/v2.1", "path"),
        ("https://acme.sentinelone.net/x/..", "path"),
        ("https://acme.sentinelone.net?x=1", "query"),
        ("https://acme.sentinelone.net?", "query"),
        ("https://acme.sentinelone.net#", "fragment"),
        ("https://user:pw@acme.sentinelone.net", "user information"),
        ("https://@acme.sentinelone.net", "user information"),
        ("https://acme.sentinelone.net@evil.example", "user information"),
        ("https://evil.example", "not under"),
        ("https://sentinelone.net.evil.example", "not under"),
        ("https://evilsentinelone.net", "not under"),
        ("https://acme.sentinelone.net.", "host name"),
        ("https://acme..sentinelone.net", "host name"),
        ("https://.sentinelone.net", "host name"),
        ("https://-acme.sentinelone.net", "host name"),
        ("https://acme.sentinelone.net:0", "port"),
        ("https://acme.sentinelone.net:99999", "port"),
        ("https://acme.sentinelone.net:x", "port"),
        ("https://ⓐcme.sentinelone.net", "characters"),
        ("https://evil.example\u2044.sentinelone.net", "characters"),
        ("https://acme。sentinelone.net", "characters"),
        ("https://evil.example\\.sentinelone.net", "characters"),
        ("https://acme.sentinelone.net\t", "characters"),
        ("https://acme.sentine\nlone.net", "characters"),
        (" https://acme.sentinelone.net", "characters"),
        ("https://evil.example%2f.sentinelone.net", "host name"),
        ("http://127.1", "not https"),
        ("http://2130706433", "not https"),
        ("http://0.0.0.0", "not https"),
        ("http://127.0.0.1.evil.example", "not https"),
        ("http://localhost.evil.example", "not https"),
        ("http://[::ffff:127.0.0.1]", "not https"),
        ("https://[::1", "address"),
        ("https://[2001:db8::1]", "not under"),
        ("https://1.10.0.5", "not under"),
        ("https://x.bastion", "not under"),
    ],
)
def test_a_doubtful_address_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        normalise_origin(text, ("soc.example", "10.0.0.5", "bastion", "0.5"))
    assert "pw" not in str(refusal.value)


def test_a_suffix_loses_its_dot_and_star() -> None:
    assert normalise_suffix(" *.SOC.Example ") == "soc.example"
    for text in ("", "*", ".", "a b", "soc.example/", "https://soc.example", "ü.example"):
        with pytest.raises(ValueError, match="not a host name"):
            normalise_suffix(text)


def test_only_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.255.0.9", "::1")))
    assert not any(map(is_loopback, ("", "128.0.0.1", "::2", "::1%1", "0x7f.1", "localhost.x")))


def test_parameters_are_encoded_once_and_commas_stay() -> None:
    url = request_url("https://a.example", "/users", {"ids": "1,2", "email": "a+b@c.example"})
    assert url == "https://a.example/web/api/v2.1/users?ids=1,2&email=a%2Bb%40c.example"
    assert request_url("https://a.example", "/user", {}) == "https://a.example/web/api/v2.1/user"


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "users", "/users/", "/users/../accounts", "/users/%2e%2e/x", "//evil.example/x",
        "https://evil.example/x", "/users?x=1", "/users#x", "/users/1/\n", "/users\\1", "/users/.",
        "/users/ü", "/users/1 2", "/users/1\n",
    ],
)  # fmt: skip
def test_a_path_that_could_leave_the_api_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match="leaves the Management API"):
        request_url("https://a.example", path, {})


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_no_id_and_no_parameter_leaves_the_prefix(text: str, params: dict[str, str]) -> None:
    try:
        url = request_url("https://a.example", f"/users/{text}", params)
    except RefusedError:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "a.example")
    assert parts.path == f"/web/api/v2.1/users/{text}"
    assert ".." not in parts.path
    assert url.isascii()
