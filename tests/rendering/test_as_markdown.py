"""Markdown parsed back: what others wrote is text in code spans and nothing else (T11, T16)."""

import random
import re
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hostile import Corpus
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.domain.plan import Plan
from reconciler.rendering.as_markdown import LEAST, drift_markdown, plan_markdown
from reconciler.rendering.fitting import COMMENT
from reconciler.rendering.markdown import address, code, row, sentence
from reconciler.rendering.safe import short, visible
from reconciler.rendering.tree import plan_tree

Full = Callable[[str], Plan]
Tree = dict[str, Any]

PARSER = MarkdownIt("gfm-like")
ENDLESS = 100_000_000
OURS = re.compile(
    r"<details><summary>[\w ,:;-]+</summary>\n|</details>\n|<br>|<sub>|</sub>", re.ASCII
)
"""All the HTML there may be."""
PLAIN = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
    *("blockquote_open", "blockquote_close", "softbreak", "strong_open", "strong_close"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
    *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close"),
    *("code_inline", "html_block", "html_inline"),
}
"""All the kinds of tokens there may be: no link, no image, no fence, no rule."""


@lru_cache(maxsize=4)
def tokens(markdown: str) -> list[Token]:
    """Every token, those inside paragraphs and cells after their parents."""
    return [each for token in PARSER.parse(markdown) for each in (token, *(token.children or ()))]


@lru_cache(maxsize=4)
def skeleton(markdown: str) -> list[tuple[str, str, str]]:
    """Everything that a document consists of, except what stands in code spans."""
    return [
        (token.type, token.tag, "" if token.type in {"code_inline", "inline"} else token.content)
        for token in tokens(markdown)
    ]


def spans(markdown: str) -> list[str]:
    return [token.content for token in tokens(markdown) if token.type == "code_inline"]


class Page(HTMLParser):
    """What GitHub's own parser makes of a document, sorted into structure and code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.code: list[str] = []
        self._is_code = False
        html = github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside.append(f"<{tag} {attrs}>")
        self._is_code = tag == "code"
        if self._is_code:
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self.outside.append(f"</{tag}>")
        self._is_code = False

    def handle_data(self, data: str) -> None:
        if self._is_code:
            self.code[-1] += data
        else:
            self.outside.append(data)

    def handle_comment(self, data: str) -> None:
        self.outside.append(f"<!--{data}-->")

    @property
    def skeleton(self) -> str:
        """Everything but what stands in code."""
        return "".join(self.outside)


@lru_cache(maxsize=4)
def page_skeleton(markdown: str) -> str:
    return Page(markdown).skeleton


def shown(value: str, *, is_cut: bool = True) -> str:
    """A value as a reader of the page sees it."""
    told = short(value) if is_cut else visible(value)
    told = told.replace("`", "\\x60") if "`" * 16 in told else told
    return told if told.strip(" ") else "(empty)"


def check_inert(markdown: str) -> None:
    """Nothing but our own structure, our own HTML and words that refer to nothing."""
    for token in tokens(markdown):
        assert token.type in PLAIN, token
        assert not token.attrs or set(token.attrs) == {"style"}, token
        if token.type.startswith("html"):
            assert OURS.fullmatch(token.content), token
        if token.type == "text":
            assert not re.search(r"[@#<`|\\]|://|www\.|GH-|[0-9a-f]{7}", token.content), token


@pytest.fixture(scope="module")
def usual(full: Full) -> str:
    """A plan in which everything is called x."""
    return plan_markdown(plan_tree(full("x"), "x"), limit=ENDLESS)


def test_a_hostile_name_changes_nothing_but_code_spans(
    corpus: Corpus, full: Full, usual: str
) -> None:
    def holds(text: str) -> None:
        # An empty reason is none; everything else keeps its place.
        name = text or " "
        told = plan_markdown(plan_tree(full(name), name), limit=ENDLESS)

        assert skeleton(told) == skeleton(usual)
        check_inert(told)
        assert spans(told).count(shown(name)) > 20
        page = Page(told)
        assert page.skeleton == page_skeleton(usual)
        assert page.code == spans(told)

    corpus.check(holds)


def test_drift_is_told_like_a_plan_but_for_its_sum(full: Full) -> None:
    tree = plan_tree(full("x"), "1")

    one, two = plan_markdown(tree).split("\n", 1), drift_markdown(tree).split("\n", 1)

    assert one[0] != two[0]
    assert one[1] == two[1]


def test_a_hostile_comment_has_room_in_a_comment_and_is_inert(corpus: Corpus, full: Full) -> None:
    def holds(text: str) -> None:
        tree = plan_tree(full(text), text)

        told = plan_markdown(tree)
        least = plan_markdown(tree, limit=LEAST, full_at=text)

        assert len(told) <= COMMENT
        assert len(least) <= LEAST
        if len(text) > 200:
            check_inert(told)

    corpus.check(holds)


def contexts(value: str) -> str:
    """A value in each kind of place where the product puts one, beside others of its like."""
    quoted = code(value)
    cells = row(quoted, f"**+ grant** {quoted} on {quoted}", f"a<br>{quoted}, {sentence(value)}")
    table = f"#### T\n\n{row('a', 'b', 'c')}\n{row('---', '---', '---')}\n{cells}\n{cells}"
    listing = f"- **{quoted}** {sentence(value)}\n  - fix: {quoted}, {quoted}"
    return (
        f"> [!NOTE]\n> x\n\nAt {quoted}, {quoted}.\n\n{table}\n\n{listing}\n\n<sub>{quoted}</sub>\n"
    )


def check_contexts(value: str) -> None:
    told = contexts(value)
    page = Page(told)
    assert skeleton(told) == skeleton(contexts("x")), ascii(value)
    assert page.skeleton == page_skeleton(contexts("x")), ascii(value)
    expected = {shown(value), shown(value, is_cut=False)}
    assert set(spans(told)) == set(page.code) == expected, ascii(value)


def test_a_code_span_holds_a_value_wherever_it_stands(corpus: Corpus) -> None:
    corpus.check(check_contexts)


@given(value=st.text(st.characters(codec=None)))
def test_a_code_span_holds_any_text(value: str) -> None:
    check_contexts(value)


MARKS = "`|\\*_[]()<>!&#@:/.-~$\n\t wx0'\"="


@given(value=st.text(st.sampled_from(MARKS), max_size=40))
def test_a_code_span_holds_any_text_made_of_marks(value: str) -> None:
    check_contexts(value)


@given(value=st.text(st.sampled_from(MARKS), max_size=20))
def test_no_name_made_of_marks_changes_a_document(value: str, full: Full, usual: str) -> None:
    told = plan_markdown(plan_tree(full(value or " "), value), limit=ENDLESS)

    assert skeleton(told) == skeleton(usual)
    assert Page(told).skeleton == page_skeleton(usual)


@pytest.mark.weekly
def test_twenty_thousand_random_texts_stay_in_their_code_spans() -> None:
    dice = random.Random(20261122)  # noqa: S311 -- a test that repeats itself, no secret
    for _ in range(20_000):
        length = dice.randrange(1, 30)
        chars = (
            dice.choice(MARKS) if dice.random() < 0.5 else chr(dice.randrange(0x110000))
            for _ in range(length)
        )
        check_contexts("".join(chars))


def test_the_check_itself_finds_what_is_not_inert() -> None:
    for active in (
        *("[x](http://e.example)", "![](http://e.example)", "<b>x</b>", "www.e.example", "# @x"),
        *("ana@e.example", "http://e.example", "@ana", "see #1", "```\nx\n```", "---\n", "1. x"),
        *("*x*", "~~x~~", "<!-- x -->", "<details>\n"),
    ):
        with pytest.raises(AssertionError):
            check_inert(active)


def test_a_run_of_backticks_that_github_does_not_know_is_escaped() -> None:
    assert code("`" * 15) == f"{'`' * 16} {'`' * 15} {'`' * 16}"
    assert code("`" * 16) == f"`{chr(92)}x60{(chr(92) + 'x60') * 15}`"
    # The limit that this is about: such a fence is no fence to GitHub's parser.
    assert Page(f"{'`' * 81}<b>{'`' * 81}").code == []


def test_only_a_plain_https_address_is_a_link() -> None:
    run = "https://github.com/acme/access/actions/runs/1"

    assert address(run) == f"<{run}>"
    for other in ("http://e.example", "https://e.example/?a=b", "https://e.example/\n", "x", "a>"):
        assert address(other) == code(other)
    assert address("https://e.example/" + "a" * 500).startswith("`")
    link = [token for token in tokens(address(run)) if token.type == "link_open"]
    assert [token.attrGet("href") for token in link] == [run]


# --- what it says ---------------------------------------------------------------------------


@pytest.fixture
def tree(full: Full) -> Tree:
    """A plan of every shape."""
    return plan_tree(full("x"), "1")


def quiet(tree: Tree) -> Tree:
    """The same without refusals, changed roles and changes now or later, and every role known."""
    roles = [{**role, "digest": "sha256:" + "d" * 64} for role in tree["roles"]]
    none: Tree = {"refusals": [], "role_changes": [], "operations": [], "coming": []}
    return {**tree, **none, "roles": roles}


def with_changes(tree: Tree, action: str, risk: str) -> Tree:
    operation = deepcopy(tree["operations"][0])
    operation["changes"] = [{**operation["changes"][0], "action": action, "risk": risk}]
    counts = dict.fromkeys(tree["summary"], 0) | {action: 1}
    return {**quiet(tree), "operations": [operation], "summary": counts}


def test_nothing_is_called_harmless_while_it_is_not_known_what_a_role_permits(tree: Tree) -> None:
    unread = [{**role, "digest": None} for role in tree["roles"][:1]]

    assert verdict({**with_changes(tree, "grant", "low"), "roles": unread}) == (
        "> [!IMPORTANT] > **What the roles permit is not known of 1 role.**"
    )


def verdict(tree: Tree) -> str:
    return " ".join(plan_markdown(tree).split("\n\n")[1].splitlines())


def test_the_first_line_is_the_sum_and_the_next_the_verdict(tree: Tree) -> None:
    told = plan_markdown(tree).split("\n\n")

    assert told[0] == (
        "### Plan: 2 to grant, 3 to revoke, 1 to invite, 1 to delete, 2 unlisted. "
        "1 new grant opens later."
    )
    assert told[1] == (
        "> [!CAUTION]\n> **Refused (2 reasons): nothing will be written.** 2 changes of high "
        "risk. 3 revokes. 1 API token to revoke. 2 roles changed since pinned, 1 of them giving "
        "access. 1 new grant opens later, 1 of high risk."
    )
    assert drift_markdown(tree).startswith("### Drift: 2 missing, 3 not in the policies")


def test_the_verdict_follows_the_worst_there_is(tree: Tree) -> None:
    empty = {**quiet(tree), "summary": dict.fromkeys(tree["summary"], 0)}
    roles = tree["role_changes"]

    assert verdict(with_changes(tree, "grant", "high")) == (
        "> [!WARNING] > **1 change of high risk.**"
    )
    assert verdict({**empty, "role_changes": roles}).startswith("> [!WARNING] > **2 roles changed")
    assert verdict({**empty, "role_changes": roles[1:]}) == (
        "> [!IMPORTANT] > **Nothing of high risk.** 1 role changed since pinned."
    )
    assert verdict(with_changes(tree, "revoke", "low")) == (
        "> [!IMPORTANT] > **Nothing of high risk.** 1 revoke."
    )
    assert verdict(with_changes(tree, "grant", "medium")) == (
        "> [!NOTE] > **Nothing of high risk, no revokes.**"
    )
    assert verdict(empty) == "> [!NOTE] > **Nothing to change.**"


def test_nothing_to_change_never_stands_alone_over_what_opens_later(tree: Tree) -> None:
    empty = {**quiet(tree), "summary": dict.fromkeys(tree["summary"], 0)}
    new, known = tree["coming"]
    mild = {**new, "risk": "low"}

    assert verdict({**empty, "coming": [known]}) == (
        "> [!NOTE] > **Nothing to change now; 1 grant opens later.**"
    )
    assert verdict({**empty, "coming": [mild, known]}) == (
        "> [!IMPORTANT] > **Nothing of high risk.** Nothing to change now; 2 grants open later, "
        "1 of them new with this change."
    )
    assert verdict({**empty, "coming": [new]}) == (
        "> [!WARNING] > **Nothing to change now; 1 grant opens later, new with this change, 1 of "
        "high risk.**"
    )
    calm = with_changes(tree, "grant", "low")
    assert verdict({**calm, "coming": [mild]}) == (
        "> [!IMPORTANT] > **Nothing of high risk.** 1 new grant opens later."
    )


def test_what_is_new_and_opens_later_is_never_left_out_and_what_was_known_is_counted(
    tree: Tree,
) -> None:
    new, known = tree["coming"]
    people = [{**new, "principal": {**new["principal"], "name": f"u{n}"}} for n in range(300)]
    tall = {**quiet(tree), "coming": [known] * 300 + people}

    told = plan_markdown(tall, limit=60_000)

    assert len(told) <= 60_000
    assert all(f": `u{n}` (" in told for n in range(300))
    missing = re.search(r"\*\*(\d+) rows not shown .*?:\*\* (\d+) later grants, ", told)
    assert missing is not None
    assert told.count(": `x`\n") == 300 - int(missing[2])
    assert "no revoke is among them, and nothing new that opens later." in told


def test_without_room_for_a_line_each_they_are_named_together_or_nothing_is_shown(
    tree: Tree,
) -> None:
    new = tree["coming"][0]
    people = [{**new, "principal": {**new["principal"], "name": f"u{n}"}} for n in range(2_000)]
    tall = {**quiet(tree), "coming": people}

    brief, cut = plan_markdown(tall, limit=30_000), plan_markdown(tall, limit=9_000)

    assert all(f"`u{n}`" in brief for n in range(2_000))
    assert brief.count("**opens later**") == 1
    assert "REFUSED TO RENDER SAFELY" in cut
    assert "2000 new grants for later" in cut
    assert "`u1`" not in cut


def test_the_worst_stands_first_and_only_the_harmless_is_folded(tree: Tree) -> None:
    grants = with_changes(tree, "grant", "low")["operations"]
    told = plan_markdown({**tree, "operations": tree["operations"] + grants})

    heads = ["#### Refused", "#### Roles that", "#### High risk", "#### Access taken", "<details>"]
    assert [told.index(head) for head in heads] == sorted(told.index(head) for head in heads)
    shown, folded = told[: told.index("<details>")], told[told.index("<details>") :]
    assert shown.count("| **- revoke** `x`") == 3
    assert "**- revoke**" not in folded
    assert "**HIGH" not in folded
    assert "1 low-risk grant" in folded


def test_the_evidence_stands_at_the_foot(tree: Tree) -> None:
    foot = plan_markdown(tree, full_at="https://ci.example/1").split("\n\n")[-1]

    for digest in ("content_digest", "policy_digest", "guardrails_digest"):
        assert tree[digest] in foot
    assert "The whole plan: <https://ci.example/1>" in foot


# --- what is left out -----------------------------------------------------------------------


def long_tree(tree: Tree, *, revokes: int = 0, grants: int = 0, unlisted: int = 0) -> Tree:
    """A plan with names of several bytes a letter: so many revokes, grants and unlisted."""
    before = tree["operations"][0]

    def operation(number: int, action: str) -> Tree:
        name = f"管理者{number:05}@acme.example"
        change = {**before["changes"][1], "action": action, "risk": "low"}
        principal = {"kind": "user", "name": name, "id": str(number)}
        return {**before, "principal": principal, "changes": [change]}

    people = [operation(number, "revoke") for number in range(revokes)]
    people += [operation(revokes + number, "grant") for number in range(grants)]
    one = tree["unlisted"][0]
    crowd = [
        {**one, "principal": {**one["principal"], "name": f"ü{number}", "id": f"9{number:05}"}}
        for number in range(unlisted)
    ]
    counts = {"grant": grants, "revoke": revokes, "invite": 0, "delete": 0, "unlisted": unlisted}
    changed = {"operations": people, "unlisted": crowd, "summary": counts}
    return {**tree, "role_changes": [], **changed}


def test_the_limit_is_kept_to_the_character(tree: Tree) -> None:
    tall = long_tree(tree, revokes=20, grants=80, unlisted=20)
    whole = plan_markdown(tall, limit=ENDLESS)
    length = len(whole)
    assert length < len(whole.encode())

    assert plan_markdown(tall, limit=length + 1) == whole
    assert plan_markdown(tall, limit=length) == whole
    cut = plan_markdown(tall, limit=length - 1)
    assert len(cut) < length
    assert "not shown here for want of room" in cut


def test_a_cut_is_at_a_row_and_says_what_is_missing_and_where_it_is(tree: Tree) -> None:
    tall = long_tree(tree, revokes=3, grants=300, unlisted=50)

    told = plan_markdown(tall, limit=40_000, full_at="https://ci.example/1")

    assert len(told) <= 40_000
    grants = told.count("| **+ grant** `x` on `x` |")
    missing = re.search(r"\*\*(\d+) rows not shown .*?:\*\* (\d+) low-risk grants, (.*?)\.", told)
    assert missing is not None
    assert int(missing[2]) == 300 - grants
    assert missing[3] == "1 later grant, 50 unlisted principals, 3 warnings"
    assert int(missing[1]) == 300 - grants + 54
    assert "The whole plan: <https://ci.example/1>" in told
    assert told.count("**- revoke**") == 3
    # The cut document is whole: its tables and folds end.
    assert told.count("<details>") == told.count("</details>")
    check_inert(plan_markdown(tall, limit=40_000))


def test_no_limit_at_all_hides_a_revoke_or_a_refusal_in_silence(tree: Tree) -> None:
    tall = long_tree(tree, revokes=60, grants=60, unlisted=60)
    length = len(plan_markdown(tall, limit=ENDLESS))
    kinds = set()

    for limit in range(LEAST, length + 2, 997):
        told = plan_markdown(tall, limit=limit, full_at="the artefact")
        assert len(told) <= limit
        kind = next((word for word in ("SAFELY", "in brief") if word in told), "in full")
        kinds.add(kind)
        if kind != "SAFELY":
            assert told.count("**- revoke**") == 60
            assert all(f"管理者{number:05}" in told for number in range(60))
            assert told.count("- **`") == 2
    assert kinds == {"in brief", "in full"}


def test_what_may_not_be_left_out_shrinks_before_it_is_refused(tree: Tree) -> None:
    tall = long_tree(tree, revokes=300)

    brief = plan_markdown(tall, limit=40_000)
    assert len(brief) <= 40_000
    assert "#### High risk and revokes, in brief" in brief
    assert brief.count("**- revoke**") == 300
    check_inert(brief)


def test_where_not_even_that_fits_nothing_is_shown_but_that(tree: Tree) -> None:
    told = plan_markdown(long_tree(tree, revokes=3_000), full_at="https://ci.example/1")

    assert len(told) <= COMMENT
    assert "REFUSED TO RENDER SAFELY" in told
    assert "2 refusals, 0 changes of high risk, 3000 revokes, 0 changed roles" in told
    assert "Do not approve by this text" in told
    assert "<https://ci.example/1>" in told
    assert "管理者" not in told


def test_less_room_than_that_is_an_error_of_the_caller(tree: Tree) -> None:
    with pytest.raises(ValueError, match="needs room for 8192 characters, not 8191"):
        plan_markdown(tree, limit=LEAST - 1)
