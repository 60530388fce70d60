"""Whole plans in words: a world, an assignment, and beside it what people and machines read.

`pytest tests/rendering --bless` writes tests/plans anew; then read the diff.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LYON,
    NOW,
    OWN,
    RELAXED,
    SITES,
    SOC,
    TRIAGE,
    US,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    newcomer,
    parked,
    pinned,
    plan,
    service,
    user,
    world,
)
from jsonschema import Draft202012Validator

from reconciler.domain.access import Level, Role
from reconciler.domain.guardrails import Guardrails, NothingLeft, PrivilegedRule, Unlisted
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Commit, Options, Plan, UndoOf
from reconciler.domain.policy import Policy
from reconciler.domain.undo import Done, Entries, Undo
from reconciler.domain.wanted import Wanted
from reconciler.errors import Place
from reconciler.planning.causes import History, Recent, with_commits
from reconciler.planning.make import make_plan
from reconciler.rendering.annotations import plan_annotations
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_markdown import plan_markdown
from reconciler.rendering.as_text import drift_text, plan_text
from reconciler.rendering.tree import plan_tree
from reconciler.resources import resource

PLANS = Path(__file__).resolve().parent.parent / "plans"
SCHEMA = json.loads((resource("schemas") / "plan.schema.json").read_text("utf-8"))
HOUR = timedelta(hours=1)
SGR = re.compile(r"\x1b\[[0-9;]+m")
Tree = dict[str, Any]

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
BO = user("11", "bo@acme.example", grant(VIEWER, LYON))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def no_differences() -> Plan:
    return plan(world(ANA), STANDING)


def nothing_to_change_but_somebody_unlisted() -> Plan:
    return plan(world(ANA, user("11", "bo@acme.example", grant(VIEWER, LYON))), STANDING)


def grants_with_reasons_and_several_places() -> Plan:
    return plan(
        world(ANA),
        assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon", line=4, reason="INC-4411"),
        assign("ana@acme.example", "SOC", "EMEA/Lyon", line=9),
        assign("ana@acme.example", "SOC", "EMEA/*", line=14),
    )


def revokes_of_what_nobody_asks_for() -> Plan:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(ADMIN, LYON))
    return plan(world(held), STANDING)


def a_replaced_role() -> Plan:
    return plan(world(ANA), assign("ana@acme.example", "Admin", "EMEA/Berlin", line=7))


def a_level_change() -> Plan:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, AUSTIN))
    return plan(
        world(held, user("11", "bo@acme.example", grant(SOC, LYON))),
        assign("ana@acme.example", "EMEA/Triage", account="EMEA", line=7),
        assign("bo@acme.example", "Viewer", line=8),
    )


def permitting(role: Role, *permissions: str) -> RolePermissions:
    """What a role permits, written as `Users.edit`."""
    parts = [(text, *text.split(".")) for text in sorted(permissions)]
    granted = (Permission(page, text, verb.title()) for text, page, verb in parts)
    return RolePermissions(role.id, tuple(granted))


def a_level_change_with_permissions_known() -> Plan:
    """Berlin gets another role, Lyon keeps its own, the rest of EMEA is new, Austin is lost."""
    held = user(
        "10", "ana@acme.example", grant(SOC, BERLIN), grant(TRIAGE, LYON), grant(SOC, AUSTIN)
    )
    pages = (
        permitting(SOC, "Threats.view", "Threats.mitigate", "Sites.view"),
        permitting(TRIAGE, "Threats.view", "Endpoints.isolate", "Sites.view"),
    )
    return plan(
        replace(world(held), permissions=pages),
        assign("ana@acme.example", "EMEA/Triage", account="EMEA", line=7),
    )


def custom_roles_that_give_access() -> Plan:
    """Triage is named like a small role, and may make users: it ranks as Admin does."""
    people = (
        user("10", "ana@acme.example", grant(VIEWER, EMEA)),
        user("11", "bo@acme.example", grant(TRIAGE, BERLIN)),
        user("12", "cy@acme.example", grant(VIEWER)),
        user("13", "dee@acme.example", grant(SOC, BERLIN)),
    )
    pages = (
        permitting(VIEWER, "Sites.view", "Users.view"),
        permitting(TRIAGE, "Sites.view", "Users.view", "Users.create", "Roles.edit"),
    )
    return plan(
        replace(world(*people), permissions=pages),
        assign("ana@acme.example", "EMEA/Triage", account="EMEA", line=2),
        assign("bo@acme.example", "Viewer", "EMEA/Berlin", line=3),
        assign("cy@acme.example", "Admin", line=4),
        assign("dee@acme.example", "Viewer", "EMEA/Berlin", line=5),
    )


def invitations() -> Plan:
    return plan(
        world(),
        assign("new@acme.example", "Admin", account="EMEA", line=3),
        assign("ünal@bücher.example", "SOC", "EMEA/Berlin", line=4),
        users=(newcomer("new@acme.example"), newcomer("ünal@bücher.example", "Ünal Öz")),
    )


def a_deletion() -> Plan:
    return plan(world(ANA), former=(gone("ana@acme.example"),))


def somebody_parked() -> Plan:
    guardrails = replace(RELAXED, nothing_left=parked())
    return plan(world(ANA), former=(gone("ana@acme.example"),), guardrails=guardrails)


def a_token_that_is_left() -> Plan:
    """Dee is parked already, and the token was never revoked."""
    dee = replace(
        user("13", "dee@acme.example", grant(VIEWER, LYON)),
        token_created="2026-11-01T08:00:00.000000Z",  # noqa: S106 - when, not what
    )
    people = world(ANA, dee)
    guardrails = replace(RELAXED, nothing_left=parked())
    return plan(people, STANDING, former=(gone("dee@acme.example"),), guardrails=guardrails)


def an_undo() -> Plan:
    """Ana goes back to SOC, Bo's invitation is taken back; Cy was changed since, Dee deleted."""
    left = {name: Entries(Level.SITE, frozenset({("101", "2")})) for name in ("10", "11", "12")}
    was = Entries(Level.SITE, frozenset({("101", "3"), ("103", "3")}))

    def done(label: str, id_: str, before: Entries | None, after: Entries | None) -> Done:
        return Done(PrincipalName.user(label), id_, before, after)

    of = UndoOf("4f1c09d2a7b3e655", "sha256:" + "5" * 64)
    what = (
        done("ana@acme.example", "10", was, left["10"]),
        done("bo@acme.example", "11", None, left["11"]),
        done("cy@acme.example", "12", was, left["12"]),
        done("dee@acme.example", "13", was, None),
    )
    people = world(
        user("10", "ana@acme.example", grant(VIEWER, BERLIN)),
        user("11", "bo@acme.example", grant(VIEWER, BERLIN)),
        user("12", "cy@acme.example", grant(ADMIN, BERLIN)),
    )
    unknown = (PrincipalName.user("fay@acme.example"),)
    undo = Undo(of, people.origin, what, unknown, "sha256:" + "6" * 64)
    wanted = Wanted(Policy(digest=undo.digest), RELAXED, Options(undo_of=of), undo=undo)
    return make_plan(wanted, people, NOW)


def an_open_window_with_a_reason() -> Plan:
    window = assign(
        "ana@acme.example",
        "Admin",
        account="EMEA",
        start=NOW - HOUR,
        end=NOW + HOUR,
        reason="INC-4411 containment",
        line=12,
    )
    return plan(world(ANA), STANDING, window)


def a_window_without_an_end() -> Plan:
    window = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW - HOUR, line=12)
    return plan(world(ANA), STANDING, window)


def windows_that_open_later() -> Plan:
    """Nothing changes now; of what is new one is for somebody to be invited, and one lasts on."""
    call = assign(
        ["ana@acme.example", "service:robot"],
        "SOC",
        "EMEA/Lyon",
        start=NOW + 10 * HOUR,
        end=NOW + 12 * HOUR,
        reason="on call",
        line=8,
    )
    triage = assign(
        "ana@acme.example", "Triage", "EMEA/Branch-*", start=NOW + HOUR, end=NOW + 2 * HOUR, line=20
    )
    admin = assign(
        ["ana@acme.example", "new@acme.example"],
        "Admin",
        account="EMEA",
        start=NOW + 3 * HOUR,
        end=NOW + 4 * HOUR,
        reason="INC-4411",
        line=30,
    )
    return plan(
        world(ANA, BO, service("53", "robot", grant(VIEWER, BERLIN))),
        STANDING,
        assign("service:robot", "Viewer", "EMEA/Berlin", line=5),
        call,
        triage,
        admin,
        assign("service:robot", "Admin", "EMEA/Branch-?", start=NOW + 13 * HOUR, line=40),
        assign("bo@acme.example", "Viewer", "EMEA/Lyon", end=NOW + 500 * HOUR, line=50),
        users=(newcomer("new@acme.example"),),
        base=(
            STANDING,
            assign("service:robot", "Viewer", "EMEA/Berlin", line=5),
            call,
            assign("bo@acme.example", "Viewer", "EMEA/Lyon", end=NOW + 2 * HOUR, line=50),
        ),
    )


def a_closed_window() -> Plan:
    held = user("10", "ana@acme.example", grant(ADMIN, EMEA))
    return plan(
        world(held), STANDING, assign("ana@acme.example", "Admin", account="EMEA", end=NOW - HOUR)
    )


def a_site_that_appeared() -> Plan:
    held = user("10", "ana@acme.example", grant(SOC, BRANCH1))
    return plan(world(held), assign("ana@acme.example", "SOC", "EMEA/Branch-*", line=6))


def your_changes_and_console_drift_with_their_commits() -> Plan:
    """Bo moved to Lyon by a commit; Ana was made Admin in the console, and lost Lyon there."""
    made = plan(
        world(
            user("10", "ana@acme.example", grant(ADMIN, BERLIN)),
            user("11", "bo@acme.example", grant(SOC, BERLIN)),
        ),
        assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon", line=4),
        assign("bo@acme.example", "SOC", "EMEA/Lyon", line=9),
        base=(
            assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon", line=4),
            assign("bo@acme.example", "SOC", "EMEA/Berlin", line=9),
        ),
    )
    first = Commit("1" * 40, "Noor Haddad", "The first policies")
    moved = Commit("2" * 40, "Ada Okafor", "Bo moves to Lyon, whose night shift lacks one")
    written = {Place("policies/a.yaml", 4, 5): first, Place("policies/a.yaml", 9, 5): moved}
    recent = Recent(moved, frozenset({"bo@acme.example"}), frozenset({"bo@acme.example"}))
    return with_commits(made, History(written, (recent,), is_clean=True))


def a_renamed_site() -> Plan:
    """Branch-1 became Closed, which the pattern does not find; Berlin is named, and still meant."""
    closed, mitte = replace(BRANCH1, name="Closed"), replace(BERLIN, name="Mitte")
    held = user("10", "ana@acme.example", grant(SOC, closed), grant(SOC, BRANCH2))
    asked = assign("ana@acme.example", "SOC", "EMEA/Branch-*", "EMEA/Berlin", line=6)
    after = {site.id: site for site in (*SITES, closed, mitte)}
    pins = in_file(pinned(world(held), asked))
    return plan(world(held, sites=tuple(after.values())), asked, pins=pins)


def roles_that_changed_since_they_were_pinned() -> Plan:
    """SOC may make users now, and Ana would get it; Triage lost what it permitted."""
    people = (
        user("10", "ana@acme.example", grant(VIEWER, BERLIN)),
        user("11", "bo@acme.example", grant(SOC, LYON)),
        user("12", "cy@acme.example", grant(TRIAGE, EMEA)),
        service("53", "siem-export", grant(SOC, BERLIN)),
    )
    asked = (
        assign("ana@acme.example", "SOC", "EMEA/Berlin", line=6),
        assign("cy@acme.example", "EMEA/Triage", account="EMEA", line=7),
    )
    then = (permitting(SOC, "Threats.view"), permitting(TRIAGE, "Threats.view"))
    now = (permitting(SOC, "Threats.view", "Users.create"), permitting(TRIAGE))
    pins = in_file(pinned(replace(world(*people), permissions=then), *asked))
    return plan(replace(world(*people), permissions=now), *asked, pins=pins)


def a_view_that_shrank() -> Plan:
    """The token sees one account and no site of it; Ana would lose Lyon, and bo is not pinned."""
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    bo = user("11", "bo@acme.example", grant(SOC, LYON))
    pins = in_file(pinned(world(ana, bo), STANDING))
    narrow = world(ana, bo, sites=tuple(site for site in SITES if site.account_id == EMEA.id))
    return plan(
        replace(narrow, accounts=(EMEA,)),
        STANDING,
        assign("bo@acme.example", "SOC", "EMEA/Lyon", line=8),
        pins=pins,
    )


def in_file(pins: Pins) -> Pins:
    """The pins as if they were read from a file."""
    place = Place("policies/pins.yaml", 9, 3)
    return replace(
        pins,
        view=replace(pins.view, place=place),
        principals=tuple(replace(pin, place=place) for pin in pins.principals),
        scopes=tuple(replace(pin, place=place) for pin in pins.scopes),
        roles=tuple(replace(pin, place=place) for pin in pins.roles),
    )


def refused_by_several_guardrails() -> Plan:
    people = [user(str(20 + n), f"u{n}@acme.example", grant(SOC, LYON)) for n in range(7)]
    boss = user("10", "boss@acme.example", grant(ADMIN, US))
    guardrails = Guardrails(
        nothing_left=NothingLeft.DELETE,
        protected=(PrincipalName.user("boss@acme.example"),),
        allowed_domains=("acme.example",),
        privileged=(
            PrivilegedRule(
                ("Admin",),
                HOUR,
                require_reason=True,
                standing_allowed=False,
                place=Place("policies/guardrails.yaml", 8, 3),
            ),
        ),
    )
    return plan(
        world(boss, *people),
        assign("boss@acme.example", "Viewer", account="US", line=2),
        assign("eve@evil.example", "Admin", account="US", line=3),
        users=(newcomer("eve@evil.example", "Eve"),),
        former=tuple(gone(one.name.label) for one in people),
        guardrails=guardrails,
    )


def nothing_left_is_refused() -> Plan:
    guardrails = replace(RELAXED, nothing_left=NothingLeft.REFUSE)
    return plan(world(ANA), former=(gone("ana@acme.example"),), guardrails=guardrails)


def unlisted_people_admins_first() -> Plan:
    sites = (BERLIN, LYON, BRANCH1, AUSTIN)
    crowd = [user(str(100 + n), f"x{n:02}@acme.example", grant(VIEWER, LYON)) for n in range(20)]
    return plan(
        world(
            ANA,
            *crowd,
            user("50", "many@acme.example", *(grant(SOC, site) for site in sites)),
            user("51", "root@acme.example", grant(ADMIN)),
            user("52", "nobody@acme.example"),
            service("53", "siem-export", grant(VIEWER)),
        ),
        STANDING,
    )


def unlisted_people_revoked() -> Plan:
    guardrails = replace(RELAXED, unlisted=Unlisted.REVOKE)
    old = user("52", "old@acme.example", grant(VIEWER))
    robot = service("53", "robot", grant(VIEWER))
    return plan(world(ANA, old, robot), STANDING, guardrails=guardrails)


def notes_and_warnings() -> Plan:
    sso = user("11", "sso@acme.example", grant(SOC, LYON), grant(SOC, WARSAW), source="sso_saml")
    left = user("12", "left@acme.example", grant(SOC, LYON), grant(SOC, WARSAW))
    seen = world(sso, left, identity=replace(OWN, level=Level.ACCOUNT, scope_ids=("100",)))
    return plan(
        replace(seen, notes=("The accounts were taken from the sites.",)),
        assign("sso@acme.example", "Viewer", "EMEA/Lyon", line=5),
        assign("left@acme.example", "SOC", "EMEA/Lyon", line=6),
    )


def a_part_without_revokes() -> Plan:
    held = user("10", "ana@acme.example", grant(VIEWER, LYON))
    return plan(
        world(held, user("11", "bo@acme.example", grant(VIEWER, LYON))),
        STANDING,
        assign("bo@acme.example", "SOC", "EMEA/Berlin"),
        no_revokes=True,
        targets=("ana@acme.example",),
    )


def from_a_snapshot() -> Plan:
    """What the console had three days before the plan."""
    made = plan(world(user("10", "ana@acme.example", grant(VIEWER, BERLIN))), STANDING)
    return replace(made, snapshot=NOW - timedelta(days=3))


def service_users_and_every_risk() -> Plan:
    return plan(
        world(
            service("53", "siem-export", grant(VIEWER, LYON)),
            ANA,
            user("11", "bo@acme.example", grant(SOC, LYON)),
            user("12", "cy@acme.example", grant(TRIAGE, EMEA)),
        ),
        STANDING,
        assign("service:siem-export", "Viewer", "EMEA/Lyon", "EMEA/Berlin", line=20),
        assign("bo@acme.example", "SOC", "EMEA/Lyon", line=21),
        assign("bo@acme.example", "Admin", "EMEA/Berlin", line=22),
        assign("cy@acme.example", "Admin", line=23),
    )


CASES: dict[str, Callable[[], Plan]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        no_differences,
        nothing_to_change_but_somebody_unlisted,
        grants_with_reasons_and_several_places,
        revokes_of_what_nobody_asks_for,
        a_replaced_role,
        a_level_change,
        a_level_change_with_permissions_known,
        custom_roles_that_give_access,
        invitations,
        a_deletion,
        somebody_parked,
        a_token_that_is_left,
        an_undo,
        an_open_window_with_a_reason,
        a_window_without_an_end,
        windows_that_open_later,
        a_closed_window,
        a_site_that_appeared,
        your_changes_and_console_drift_with_their_commits,
        a_renamed_site,
        roles_that_changed_since_they_were_pinned,
        a_view_that_shrank,
        refused_by_several_guardrails,
        nothing_left_is_refused,
        unlisted_people_admins_first,
        unlisted_people_revoked,
        notes_and_warnings,
        a_part_without_revokes,
        from_a_snapshot,
        service_users_and_every_risk,
    )
}


def tree_of(case: str) -> Tree:
    """The machine form of a case; the files that the digests are of are not part of it."""
    made = replace(
        CASES[case](),
        policy_digest="sha256:" + "1" * 64,
        guardrails_digest="sha256:" + "2" * 64,
    )
    return plan_tree(made, "0.0.0")


@pytest.mark.parametrize("case", CASES)
def test_a_plan_reads_as_it_was_approved(case: str, request: pytest.FixtureRequest) -> None:
    tree = tree_of(case)
    told = {
        "plan.txt": plan_text(tree, color=False),
        "plan.md": plan_markdown(tree),
        "annotations.txt": plan_annotations(tree),
        "plan.json": to_json(tree),
        "drift.txt": drift_text(tree, color=False),
    }
    folder = PLANS / case
    if request.config.getoption("--bless"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in told.items():
            (folder / name).write_text(text, encoding="utf-8")

    assert told == {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_every_approved_plan_has_its_world() -> None:
    assert {folder.name for folder in PLANS.iterdir()} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_json_matches_the_published_schema(case: str) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(to_json(tree_of(case))))


@pytest.mark.parametrize("case", CASES)
def test_text_draws_from_the_machine_form_alone(case: str) -> None:
    tree = tree_of(case)
    read = json.loads(to_json(tree))

    assert read == tree
    for color in (False, True):
        assert plan_text(read, color=color) == plan_text(tree, color=color)
        assert drift_text(read, color=color) == drift_text(tree, color=color)


@pytest.mark.parametrize("case", CASES)
def test_colour_says_nothing_that_words_do_not(case: str) -> None:
    tree = tree_of(case)

    assert SGR.sub("", plan_text(tree, color=True)) == plan_text(tree, color=False)
    assert SGR.sub("", drift_text(tree, color=True)) == drift_text(tree, color=False)


@pytest.mark.parametrize("case", CASES)
def test_text_tells_every_change(case: str) -> None:
    tree = tree_of(case)
    told = plan_text(tree, color=False).splitlines()

    changes = [line for line in told if line.startswith(("    + grant ", "    - revoke"))]
    wanted = [change for operation in tree["operations"] for change in operation["changes"]]
    assert len(changes) == len(wanted)
    for change in wanted:
        role, scope = change["role"]["name"], change["scope"]["name"]
        pattern = re.compile(rf"{change['action']} +{re.escape(role)} +on {re.escape(scope)}\b")
        assert any(pattern.search(line) for line in changes)


@pytest.mark.parametrize("case", CASES)
def test_the_same_world_gives_the_same_bytes(case: str) -> None:
    assert to_json(tree_of(case)) == to_json(tree_of(case))


def test_every_property_and_every_word_of_the_schema_occurs_in_some_plan() -> None:
    """Not only with an empty value: somewhere each property says something."""
    seen = {spot for case in CASES for spot in _occurring(SCHEMA, tree_of(case), "plan")}
    published = set(_published(SCHEMA, "plan"))
    for name, definition in SCHEMA["$defs"].items():
        published |= set(_published(definition, name))

    # Only a saved plan has a seal; tests/documents/test_plan_file.py looks at it.
    assert published - seen == {"plan.seal"}


def _published(schema: Tree, name: str) -> Iterator[str]:
    for key, inner in schema.get("properties", {}).items():
        yield f"{name}.{key}"
        yield from _published(inner, f"{name}.{key}")
    for word in schema.get("enum", ()):
        yield f"{name}={word}"


def _occurring(schema: Tree, value: Any, name: str) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = SCHEMA["$defs"][name]
    if value is None:
        return
    for choice in schema.get("oneOf", ()):
        if choice.get("type") != "null":
            yield from _occurring(choice, value, name)
    for key, inner in schema.get("properties", {}).items():
        if value.get(key):
            yield f"{name}.{key}"
            yield from _occurring(inner, value[key], f"{name}.{key}")
    if "items" in schema:
        for item in value:
            yield from _occurring(schema["items"], item, name)
    if "enum" in schema:
        yield f"{name}={value}"
