import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.redact import HIDDEN, redacted

CANARY = "canary-4711"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"
LEGACY = "aB3" * 26 + "xY"


def nested(key: str, value: Any, depth: int) -> Any:
    tree: Any = {key: value, "id": "1"}
    for level in range(depth):
        tree = [tree] if level % 2 else {"inner": tree, "name": "kept"}
    return tree


@pytest.mark.parametrize("depth", [0, 1, 2, 7])
@pytest.mark.parametrize(
    "key",
    [
        *("token", "Token", "registrationToken", "registration_token", "accessToken", "tokens"),
        *("password", "newPassword", "PASSWD", "passphrase", "clientSecret", "secret", "api_key"),
        *("apiKey", "X-API-Key", "privateKey", "site_key", "cookie", "Set-Cookie", "credentials"),
        *("authorization", "bearer", "jwt", "licenseKey", "token\u00ad", "t_o_k_e_n"),
        *("registrationKey", "installKey", "privKey", "sshKey", "recoveryCodes", "pwd", "totp"),
    ],
)
def test_a_key_that_looks_secret_is_left_out_at_any_depth(key: str, depth: int) -> None:
    for value in (CANARY, 4711, True, None, [CANARY], {"value": CANARY}):
        told = redacted(nested(key, value, depth))
        assert CANARY not in json.dumps(told)
        assert "4711" not in json.dumps(told)
        assert key not in json.dumps(told)
        assert json.dumps(told).count('"id": "1"') == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ({}, {}),
        (
            {"createdAt": "2026-01-05T08:00:00Z", "expiresAt": "2028-01-05T08:00:00Z"},
            {"createdAt": "2026-01-05T08:00:00Z", "expiresAt": "2028-01-05T08:00:00Z"},
        ),
        ({"value": CANARY, "token": CANARY, "createdAt": None, "other": 1}, {}),
        ({"createdAt": {"value": CANARY}, "expiresAt": [CANARY]}, {}),
        ({"createdAt": JWT}, {"createdAt": HIDDEN}),
    ],
)
@pytest.mark.parametrize("depth", [0, 3])
def test_of_an_api_token_only_the_two_times_stay(given: Any, kept: Any, depth: int) -> None:
    assert redacted(nested("apiToken", given, depth)) == nested("apiToken", kept, depth)


def test_an_api_token_that_is_a_text_is_left_out() -> None:
    assert redacted({"apiToken": CANARY, "id": "1"}) == {"id": "1"}


def test_flags_about_tokens_stay_but_nothing_else_under_their_name() -> None:
    flags = {"canGenerateApiToken": True, "hasValidApiToken": False}
    assert redacted(flags) == flags
    assert redacted(dict.fromkeys(flags, CANARY)) == {}


@pytest.mark.parametrize("secret", [JWT, "eyJ1cmwiOiJodHRwczovLyJ9", LEGACY])
def test_a_text_in_the_form_of_a_token_is_hidden_wherever_it_stands(secret: str) -> None:
    told = redacted(
        {"description": f"for the SIEM: {secret}, until May", secret: 1, "list": [secret]}
    )
    assert told == {"description": f"for the SIEM: {HIDDEN}, until May", "list": [HIDDEN]}


@pytest.mark.parametrize(
    "text",
    [
        *("Users.allowGenerateApiToken", "eyJ", "Eyjafjallajökull", "a" * 79, "a" * 81, "é" * 80),
        *("1820000000000000101", "ana@acme.example", "Generate API token", ""),
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert redacted({"name": text}) == {"name": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), JSON))
def test_redacting_twice_changes_nothing_and_the_order_of_keys_counts_for_nothing(
    record: dict[str, Any],
) -> None:
    told = redacted(record)
    assert json.dumps(redacted(told)) == json.dumps(told)
    assert json.dumps(redacted(dict(reversed(record.items())))) == json.dumps(told)


@pytest.mark.parametrize("key", ["scopeRoles", "siteRoles"])
def test_the_order_of_grants_counts_for_nothing(key: str) -> None:
    entries = [{"id": "2", "roleId": "9"}, {"roleId": "8"}, {"id": "2", "roleId": "8"}, None]
    orders = ([entries[i] for i in order] for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]))
    assert len({json.dumps(redacted({key: each})) for each in orders}) == 1
    assert redacted({key: "odd"}) == {key: "odd"}


def test_the_order_of_other_lists_is_kept() -> None:
    assert redacted({"tenantRoles": ["b", "a"]}) == {"tenantRoles": ["b", "a"]}


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}-{CANARY}",
        f"apitoken {CANARY}-{CANARY}",
        f"https://ana:{CANARY}@proxy.acme.example/x",
    ],
)
def test_a_text_that_carries_a_credential_is_told_without_it(text: str) -> None:
    told = json.dumps(redacted({"description": text}))

    assert CANARY not in told
    assert HIDDEN in told
