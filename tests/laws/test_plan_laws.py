"""Laws that hold for every world and every policy, checked on random ones."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LYON,
    NOW,
    RELAXED,
    SOC,
    US,
    VIEWER,
    assign,
    gone,
    newcomer,
    plan,
    service,
    user,
    world,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.access import TENANT, Grant, Level, Scope
from reconciler.domain.guardrails import Guardrails, NothingLeft
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Holding, Options, Plan
from reconciler.domain.policy import Assignment, Policy, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan
from reconciler.rendering.as_json import to_json
from reconciler.rendering.tree import plan_tree

PEOPLE = 6
ROLES = (ADMIN, VIEWER, SOC)
SCOPES: dict[Level, tuple[Scope, ...]] = {
    Level.TENANT: (TENANT,),
    Level.ACCOUNT: (EMEA.scope, US.scope),
    Level.SITE: tuple(site.scope for site in (BERLIN, LYON, BRANCH1, BRANCH2, AUSTIN)),
}


@st.composite
def holdings(draw: st.DrawFn) -> frozenset[Grant]:
    """One level, some of its scopes, one role on each."""
    scopes = draw(st.lists(st.sampled_from(SCOPES[draw(st.sampled_from(Level))]), unique=True))
    return frozenset(Grant(scope, draw(st.sampled_from(ROLES))) for scope in scopes)


@st.composite
def people(draw: st.DrawFn) -> list[Principal]:
    """Up to six users and service users with something to hold."""
    found = []
    for number in range(draw(st.integers(0, PEOPLE))):
        grants = draw(holdings())
        make = service if draw(st.booleans()) else user
        name = f"p{number}" if make is service else f"p{number}@acme.example"
        found.append(make(str(1000 + number), name, *grants))
    return found


@st.composite
def wishes(draw: st.DrawFn, principals: list[Principal]) -> list[Assignment]:
    """Assignments for some of the people, one grant each, none of them in conflict."""
    found = []
    for principal in principals:
        if draw(st.booleans()):
            found.append(assign([principal.name.label], "Viewer", account="EMEA"))
            continue
        for number, grant in enumerate(sorted(draw(holdings()), key=lambda each: each.sort_key)):
            found.append(wish(principal, grant, line=10 * number + 1))
    return found


def wish(principal: Principal, grant: Grant, line: int = 1) -> Assignment:
    """The assignment that asks for exactly one grant, by ids."""
    made = assign([principal.name.label], f"id:{grant.role.id}", line=line)
    text = f"id:{grant.scope.id}" if grant.scope.id else ""
    scopes = (ScopeName(grant.scope.level, text, made.place),)
    return replace(made, scopes=scopes)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Actual, list[Assignment]]:
    """A world and a policy for it."""
    principals = draw(people())
    return world(*principals), draw(wishes(principals))


def made(
    actual: Actual,
    assignments: list[Assignment],
    guardrails: Guardrails = RELAXED,
    options: Options = Options(),  # noqa: B008 - frozen
) -> Plan:
    return make_plan(
        Wanted(Policy(assignments=tuple(assignments)), guardrails, options), actual, NOW
    )


def projected(actual: Actual, done: Plan) -> Actual:
    """The console after a plan was carried out."""
    after = {op.principal_id: op.after for op in done.operations}
    kept = [
        _with(principal, after[principal.id]) if principal.id in after else principal
        for principal in actual.principals
    ]
    return replace(actual, principals=tuple(p for p in kept if p is not None))


def _with(principal: Principal, holding: Holding | None) -> Principal | None:
    if holding is None:
        return None
    return replace(principal, level=holding.level, grants=holding.grants)


@given(people())
def test_a_state_compared_with_itself_is_no_change(principals: list[Principal]) -> None:
    actual = world(*principals)
    same = [wish(principal, grant) for principal in principals for grant in principal.grants]

    result = made(actual, same)

    assert result.is_empty
    assert {one.id for one in result.unlisted} == {p.id for p in principals if not p.grants}


@given(cases())
def test_after_the_plan_is_carried_out_there_is_nothing_left_to_do(
    case: tuple[Actual, list[Assignment]],
) -> None:
    actual, assignments = case

    after = projected(actual, made(actual, assignments))

    assert made(after, assignments).is_empty


@given(cases())
def test_the_projected_state_is_what_the_policy_says(
    case: tuple[Actual, list[Assignment]],
) -> None:
    actual, assignments = case

    after = projected(actual, made(actual, assignments))

    held = {p.name: {(g.scope.level, g.scope.id) for g in p.grants} for p in after.principals}
    for assignment in assignments:
        for member in assignment.members:
            for scope in assignment.scopes:
                wanted_id = "100" if scope.text == "EMEA" else (scope.id or "")
                assert (scope.level, wanted_id) in held[member.name]


@given(cases(), st.randoms(use_true_random=False))
def test_no_order_of_any_input_changes_a_byte(
    case: tuple[Actual, list[Assignment]], chance: random.Random
) -> None:
    actual, assignments = case

    def shuffled(things: Any) -> Any:
        return tuple(chance.sample(list(things), len(things)))

    other = replace(
        actual,
        principals=shuffled(actual.principals),
        sites=shuffled(actual.sites),
        roles=shuffled(actual.roles),
        accounts=shuffled(actual.accounts),
    )

    one = to_json(plan_tree(made(actual, assignments), "1"))
    two = to_json(plan_tree(made(other, list(shuffled(assignments))), "1"))

    assert one == two


@given(cases())
def test_whoever_no_assignment_names_is_in_no_operation(
    case: tuple[Actual, list[Assignment]],
) -> None:
    actual, assignments = case
    named = {member.name for entry in assignments for member in entry.members}

    result = made(actual, assignments)

    assert {op.name for op in result.operations} <= named
    assert {one.name for one in result.unlisted}.isdisjoint(named)


@given(cases())
def test_with_no_revokes_every_list_written_holds_everything_that_was_read(
    case: tuple[Actual, list[Assignment]],
) -> None:
    actual, assignments = case

    result = made(actual, assignments, options=Options(no_revokes=True))

    for operation in result.operations:
        assert operation.before is not None
        assert operation.after is not None
        assert set(operation.before.grants) <= set(operation.after.grants)
        assert not operation.revokes


@given(cases(), st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 3))
def test_tightening_a_limit_never_allows_more(
    case: tuple[Actual, list[Assignment]], revokes: int, fraction: float, floor: int
) -> None:
    actual, assignments = case
    loose = replace(
        RELAXED, max_revokes=revokes + 1, max_revoke_fraction=fraction + 0.1, min_admins=floor
    )
    tight = replace(loose, max_revokes=revokes, max_revoke_fraction=fraction, min_admins=floor + 1)

    refused = {refusal.rule for refusal in made(actual, assignments, loose).refusals}

    assert refused <= {refusal.rule for refusal in made(actual, assignments, tight).refusals}


@given(cases())
def test_no_plan_that_passes_goes_below_the_admin_floor(
    case: tuple[Actual, list[Assignment]],
) -> None:
    actual, assignments = case
    result = made(actual, assignments, replace(RELAXED, min_admins=2))
    if result.refusals:
        return

    after = projected(actual, result)

    for scope in {g.scope for p in actual.principals for g in p.grants if g.role == ADMIN}:
        before_count, after_count = _admins(actual, scope), _admins(after, scope)
        assert after_count >= min(2, before_count)


def _admins(actual: Actual, scope: Scope) -> int:
    """A brute-force oracle: who can log in and holds Admin on the scope or above."""
    return sum(
        principal.kind is PrincipalKind.USER
        and any(grant.role == ADMIN and grant.scope.covers(scope) for grant in principal.grants)
        for principal in actual.principals
    )


RICH_PLAN = """
import builders as b
from dataclasses import replace
from datetime import timedelta
from reconciler.domain.guardrails import Override, ScopeLimit
from reconciler.domain.access import Level
from reconciler.rendering.as_json import to_json
from reconciler.rendering.tree import plan_tree
people = [b.user(str(1000 + n), f"u{n}@acme.example", b.grant(b.SOC, b.BERLIN)) for n in range(30)]
bosses = [b.user(str(2000 + n), f"ü{n}@acme.example", b.grant(b.ADMIN, b.EMEA), last_login=seen)
          for n, seen in enumerate((b.SEEN, None, "2026-01-01T00:00:00Z", "?"))]
made = b.plan(
    b.world(*people, *bosses),
    b.assign([p.name.label for p in people[:20]], "Viewer", "EMEA/B*"),
    b.assign(["new@acme.example", "other@acme.example"], "SOC", account="EMEA"),
    b.assign("ü1@acme.example", "Viewer", account="EMEA"),
    users=(b.newcomer("new@acme.example"), b.newcomer("other@acme.example")),
    former=tuple(b.gone(p.name.label) for p in people[20:25]),
    guardrails=replace(
        b.RELAXED, max_revokes=1, min_admins=2, additive_only=True,
        scope_limits=(ScopeLimit(("SOC",), Level.SITE, b.PLACE),),
        overrides=(Override("max_revokes", 2, "merger", b.NOW + timedelta(days=1), b.PLACE),),
    ),
)
print(to_json(plan_tree(made, "1")))
"""

LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1")
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham")


def test_no_hash_seed_locale_or_time_zone_changes_a_byte() -> None:
    outputs = set()
    path = os.pathsep.join(sys.path)
    for run in range(32 if settings().max_examples >= 5000 else 8):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(run * 7919),
            "LC_ALL": LOCALES[run % 4],
            "TZ": ZONES[run // 4 % 4],
            "PYTHONPATH": path,
        }
        done = subprocess.run(
            [sys.executable, "-c", RICH_PLAN], env=environment, capture_output=True, check=True
        )
        outputs.add(done.stdout)

    assert len(outputs) == 1
    made = json.loads(outputs.pop())
    assert made["summary"]["grant"] == 63
    assert {refusal["rule"] for refusal in made["refusals"]} == {
        "additive_only", "max_revokes", "min_admins", "scope_limits",
    }  # fmt: skip
    assert {warning["code"] for warning in made["warnings"]} >= {"few-admins", "override-in-force"}


def test_a_rich_plan_settles_after_one_run() -> None:
    leaver = user("10", "eve@acme.example", Grant(LYON.scope, SOC))
    ana = user("11", "ana@acme.example", Grant(BERLIN.scope, SOC))
    wanted = assign("ana@acme.example", "Viewer", account="EMEA")

    first = plan(world(leaver, ana), wanted, former=(gone("eve@acme.example"),))
    again = plan(
        projected(world(leaver, ana), first),
        wanted,
        former=(gone("eve@acme.example"),),
        users=(newcomer("unused@acme.example"),),
        guardrails=replace(RELAXED, nothing_left=NothingLeft.REFUSE),
    )

    assert len(first.operations) == 2
    assert again.is_empty
