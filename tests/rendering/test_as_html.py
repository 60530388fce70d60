"""The page read back by an HTML parser: no value ever becomes an element or an attribute."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from builders import BERLIN, LYON, SOC, VIEWER, assign, grant, plan, user, world
from hostile import Corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.plan import Plan
from reconciler.rendering import html_matrix
from reconciler.rendering.as_html import drift_html, plan_html
from reconciler.rendering.as_json import to_json
from reconciler.rendering.markup import element, named, page, text
from reconciler.rendering.stylesheet import STYLE
from reconciler.rendering.tree import plan_tree

Shape = list[tuple[str, str, tuple[tuple[str, str | None], ...]]]
PAGES = [plan_html, drift_html]
_VOID = {"meta"}
_WORDS = {
    *("grant", "revoke", "high", "medium", "low", "invite", "update", "delete", "revoke token"),
    *("tenant", "account", "site"),
}
"""Words that the schema lists; nothing else gets past it."""


class Reader(HTMLParser):
    """Writes down the elements of a page, its attributes and its text; nesting must be right."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: Shape = []
        self.told: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(("<", tag, tuple(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self.shape.append((">", tag, ()))

    def handle_data(self, data: str) -> None:
        self.told.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def close(self) -> None:
        super().close()
        assert self._open == []


def read(told: str) -> Reader:
    reader = Reader()
    reader.feed(told)
    reader.close()
    return reader


@cache
def harmless(render: Callable[[Any], str], full: Callable[[str], Plan]) -> Shape:
    """The elements of a page about harmless names."""
    return read(render(plan_tree(full("harmless"), "1"))).shape


def words(told: str) -> str:
    return " ".join("".join(read(told).told).split())


def small() -> Any:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN))
    return plan_tree(plan(world(held), assign("ana@acme.example", "Viewer", "EMEA/Lyon")), "1")


@pytest.mark.parametrize("render", PAGES)
def test_a_hostile_name_leaves_the_elements_as_they_are(
    corpus: Corpus,
    render: Callable[[Any], str],
    full: Callable[[str], Plan],
    check_harmless: Callable[..., None],
) -> None:
    def holds(text: str) -> None:
        told = render(plan_tree(full(text), text))

        assert read(told).shape == harmless(render, full)
        check_harmless(told, color=False)
        assert told.isascii()

    corpus.check(holds)


HTML = [
    *("<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "</title>", "<!--"),
    *("-->", "]]>", "<?php ?>", "&lt;b&gt;", "&#x3c;b&#x3e;", "&amp", '"><svg onload=alert(1)>'),
    *("' onmouseover='alert(1)", "javascript:alert(1)", "</bdi></main>", "<base href=//x>"),
    *("<a href=//evil.example>x</a>", "<meta http-equiv=refresh content=0>", "{{x}}", "\x00<b>"),
]


@pytest.mark.parametrize("value", HTML)
def test_markup_in_a_name_is_only_ever_text(value: str, full: Callable[[str], Plan]) -> None:
    told = plan_html(plan_tree(full(value), value))

    reader = read(told)
    assert reader.shape == harmless(plan_html, full)
    assert value.replace("\x00", "\\x00") in "".join(reader.told)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_no_text_of_a_saved_plan_becomes_markup(
    data: st.DataObject, full: Callable[[str], Plan]
) -> None:
    """Whoever edits a saved plan may change every text in it, also those that are ours."""
    tree = json.loads(to_json(plan_tree(full("x"), "1")))
    evil = data.draw(st.sampled_from([*HTML, "\x1b[2J", "\ud800", "\n::error::x"]))

    def spoil(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: spoil(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [spoil(inner) for inner in node]
        is_word = isinstance(node, str) and node not in _WORDS
        return node + evil if is_word and data.draw(st.booleans()) else node

    reader = read(plan_html(spoil(tree)))

    usual = read(plan_html(tree)).shape
    assert {tag for _, tag, _ in reader.shape} <= {tag for _, tag, _ in usual}
    tones = {("class", tone) for tone in ("gain", "loss", "change")}
    attributes = {pair for _, _, pairs in reader.shape for pair in pairs}
    assert attributes <= tones | {pair for _, _, pairs in usual for pair in pairs}


def test_nothing_may_load_or_run_and_only_the_style_by_its_hash_counts() -> None:
    told = plan_html(small())

    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', told)
    styles = re.findall(r"<style>(.*?)</style>", told, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert styles == [STYLE]
    assert policy == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    assert not re.search(r"url\(|@import|</", STYLE)


def test_the_policy_stands_before_the_style_it_allows() -> None:
    told = plan_html(small())

    assert told.index("Content-Security-Policy") < told.index("<style>")


@pytest.mark.parametrize("render", PAGES)
def test_there_is_no_script_no_link_and_no_attribute_that_acts(
    render: Callable[[Any], str], full: Callable[[str], Plan]
) -> None:
    shape = read(render(plan_tree(full("x"), "1"))).shape

    tags = {tag for _, tag, _ in shape}
    attributes = {name for _, _, pairs in shape for name, _ in pairs}
    assert not tags & {"script", "a", "img", "link", "iframe", "form", "object", "base"}
    assert attributes == {
        *("lang", "charset", "name", "content", "http-equiv", "class", "scope", "id"),
        *("role", "tabindex", "aria-labelledby"),
    }


def test_a_reader_is_told_the_language_the_title_and_what_heads_a_cell(
    full: Callable[[str], Plan],
) -> None:
    told = plan_html(plan_tree(full("x"), "1"))
    shape = read(told).shape

    assert ("<", "html", (("lang", "en"),)) in shape
    assert "<title>Access plan</title>" in told
    heads = [dict(pairs).get("scope") for sign, tag, pairs in shape if (sign, tag) == ("<", "th")]
    assert set(heads) == {"row", "col"}
    labelled = {dict(pairs).get("aria-labelledby") for _, _, pairs in shape} - {None}
    assert labelled <= {dict(pairs).get("id") for _, _, pairs in shape}


def test_headings_go_down_one_step_at_a_time(full: Callable[[str], Plan]) -> None:
    shape = read(plan_html(plan_tree(full("x"), "1"))).shape

    steps = [int(tag[1]) for sign, tag, _ in shape if sign == "<" and re.fullmatch("h[1-6]", tag)]
    assert steps[0] == 1
    assert steps.count(1) == 1
    assert all(two <= one + 1 for one, two in pairwise(steps))


def luminance(color: str) -> float:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_has_the_contrast_that_the_accessibility_guidelines_ask_for() -> None:
    """WCAG 2.1, level AA: 4.5 to 1, by day, by night and on paper."""
    themes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in STYLE.split(":root {")[1:]
    ]
    assert len(themes) == 3
    for colors in themes:
        pairs = [(tone, f"{tone}-back") for tone in ("gain", "loss", "change")]
        pairs += [(tone, "paper") for tone in ("gain", "loss", "change", "ink", "quiet")]
        pairs += [("ink", "box"), ("quiet", "box")]
        pairs += [("quiet", f"{tone}-back") for tone in ("gain", "loss", "change")]
        for ink, paper in pairs:
            one, two = sorted((luminance(colors[ink]), luminance(colors[paper])))
            assert (two + 0.05) / (one + 0.05) >= 4.5, (ink, paper, colors)


def test_the_verdict_and_the_sum_stand_first(full: Callable[[str], Plan]) -> None:
    refused = words(plan_html(plan_tree(full("x"), "1")))

    assert refused.index(
        "Refused: nothing will be written while this stands. Roles permit"
    ) < refused.index("Plan: 2 to grant")
    assert refused.index("Plan: 2 to grant") < refused.index("Refusals")
    assert refused.index("Refusals") < refused.index("Roles that changed")
    assert refused.index("Roles that changed") < refused.index("Changes, worst first")
    assert "The worst risk is LOW. Plan: 1 to grant, 1 to revoke" in words(plan_html(small()))
    assert "Nothing to change. No changes. 0 unlisted." in words(
        plan_html(plan_tree(plan(world()), "1"))
    )


@pytest.mark.parametrize(("gives_access", "tone"), [(True, "loss"), (False, "change")])
def test_a_role_that_changed_is_in_the_verdict_even_when_there_is_nothing_to_do(
    gives_access: bool, tone: str, full: Callable[[str], Plan]
) -> None:
    tree = plan_tree(plan(world()), "1")
    tree["role_changes"] = [
        change | {"gives_access": gives_access}
        for change in plan_tree(full("x"), "1")["role_changes"]
    ]

    told = drift_html(tree)

    assert f'class="verdict {tone}"' in told
    assert "Roles permit something else than when they were pinned. Drift: 0 missing" in words(told)


def test_a_plan_for_some_says_for_whom(full: Callable[[str], Plan]) -> None:
    told = words(plan_html(plan_tree(full("x"), "1")))

    assert "Only for x. Without revokes." in told
    assert "Only for" not in words(plan_html(small()))
    assert "Without revokes" not in words(plan_html(small()))


def test_an_operation_tells_why_where_by_what_commit_and_what_it_permits(
    full: Callable[[str], Plan],
) -> None:
    told = words(plan_html(plan_tree(full("Zed"), "1")))

    assert "+ grant Zed on Zed HIGH" in told
    assert "window opened; until 2026-11-22T09:00:00Z; reason: Zed" in told
    assert "commit cccccccccccc Zed by Zed; at Zed:3:5, Zed:3:5, Zed" in told
    assert "Level changes: site → account" in told
    assert "What it means on Zed: Zed → Zed" in told
    assert "Zed → Zed Permits more Zed: Zed Permits less Zed: Zed" in told
    assert "What these roles permit could not be read." in told
    assert "Note: Zed" in told


def test_unlisted_people_come_with_admins_first(full: Callable[[str], Plan]) -> None:
    told = words(plan_html(plan_tree(full("x"), "1")))

    listed = told[told.index("Reported, not touched.") :]
    assert listed.index("! admin service:x: Admin on tenant") < listed.index("x: x on x, x on x")


def test_somebody_who_is_changed_or_holds_nothing_is_told_as_such(
    full: Callable[[str], Plan],
) -> None:
    tree = plan_tree(full("x"), "1")
    one, two = tree["unlisted"]
    one["principal"]["id"] = tree["operations"][0]["principal"]["id"]
    two["holding"]["grants"] = []

    told = words(plan_html(tree))

    assert told.count("service:x: nothing") == 1
    assert "x: x on x" not in told.replace("service:x", "")


def test_no_change_is_left_out(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    told = words(plan_html(tree))

    changes = [change["action"] for each in tree["operations"] for change in each["changes"]]
    assert told.count("+ grant") == changes.count("grant")
    assert told.count("- revoke") == changes.count("revoke")


def test_drift_is_told_in_its_own_words() -> None:
    told = words(drift_html(small()))

    assert "Drift for https://acme.sentinelone.net" in told
    assert "Drift: 1 missing, 1 not in the policies, 0 unlisted." in told


def test_a_cell_says_in_words_and_marks_what_colour_says() -> None:
    people = [
        user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON)),
        user("11", "bo@acme.example", grant(VIEWER, LYON)),
    ]
    made = plan(
        world(*people),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin"),
        assign("bo@acme.example", "Viewer", "EMEA/Lyon", "EMEA/Berlin"),
    )

    cells = re.findall(r"<td[^>]*>.*?</td>", plan_html(plan_tree(made, "1")))

    told = {(re.findall(r'class="(\w+)"', cell) or [""])[0]: words(cell) for cell in cells}
    assert told["change"] == "~ SOC → Viewer"
    assert told["loss"] == "- SOC"
    assert told["gain"] == "+ Viewer"
    assert told[""] == "= Viewer"


def test_a_table_too_large_for_a_page_is_said_to_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html_matrix, "CELLS", 1)

    told = words(plan_html(small()))

    assert "1 x 2 cells are more than a page can show; --format csv has every change." in told


def test_a_plan_without_changes_has_no_matrix() -> None:
    assert "<table" not in plan_html(plan_tree(plan(world()), "1"))


def test_only_what_the_builder_made_is_markup() -> None:
    assert element("b", "<i>", element("i", "x")) == "<b>&lt;i&gt;<i>x</i></b>"
    assert text("<") == "&lt;"
    assert named("") == "<bdi>(empty)</bdi>"
    assert element("p", class_='a"b') == '<p class="a&quot;b"></p>'


def test_letters_beyond_ascii_are_references() -> None:
    assert "&#252;" in page("x", element("p", "ü"))
