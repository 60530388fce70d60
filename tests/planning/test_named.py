"""Names of policy tests against names and ids of policies: what is sure, and what only may be."""

import pytest
from builders import BERLIN, NOW, SOC, assign, grant, service, user, world

from reconciler.domain.access import Level
from reconciler.domain.expectation import Filter, Nobody, PolicyTest, Who
from reconciler.domain.policy import Assignment, Policy, RoleName, ScopeName
from reconciler.domain.state import Actual
from reconciler.errors import Place
from reconciler.planning.expectations import judge

HERE = Place("policies/tests.yaml", 4, 9)
DOUBT = "(for all that can be told without --snapshot FILE)"
ON_ID = assign("ana@acme.example", "SOC", account="id:100")
ON_NAME = assign("ana@acme.example", "SOC", account="EMEA")
OWNED = assign("ana@acme.example", "EMEA/SOC", account="EMEA")
ROLE_ID = assign("ana@acme.example", "id:3", account="EMEA")


def broken(
    *assignments: Assignment,
    who: str = "*",
    role: str | None = None,
    on: tuple[Level, str] | None = None,
    actual: Actual | None = None,
) -> list[str]:
    """How `nobody may have this` fails."""
    access = Filter(
        (Who(who, HERE, None),),
        (RoleName(role, HERE),) if role else (),
        (ScopeName(*on, HERE),) if on else (),
        None,
        None,
    )
    policy = Policy(assignments=assignments)
    (verdict,) = judge([PolicyTest("t", HERE, Nobody(access))], policy, actual, NOW)
    return ["maybe" if DOUBT in failure.message else "yes" for failure in verdict.failures]


@pytest.mark.parametrize(
    ("written", "on", "found"),
    [
        (ON_NAME, (Level.SITE, "EMEA/Berlin"), ["yes"]),
        (ON_NAME, (Level.SITE, "US/Austin"), []),
        (ON_NAME, (Level.SITE, "id:101"), ["maybe"]),
        (ON_ID, (Level.SITE, "EMEA/Berlin"), ["maybe"]),
        (ON_ID, (Level.ACCOUNT, "id:100"), ["yes"]),
        (ON_ID, (Level.ACCOUNT, "id:200"), []),
        (ON_ID, (Level.ACCOUNT, "EMEA"), ["maybe"]),
        (ON_NAME, (Level.ACCOUNT, "id:100"), ["maybe"]),
    ],
)
def test_an_id_and_a_name_may_be_the_same_place(
    written: Assignment, on: tuple[Level, str], found: list[str]
) -> None:
    # What a test is about must be in the policies, or the test is void.
    level, text = on
    there = (text,) if level is Level.SITE else ()
    other = assign("bo@x.example", "SOC", *there, account=None if there else text)

    assert broken(written, other, who="ana@*", on=on) == found


@pytest.mark.parametrize(
    ("written", "role", "found"),
    [
        (ROLE_ID, "id:3", ["yes"]),
        (ROLE_ID, "id:4", []),
        (ROLE_ID, "SOC", ["maybe"]),
        (ON_NAME, "id:3", ["maybe"]),
        (ON_NAME, "SOC", ["yes"]),
        (ON_NAME, "Viewer", []),
        (ON_NAME, "EMEA/SOC", ["maybe"]),
        (OWNED, "EMEA/SOC", ["yes"]),
        (OWNED, "US/SOC", []),
        (OWNED, "SOC", ["yes"]),
    ],
)
def test_an_id_and_a_name_may_be_the_same_role(
    written: Assignment, role: str, found: list[str]
) -> None:
    others = [
        assign("bo@x.example", text, "US/Austin") for text in ("id:4", "Viewer", "SOC", "US/SOC")
    ]

    assert broken(written, *others, who="ana@*", role=role) == found


def test_on_a_console_a_service_user_is_found_by_its_id_as_well_and_a_user_is_not() -> None:
    ana, siem = user("1", "ana@acme.example", grant(SOC, BERLIN)), service("3", "siem")
    asked = (
        assign("service:siem", "Viewer", "EMEA/Berlin"),
        assign("ana@acme.example", "SOC", "EMEA/Berlin"),
    )

    assert broken(*asked, who="service:id:3", actual=world(ana, siem)) == ["yes"]
    (void,) = judge(
        [
            PolicyTest(
                "t", HERE, Nobody(Filter((Who("service:id:1", HERE, None),), (), (), None, None))
            )
        ],
        Policy(assignments=asked),
        world(ana, siem),
        NOW,
    )
    assert "service:id:1" in void.failures[0].message


def test_a_test_about_several_people_is_about_each() -> None:
    both = tuple(Who(f"{name}@*", HERE, None) for name in ("ana", "bo"))
    policy = Policy(assignments=(ON_NAME, assign(["bo@x.example", "cy@x.example"], "SOC")))

    (verdict,) = judge(
        [PolicyTest("t", HERE, Nobody(Filter(both, (), (), None, None)))], policy, None, NOW
    )

    told = [failure.message.split(" has ")[0] for failure in verdict.failures]
    assert told == ["ana@acme.example", "bo@x.example"]
