"""Who would hold what where."""

from typing import Any

from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    EMEA,
    LYON,
    SOC,
    VIEWER,
    assign,
    gone,
    grant,
    plan,
    user,
    world,
)

from reconciler.domain.plan import Plan
from reconciler.rendering.matrix import Cell, Matrix, matrix
from reconciler.rendering.tree import plan_tree


def drawn(made: Plan, effects: Any = None) -> Matrix:
    tree = plan_tree(made, "1")
    for operation in tree["operations"]:
        operation["effects"] = effects or []
    return matrix(tree)


def names(roles: tuple[Any, ...]) -> list[str]:
    return [role["name"] for role in roles]


def cells(made: Matrix) -> dict[tuple[str, str], Cell]:
    return {
        (operation["principal"]["name"], scope["name"]): cell
        for operation, row in made.rows
        for scope, cell in zip(made.scopes, row, strict=True)
    }


def test_each_cell_has_the_roles_before_and_after() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))

    made = drawn(
        plan(world(held), assign("ana@acme.example", "Viewer", "EMEA/Berlin", "US/Austin"))
    )

    told = {where: (names(c.before), names(c.after)) for (_, where), c in cells(made).items()}
    assert told == {
        "EMEA/Berlin": (["SOC"], ["Viewer"]),
        "EMEA/Lyon": (["SOC"], []),
        "US/Austin": ([], ["Viewer"]),
    }


def test_scopes_that_the_plan_leaves_alone_are_counted_and_left_out() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    other = user("11", "bo@acme.example", grant(SOC, LYON))

    made = drawn(
        plan(
            world(held, other),
            assign("ana@acme.example", "SOC", "EMEA/Lyon"),
            assign("bo@acme.example", "SOC", "EMEA/Lyon", "EMEA/Berlin"),
        )
    )

    assert [scope["name"] for scope in made.scopes] == ["EMEA/Berlin"]
    assert made.unchanged == 1


def test_the_widest_scope_comes_first_and_the_worst_operation_too() -> None:
    made = drawn(
        plan(
            world(
                user("10", "ana@acme.example", grant(SOC, AUSTIN)),
                user("11", "bo@acme.example", grant(ADMIN)),
                user("12", "cy@acme.example", grant(SOC, BERLIN)),
            ),
            assign("ana@acme.example", "SOC", "EMEA/Berlin"),
            assign("bo@acme.example", "Admin", account="EMEA"),
            assign("cy@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"),
        )
    )

    assert [scope["level"] for scope in made.scopes] == ["tenant", "account", *["site"] * 3]
    assert made.rows[0][0]["principal"]["name"] == "bo@acme.example"


def test_what_counts_on_a_scope_goes_before_what_is_written_there() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN))
    lyon = {"level": "site", "id": "102", "name": "EMEA/Lyon"}
    berlin = {"level": "site", "id": "101", "name": "EMEA/Berlin"}
    viewer, soc = {"id": "2", "name": "Viewer"}, {"id": "3", "name": "SOC"}

    made = drawn(
        plan(world(held), assign("ana@acme.example", "Viewer", account="EMEA")),
        [
            {"scopes": [berlin], "before": soc, "after": viewer},
            {"scopes": [lyon], "before": None, "after": viewer},
        ],
    )

    told = {where: cell for (_, where), cell in cells(made).items()}
    assert told == {
        "EMEA": Cell((), (viewer,)),
        "EMEA/Berlin": Cell((soc,), (viewer,), is_inherited=True),
    }


def test_a_loss_is_not_said_to_be_inherited() -> None:
    held = user("10", "ana@acme.example", grant(VIEWER, EMEA))
    emea = {"level": "account", "id": "100", "name": "EMEA"}
    viewer = {"id": "2", "name": "Viewer"}

    made = drawn(
        plan(world(held), assign("ana@acme.example", "Viewer", "EMEA/Berlin")),
        [{"scopes": [emea], "before": viewer, "after": None}],
    )

    assert cells(made)[("ana@acme.example", "EMEA")] == Cell((viewer,), ())


def test_whoever_is_deleted_keeps_a_row() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN))

    made = drawn(plan(world(held), former=(gone("ana@acme.example"),)))

    assert names(cells(made)[("ana@acme.example", "EMEA/Berlin")].before) == ["SOC"]


def test_nothing_to_do_is_an_empty_matrix() -> None:
    assert drawn(plan(world())) == Matrix((), (), 0)
