"""What `explain` and `who-can` say, whatever others called things."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import BERLIN, LYON, NOW, SOC, assign, gone, grant, user, world
from hostile import Corpus
from jsonschema import Draft202012Validator

from reconciler.domain.access import Grant
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.plan import Commit
from reconciler.domain.policy import Assignment, Policy, Window
from reconciler.domain.state import Actual
from reconciler.errors import Place, Problem
from reconciler.planning.answers import Access, Answer, Source, Standing, State, explain
from reconciler.planning.known import Known
from reconciler.rendering.answers import Question, answers_tree
from reconciler.rendering.answers_text import explain_text, who_can_text
from reconciler.rendering.as_json import to_json
from reconciler.resources import resource

ANA = "ana@acme.example"
HOUR = timedelta(hours=1)
SGR = re.compile(r"\x1b\[[0-9;]+m")
WINDOW = Window(NOW - HOUR, NOW + HOUR)
SCHEMA = json.loads((resource("schemas") / "answers.schema.json").read_text("utf-8"))


def told(policy: Policy, actual: Actual | None = None, on: str | None = None, **more: Any) -> str:
    known = Known.of(policy, actual, NOW)
    scope = known.scope(on) if on else None
    answer = explain(known, ANA, scope)
    tree = answers_tree(Question(NOW, principal=answer.name, on=scope, **more), [answer])
    return explain_text(tree, color=False)


def asking(*assignments: Assignment) -> Policy:
    return Policy(assignments=assignments)


def everything(text: str) -> tuple[Question, list[Answer]]:
    """Answers of every shape, with this text in every free field."""
    place = Place(text, 3, 5)
    scope, role = replace(BERLIN.scope, name=text), replace(SOC, name=text)
    source = Source(place, text, text, WINDOW, text)
    accesses = tuple(
        Access(Grant(scope, role), state, (source,), WINDOW if held else None, held)
        for state in State
        for held in (True, False, None)
    )
    question = Question(
        NOW,
        principal=PrincipalName.user(text),
        wanted=text,
        permission=Permission(text, text, text),
        on=replace(LYON.scope, name=text),
        commit=text,
        origin="https://acme.sentinelone.net",
        notes=(text,),
        problems=(Problem(place, "a", text, text), Problem(None, "a", text, text)),
        commits={place: Commit("1" * 40, text, text)},
    )
    answers = [
        Answer(PrincipalName.user(text), "1", standing, place, accesses, held, (text,))
        for standing, held in zip(Standing, (True, False, None, True), strict=True)
    ]
    return question, answers


def test_an_open_window_tells_its_end_and_where_it_is_written() -> None:
    window = assign(ANA, "SOC", "EMEA/B*", start=NOW - HOUR, end=NOW + HOUR, reason="INC-1", line=4)
    member = replace(window.members[0], group="soc")

    assert told(asking(replace(window, members=(member,)))) == (
        "ana@acme.example\n"
        "  SOC on EMEA/B*  in force until 2026-11-22T10:00:00Z\n"
        "    policies/a.yaml:4:5  through group soc  by pattern EMEA/B*  "
        'from 2026-11-22T08:00:00Z until 2026-11-22T10:00:00Z  "INC-1"\n'
    )


def test_whoever_holds_nothing_now_is_told_so_beside_what_is_coming() -> None:
    coming = assign(ANA, "SOC", "EMEA/Berlin", start=NOW + HOUR)

    assert told(asking(coming)).splitlines()[1:] == [
        "  SOC on EMEA/Berlin  coming",
        "    policies/a.yaml:1:5  from 2026-11-22T10:00:00Z",
        "  holds nothing now",
    ]


def test_somebody_who_is_to_be_invited_is_not_on_the_console() -> None:
    lines = told(asking(assign(ANA, "SOC", "EMEA/Berlin")), world()).splitlines()

    assert lines[0] == "ana@acme.example  not on the console"
    assert lines[-1] == "  holds nothing now"


def test_a_leaver_has_a_place_and_a_commit() -> None:
    former = gone(ANA)
    commits = {former.place: Commit("a" * 40, "Ada", "Ana leaves")}
    actual = world(user("10", ANA, grant(SOC, BERLIN)))

    assert told(Policy(former=(former,)), actual, commits=commits) == (
        "ana@acme.example  former: must hold nothing  policies/a.yaml:95:5\n"
        "      aaaaaaaaaa Ada: Ana leaves\n"
        "  SOC on EMEA/Berlin  in no policy, the console has it\n"
    )


def test_what_the_console_and_the_policies_agree_on_that_is_not_held_agrees() -> None:
    over = assign(ANA, "SOC", "EMEA/Berlin", end=NOW)

    assert "  SOC on EMEA/Berlin  closed, the console agrees\n" in told(
        asking(over), world(user("10", ANA))
    )


@pytest.mark.parametrize(
    ("count", "first"),
    [(0, "Nobody has SOC on tenant."), (1, "1 principal has"), (4, "4 principals have")],
)
def test_how_many_is_told_first(count: int, first: str) -> None:
    question, answers = everything("SOC")
    asked = replace(question, permission=None, on=replace(LYON.scope, name="tenant"))

    assert who_can_text(answers_tree(asked, answers[:count]), color=False).startswith(first)


def test_colour_says_nothing_that_words_do_not() -> None:
    question, answers = everything("x")
    tree = answers_tree(question, answers)

    painted = who_can_text(tree, color=True)
    assert SGR.search(painted)
    assert SGR.sub("", painted) == who_can_text(tree, color=False)


def test_the_machine_form_matches_its_schema_and_uses_all_of_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    question, answers = everything("x")
    full = answers_tree(question, answers)
    none = answers_tree(Question(NOW, principal=PrincipalName.user(ANA)), [])

    for tree in (full, none):
        Draft202012Validator(SCHEMA).validate(json.loads(to_json(tree)))
    states = {access["state"] for access in full["answers"][0]["accesses"]}
    assert states == set(SCHEMA["$defs"]["access"]["properties"]["state"]["enum"])
    standings = {answer["standing"] for answer in full["answers"]}
    assert standings == set(SCHEMA["$defs"]["answer"]["properties"]["standing"]["enum"])
    _closed(SCHEMA)


def _closed(schema: Mapping[str, Any]) -> None:
    """Every object lists what it may hold and must hold, and they are the same."""
    if "properties" in schema:
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(schema["properties"])
    for inner in schema.values():
        for each in inner.values() if isinstance(inner, dict) else ():
            if isinstance(each, dict):
                _closed(each)


def test_whatever_others_call_things_is_harmless(
    corpus: Corpus, check_harmless: Callable[..., None]
) -> None:
    def holds(text: str) -> None:
        question, answers = everything(text)
        tree, first = answers_tree(question, answers), answers_tree(question, answers[:1])

        for color in (False, True):
            check_harmless(who_can_text(tree, color=color), color=color)
            check_harmless(explain_text(first, color=color), color=color)
        assert json.loads(to_json(tree)) == tree

    corpus.check(holds)
