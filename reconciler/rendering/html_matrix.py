"""The matrix of a plan as an HTML table: words and marks first, colour only beside them."""

from typing import Any

from reconciler.rendering.markup import Html, element, lines, named
from reconciler.rendering.matrix import Cell, Matrix, matrix

Tree = dict[str, Any]

CELLS = 20_000
"""Cells that are drawn at most; a larger table is read by a spreadsheet, not by a person."""

_LEGEND = (
    "Roles before → after. + gained, - lost, ~ replaced, = as before. Scroll sideways for more."
)


def matrix_section(tree: Tree) -> Html:
    """Return the section with the table, or what to read instead when it is too large."""
    drawn = matrix(tree)
    if not drawn.rows:
        return Html()
    title = element("h2", "Users and scopes", id="matrix")
    size = f"{len(drawn.rows)} x {len(drawn.scopes)}"
    if len(drawn.rows) * len(drawn.scopes) > CELLS:
        told = f"{size} cells are more than a page can show; --format csv has every change."
        return element("section", lines(title, element("p", told)))
    scrolled = element(
        "div", _table(drawn), class_="scroll", role="region", tabindex="0", aria_labelledby="matrix"
    )
    left_out = f"Left out: {drawn.unchanged} further scopes, on which the plan changes nothing."
    note = element("p", left_out, class_="quiet") if drawn.unchanged else Html()
    return element("section", lines(title, element("p", _LEGEND, class_="quiet"), scrolled, note))


def _table(drawn: Matrix) -> Html:
    heads = [element("th", _scope(scope), scope="col") for scope in drawn.scopes]
    first = element("th", "Principal", scope="col")
    rows = [
        element(
            "tr",
            element("th", named(operation["principal"]["name"]), scope="row"),
            *(_cell(cell) for cell in cells),
        )
        for operation, cells in drawn.rows
    ]
    return element(
        "table",
        lines(
            element("thead", element("tr", first, *heads)),
            element("tbody", lines(*rows)),
        ),
        class_="matrix",
    )


def _scope(scope: Tree) -> Html:
    return Html(named(scope["name"]) + element("div", scope["level"], class_="quiet"))


def _cell(cell: Cell) -> Html:
    inherited = element("div", "from a wider scope", class_="quiet") if cell.is_inherited else ""
    before, after = _roles(cell.before), _roles(cell.after)
    if cell.before == cell.after:
        return element("td", *(("= ", after, inherited) if cell.after else ()))
    if not cell.before:
        return element("td", "+ ", after, inherited, class_="gain")
    if not cell.after:
        return element("td", "- ", before, class_="loss")
    return element("td", "~ ", before, " → ", after, inherited, class_="change")


def _roles(roles: tuple[Tree, ...]) -> Html:
    return Html(", ".join(named(role["name"]) for role in roles))
