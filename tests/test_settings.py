import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.credentials import parse_credentials
from reconciler.errors import SettingsError
from reconciler.settings import ConsoleSettings, Runtime, Token, console_settings

URL = "https://acme.sentinelone.net"
SECRET = "eyJjYW5hcnk.c2VjcmV0.4711"  # noqa: S105 - a canary, not a secret
BOTH = {"SENTINELONE_URL": URL, "SENTINELONE_TOKEN": SECRET}
Write = Callable[[str, int], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "private"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return _write


def refused(environ: dict[str, str], words: str, platform: str = "linux") -> SettingsError:
    with pytest.raises(SettingsError) as failure:
        console_settings(environ, platform)
    error = failure.value
    assert words in error.message
    assert error.remedy
    for text in (error.message, error.remedy, repr(error)):
        assert SECRET not in text
    return error


def test_a_token_shows_itself_only_when_asked() -> None:
    token = Token(SECRET)
    assert token.reveal() == SECRET
    settings = ConsoleSettings(URL, token, proxy="http://u:pw@proxy.example")
    for text in (
        repr(token),
        str(token),
        f"{token}",
        f"{token!r:>30}",
        f"{token:>30}",
        repr(settings),
    ):
        assert SECRET not in text
        assert "pw" not in text
    assert not hasattr(token, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(token)


def test_the_environment_does_not_show_in_a_runtime() -> None:
    runtime = Runtime.real()
    assert "environ" not in repr(runtime)
    assert runtime.now().tzinfo is UTC
    assert runtime.now() > datetime(2020, 1, 1, tzinfo=UTC)
    before = runtime.monotonic()
    runtime.sleep(0)
    assert runtime.monotonic() >= before


def test_url_and_token_come_from_the_environment() -> None:
    settings = console_settings({**BOTH, "SENTINELONE_URL": " HTTPS://Acme.SentinelOne.net/ "})
    assert settings.url == URL
    assert settings.token.reveal() == SECRET
    assert settings.proxy is None
    assert settings.ca_file is None


def test_the_token_may_stand_in_a_file(write: Write) -> None:
    path = write(f"\n{SECRET}\n", 0o440)
    environ = {"SENTINELONE_URL": URL, "SENTINELONE_TOKEN_FILE": str(path)}
    assert console_settings(environ).token.reveal() == SECRET


def test_token_and_token_file_together_are_an_error(write: Write) -> None:
    refused({**BOTH, "SENTINELONE_TOKEN_FILE": str(write(SECRET, 0o600))}, "both are set")


def test_half_a_pair_is_an_error_and_no_profile_fills_it(write: Write) -> None:
    path = write(f"[default]\nurl={URL}\ntoken={SECRET}\n", 0o600)
    profile = {"SENTINELONE_CONFIG": str(path)}
    refused({**profile, "SENTINELONE_URL": URL}, "neither is set")
    refused({**profile, "SENTINELONE_TOKEN": SECRET}, "SENTINELONE_URL")
    refused({**profile, "SENTINELONE_TOKEN_FILE": "x"}, "SENTINELONE_URL")
    refused({**profile, "SENTINELONE_URL": "", "SENTINELONE_TOKEN": SECRET}, "SENTINELONE_URL")


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_token_is_an_error(text: str, write: Write) -> None:
    refused({"SENTINELONE_URL": URL, "SENTINELONE_TOKEN": text}, "SENTINELONE_TOKEN")
    path = write(text, 0o600)
    refused({"SENTINELONE_URL": URL, "SENTINELONE_TOKEN_FILE": str(path)}, "token is empty")


@pytest.mark.parametrize("infix", [" ", "\n", "\t", "\x00", "\x1b", "ü", "\u200b", "\x7f"])
def test_a_token_with_other_characters_is_an_error_and_not_shown(infix: str) -> None:
    error = refused({**BOTH, "SENTINELONE_TOKEN": SECRET + infix + "tail"}, "SENTINELONE_TOKEN")
    assert "tail" not in error.message


@pytest.mark.parametrize("mode", [0o604, 0o606, 0o602, 0o660, 0o644, 0o620])
def test_a_file_that_others_can_read_or_change_is_refused(write: Write, mode: int) -> None:
    path = write(f"[default]\nurl={URL}\ntoken={SECRET}\n", mode)
    error = refused({"SENTINELONE_CONFIG": str(path)}, str(path))
    assert "chmod 600" in error.remedy
    refused({"SENTINELONE_URL": URL, "SENTINELONE_TOKEN_FILE": str(path)}, str(path))


def test_files_that_cannot_be_read_are_named(tmp_path: Path, write: Write) -> None:
    def token_file(name: object) -> dict[str, str]:
        return {"SENTINELONE_URL": URL, "SENTINELONE_TOKEN_FILE": str(name)}

    refused(token_file(tmp_path / "missing"), "No such file")
    refused(token_file(tmp_path), "directory")
    refused(token_file("a\x00b"), "not a path")
    refused(token_file("/dev/null"), "not a small plain file")
    refused(token_file(write(SECRET * 10_000, 0o600)), "not a small plain file")
    path = write("", 0o600)
    path.write_bytes(b"\xff\xfe")
    refused(token_file(path), "not UTF-8")


PROFILES = f"""
url = https://before.sentinelone.net
# [default]
; token = commented
[default]
   URL : {URL}
   Token={SECRET}
   unknown = 1
   lonely
[soc team]
url=https://soc.sentinelone.net:8443
token: soc-token # not a comment
[half]
url = {URL}
[DEFAULT]
url = https://upper.sentinelone.net
token = upper
"""


def test_a_profile_of_the_credentials_file_is_read(write: Write) -> None:
    path = write(PROFILES.replace(" # not a comment", ""), 0o600)
    environ = {"SENTINELONE_CONFIG": str(path)}
    settings = console_settings(environ)
    assert (settings.url, settings.token.reveal()) == (URL, SECRET)
    settings = console_settings({**environ, "SENTINELONE_PROFILE": "soc team"})
    assert settings.url == "https://soc.sentinelone.net:8443"
    assert settings.token.reveal() == "soc-token"
    settings = console_settings({**environ, "SENTINELONE_PROFILE": "DEFAULT"})
    assert settings.token.reveal() == "upper"
    refused({**environ, "SENTINELONE_PROFILE": "half"}, "has no token")
    error = refused({**environ, "SENTINELONE_PROFILE": "other"}, "there is no profile 'other'")
    assert "'DEFAULT', 'default', 'half', 'soc team'" in error.message


def test_a_value_keeps_what_follows_it_on_its_line(write: Write) -> None:
    path = write(PROFILES, 0o600)
    refused({"SENTINELONE_CONFIG": str(path), "SENTINELONE_PROFILE": "soc team"}, "white space")


def test_the_environment_wins_over_the_file(write: Write) -> None:
    path = write("[default]\nurl=https://other.sentinelone.net\ntoken=other\n", 0o600)
    settings = console_settings({**BOTH, "SENTINELONE_CONFIG": str(path)})
    assert (settings.url, settings.token.reveal()) == (URL, SECRET)


@pytest.mark.parametrize(
    ("folder", "variables", "platform"),
    [
        ("x", {"XDG_CONFIG_HOME": "{tmp}/x", "HOME": "/nowhere"}, "linux"),
        (".config", {"HOME": "{tmp}"}, "linux"),
        (".config", {"HOME": "{tmp}", "XDG_CONFIG_HOME": "relative"}, "linux"),
        (".config", {"HOME": "{tmp}", "XDG_CONFIG_HOME": "", "SENTINELONE_CONFIG": ""}, "linux"),
        ("Library/Application Support", {"HOME": "{tmp}", "XDG_CONFIG_HOME": "/x"}, "darwin"),
    ],
)
def test_the_credentials_file_lies_in_the_users_configuration_folder(
    tmp_path: Path, folder: str, variables: dict[str, str], platform: str
) -> None:
    path = tmp_path / folder / "sentinelone" / "credentials"
    path.parent.mkdir(parents=True)
    path.write_text(f"[default]\nurl={URL}\ntoken={SECRET}\n")
    path.chmod(0o600)
    environ = {name: value.replace("{tmp}", str(tmp_path)) for name, value in variables.items()}
    assert console_settings(environ, platform).url == URL


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_with_nothing_set_the_error_says_what_to_set(platform: str) -> None:
    assert "SENTINELONE_URL" in refused({}, "no console is configured", platform).remedy


def test_a_missing_credentials_file_says_what_to_set(tmp_path: Path) -> None:
    error = refused({"HOME": str(tmp_path)}, str(tmp_path))
    assert "SENTINELONE_TOKEN" in error.remedy


def test_a_line_without_a_key_is_named_and_not_shown(write: Write) -> None:
    path = write(f"[default]\n= {SECRET}\n", 0o600)
    refused({"SENTINELONE_CONFIG": str(path)}, "line 2 has a value but no key")


def test_the_last_of_repeated_keys_and_profiles_wins() -> None:
    text = "[a]\nurl=1\nurl=2\n[b]\n[a]\ntoken=3\n"
    assert parse_credentials(text) == {"a": {"url": "2", "token": "3"}, "b": {}}


@given(st.text(alphabet=st.sampled_from("[]=:#; \n\r\tab\x00%é\u2028"), max_size=40))
def test_any_text_gives_profiles_or_an_error_with_a_line(text: str) -> None:
    try:
        profiles = parse_credentials(text)
    except ValueError as error:
        assert "has a value but no key" in str(error)  # noqa: PT017 - either end is right
    else:
        assert all(key == key.lower() for keys in profiles.values() for key in keys)


@pytest.mark.parametrize(
    "url",
    ["http://acme.sentinelone.net", "https://evil.example", "https://u:pw@acme.sentinelone.net",
     "https://acme.sentinelone.net/web/api/v2.1"],
)  # fmt: skip
def test_a_doubtful_url_is_refused_by_name(url: str, write: Write) -> None:
    error = refused({**BOTH, "SENTINELONE_URL": url}, "SENTINELONE_URL")
    assert "pw" not in error.message
    path = write(f"[default]\nurl={url}\ntoken={SECRET}\n", 0o600)
    refused({"SENTINELONE_CONFIG": str(path)}, "the url of profile 'default'")


def test_other_hosts_are_allowed_by_suffix() -> None:
    environ = {**BOTH, "SENTINELONE_URL": "https://console.soc.example"}
    refused(environ, "not under")
    allowed = {**environ, "RECONCILER_ALLOWED_HOSTS": " other.example, .SOC.example ,"}
    assert console_settings(allowed).url == "https://console.soc.example"
    refused({**environ, "RECONCILER_ALLOWED_HOSTS": "soc.example/x"}, "RECONCILER_ALLOWED_HOSTS")


def test_a_proxy_is_given_explicitly() -> None:
    environ = {**BOTH, "HTTPS_PROXY": "http://env.example", "ALL_PROXY": "http://env.example"}
    assert console_settings(environ).proxy is None
    environ["RECONCILER_PROXY"] = "http://u:pw@proxy.example:3128"
    assert console_settings(environ).proxy == "http://u:pw@proxy.example:3128"
    environ["SENTINELONE_URL"] = "http://127.0.0.1:8080"
    assert console_settings(environ).proxy is None


@pytest.mark.parametrize(
    "proxy",
    ["proxy.example:3128", "socks5://u:pw@p.example", "http://", "http://[::1", "http://p:x",
     "http://p.example:0", "http://ü.example", "http://p.exam\x01ple"],
)  # fmt: skip
def test_a_proxy_of_another_form_is_an_error_and_not_shown(proxy: str) -> None:
    error = refused({**BOTH, "RECONCILER_PROXY": proxy}, "RECONCILER_PROXY")
    assert proxy not in error.message


def test_a_ca_file_is_given_explicitly(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    environ = {**BOTH, "RECONCILER_CA_FILE": str(pem), "SSL_CERT_FILE": "/nowhere"}
    refused(environ, "RECONCILER_CA_FILE")
    pem.write_text("")
    assert console_settings(environ).ca_file == pem
    assert console_settings({**environ, "RECONCILER_CA_FILE": ""}).ca_file is None
