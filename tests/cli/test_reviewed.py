"""What of a saved plan may be executed, role by role."""

from dataclasses import replace
from datetime import timedelta

from builders import LYON, NOW, RELAXED, ROLES, SOC, assign, grant, lines, user, world

from reconciler.cli.writing.reviewed import Reviewed, reviewed_plan
from reconciler.documents.plan_file import sealed
from reconciler.domain.access import Role
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.plan import Options
from reconciler.domain.policy import Policy
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan
from reconciler.rendering.tree import plan_tree

HUNTER, SWEEPER = Role("7", "Hunter"), Role("8", "Sweeper")
LATER = NOW + timedelta(hours=1)


def permits(role: Role, page: str) -> RolePermissions:
    return RolePermissions(role.id, (Permission(page, f"{page}.edit", "Edit"),))


def test_a_role_silently_turned_into_admin_is_not_granted_because_another_is_unreadable() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, LYON))
    bo = user("11", "bo@acme.example", grant(SOC, LYON))
    both = replace(
        world(ana, bo, roles=(*ROLES, HUNTER, SWEEPER)),
        permissions=(permits(SOC, "Threats"), permits(HUNTER, "Hunt"), permits(SWEEPER, "Sweep")),
    )
    policy = Policy(
        assignments=(
            assign("ana@acme.example", "Hunter", "EMEA/Lyon"),
            assign("bo@acme.example", "Sweeper", "EMEA/Lyon"),
        )
    )
    wanted = Wanted(policy, RELAXED, Options())
    saved = sealed(plan_tree(make_plan(wanted, both, NOW), "1.0"))
    turned = replace(both, permissions=(permits(SOC, "Threats"), permits(HUNTER, "Users")))

    decision = reviewed_plan(wanted, turned, Reviewed(saved, only_planned=True), LATER)

    assert lines(decision.plan) == [
        "+ bo@acme.example Sweeper on EMEA/Lyon",
        "- bo@acme.example SOC on EMEA/Lyon",
    ]
    assert [one.name.label for one in decision.left_out] == ["ana@acme.example"]
