"""Problems of the policy files as one self-contained page, where a plan would have been."""

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.rendering.html_parts import badge, code, section
from reconciler.rendering.markup import Html, element, named, page
from reconciler.rendering.wording import plural


def problems_html(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> str:
    """Return what is wrong with the policy files as a page with a final newline."""
    told = f"{plural(len(problems), 'problem')} found; there is no plan."
    calm = "The policy files are valid."
    return page(
        "Policy files",
        element("h1", "Policy files"),
        element(
            "p",
            element("strong", told if problems else calm),
            class_=f"verdict {'loss' if problems else 'gain'}",
        ),
        section("Problems", [_box(problem, "loss") for problem in problems]),
        section("Warnings", [_box(problem, "change") for problem in warnings]),
    )


def _box(problem: Problem, tone: str) -> Html:
    place = [Html(" "), code(str(problem.place))] if problem.place else []
    fix = [element("p", "Fix: ", problem.remedy)] if problem.remedy else []
    return element(
        "div",
        element("h3", badge("error" if tone == "loss" else "warning", tone), " ", *place),
        element("p", named(problem.code), ": ", problem.message),
        *fix,
        class_="box",
    )
