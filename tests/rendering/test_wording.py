"""What an operation means, in the words that every output shares."""

from typing import Any

import pytest

from reconciler.rendering.wording import (
    access_roles,
    commit_text,
    danger,
    effects,
    headline,
    listed,
    plural,
    role_change,
    unread,
    why,
)

Tree = dict[str, Any]


def quote(value: str) -> str:
    return f"<{value}>"


def said(value: str) -> str:
    return f'"{value}"'


def scope(name: str, level: str = "site") -> Tree:
    return {"level": level, "id": "" if level == "tenant" else str(len(name)), "name": name}


def effect(
    *scopes: Tree, before: str | None = None, after: str | None = None, **parts: Any
) -> Tree:
    roles = {"before": before, "after": after}
    named = {key: {"id": name, "name": name} if name else None for key, name in roles.items()}
    return {"scopes": scopes, "gained": {}, "lost": {}, "is_known": True, **named} | parts


def told(one: Tree, *changed: Tree, risk: str = "high") -> list[str]:
    changes = [{"scope": each, "risk": risk} for each in changed]
    operation = {"effects": [one], "changes": changes}
    return list(effects(operation, quote))


B, L = scope("EMEA/Berlin"), scope("EMEA/Lyon!")
EMEA = scope("EMEA", "account")


def test_a_replaced_role_tells_what_it_permits_more_and_less() -> None:
    gained = {"Policy": ["View"], "Users": ["Create", "Edit"]}

    assert told(
        effect(B, before="SOC", after="Admin", gained=gained, lost={"Hunt": ["Run"]}), B
    ) == [
        (
            "<SOC> -> <Admin> on <EMEA/Berlin>: permits more: <Users>: <Create>, <Edit>; "
            "views 1 page; permits less: <Hunt>: <Run>"
        )
    ]


def test_a_replaced_role_of_the_same_or_of_unknown_pages_says_so() -> None:
    same = effect(B, before="SOC", after="SOC 2")

    assert told(same, B) == ["<SOC> -> <SOC 2> on <EMEA/Berlin>: permits the same"]
    assert told(same | {"is_known": False}, B) == [
        "<SOC> -> <SOC 2> on <EMEA/Berlin>: what it permits more or less is not known"
    ]


def test_many_pages_and_permissions_are_cut_with_a_count_those_about_access_first() -> None:
    pages = {f"Page {number}": ["View"] for number in range(7)}
    pages |= {"Roles": [f"R{number}" for number in range(6)], "Service Users": ["View", "Edit"]}
    pages |= {f"Act {number}": ["Run"] for number in range(3)}

    assert told(effect(B, after="Admin", gained=pages), B) == [
        (
            "<Admin> on <EMEA/Berlin>: permits more: <Roles>: <R0>, <R1>, <R2>, <R3> and 2 more; "
            "<Service Users>: <Edit>; <Act 0>: <Run>; and 2 more pages; views 8 pages"
        )
    ]


def test_reach_beyond_what_is_written_is_counted_by_level() -> None:
    sites = [scope(f"EMEA/{number:02}{'x' * number}") for number in range(14)]

    assert told(effect(EMEA, *sites, after="Triage"), EMEA) == [
        "reaches 1 account and 14 sites more as <Triage>: <EMEA>, <EMEA/00>, <EMEA/01x> and 12 more"
    ]
    assert told(effect(B, L, before="SOC", lost={"Hunt": ["Run"]}), EMEA) == [
        "reaches 2 sites fewer as <SOC>: <EMEA/Berlin>, <EMEA/Lyon!>; permits less: <Hunt>: <Run>"
    ]
    tenant = scope("tenant", "tenant")
    assert told(effect(tenant, EMEA, after="Admin"), B) == [
        "reaches the tenant and 1 account more as <Admin>: <tenant>, <EMEA>"
    ]


def test_a_role_that_is_held_from_above_afterwards_stays() -> None:
    assert told(effect(L, before="Triage", after="Triage"), EMEA, L) == [
        "<Triage> stays on <EMEA/Lyon!>"
    ]


def test_what_the_changes_say_anyway_is_not_told_twice() -> None:
    assert told(effect(B, after="SOC"), B) == []
    assert told(effect(B, after="SOC", is_known=False), B, L) == []
    assert told(effect(B), L) == []


def test_what_an_ordinary_role_permits_is_no_news_but_the_difference_between_two_is() -> None:
    gained = {"Hunt": ["Run"]}

    assert told(effect(B, after="SOC", gained=gained), B, risk="low") == []
    assert told(effect(EMEA, B, after="SOC", gained=gained), L, risk="low") == [
        "reaches 1 account and 1 site more as <SOC>: <EMEA>, <EMEA/Berlin>"
    ]
    assert told(effect(B, before="IT", after="SOC", gained=gained), B, risk="low") == [
        "<IT> -> <SOC> on <EMEA/Berlin>: permits more: <Hunt>: <Run>"
    ]


def test_roles_of_unknown_pages_are_named_and_counted() -> None:
    roles = [{"name": f"R{number:02}", "digest": None} for number in range(12)]
    known = {"name": "SOC", "digest": "sha256:0"}

    assert unread({"roles": [known]}, quote) == ""
    assert unread({"roles": [*roles, known]}, quote).endswith("<R08>, <R09> and 2 more.")


def test_a_changed_role_names_its_holders_and_counts_them() -> None:
    holders = [f"u{number:02}" for number in range(12)]
    change = {"id": "4", "name": "Triage", "gives_access": False, "holders": holders}

    assert role_change(change, quote).endswith(
        "<Triage> (<id:4>) permits something else than when it was pinned; held by 12: "
        "<u00>, <u01>, <u02>, <u03>, <u04>, <u05>, <u06>, <u07>, <u08>, <u09> and 2 more"
    )
    assert "now gives access; held by nobody" in role_change(
        change | {"gives_access": True, "holders": []}, quote
    )


@pytest.mark.parametrize(
    ("action", "risk", "words"),
    [
        ("grant", "high", "HIGH, gives access"),
        ("grant", "low", "gives access"),
        ("revoke", "medium", "MEDIUM"),
        ("revoke", "low", ""),
    ],
)
def test_a_grant_of_a_role_that_gives_access_is_flagged(action: str, risk: str, words: str) -> None:
    roles = [{"id": "1", "gives_access": True}, {"id": "2", "gives_access": False}]
    access = access_roles({"roles": roles})

    assert access == {"1"}
    assert danger({"action": action, "risk": risk, "role": {"id": "1"}}, access) == words
    assert danger({"action": "grant", "risk": "low", "role": {"id": "2"}}, access) == ""


def test_reasons_are_our_words_and_anything_else_is_a_value() -> None:
    window = {"from": None, "until": "2026-11-22T10:00:00Z"}
    change = {"reason": "console drift", "window": window, "note": "INC-4411"}

    assert why(change, quote, said) == [
        "console drift",
        "until <2026-11-22T10:00:00Z>",
        '"INC-4411"',
    ]
    plain = {"window": None, "note": None}
    assert why(plain | {"reason": "policy"}, quote, said) == []
    assert why(plain | {"reason": "::error::x"}, quote, said) == ["<::error::x>"]


def test_a_headline_tells_what_happens_to_the_principal() -> None:
    site, account = {"level": "site"}, {"level": "account"}
    moved = {"kind": "update", "before": site, "after": account}

    assert headline(moved, quote, said) == "level changes: <site> -> <account>"
    assert headline(moved | {"after": site}, quote, said) == ""
    assert headline({"kind": "delete"}, quote, said) == "delete the user: nothing is left"
    assert headline({"kind": "invite", "full_name": "Ana"}, quote, said) == 'invite "Ana"'


def test_small_words() -> None:
    assert (plural(1, "change"), plural(2, "change")) == ("1 change", "2 changes")
    assert listed(["a", "b"], 2, quote) == "<a>, <b>"
    assert listed(["a", "b", "c"], 2, quote) == "<a>, <b> and 1 more"
    assert commit_text({"id": "abcdef0123", "subject": "Why"}, quote) == "<abcdef0> <Why>"
