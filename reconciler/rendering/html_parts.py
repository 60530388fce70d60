"""Small parts of the HTML pages: badges, places, names."""

from typing import Any

from reconciler.rendering.as_text import place_text
from reconciler.rendering.coming import NEW, coming, when
from reconciler.rendering.markup import Html, element, lines, named
from reconciler.rendering.safe import short

Tree = dict[str, Any]

RISK_TONES = {"high": "loss", "medium": "change", "low": "quiet"}


def section(title: str, blocks: list[Html]) -> Html:
    """Return a titled section; nothing without blocks."""
    if not blocks:
        return Html()
    return element("section", lines(element("h2", title), *blocks))


def access_badge(role: Tree) -> list[Html]:
    """Mark a role whose holders can change who has access."""
    return [Html(" "), badge("gives access", "loss")] if role["gives_access"] else []


def risk_badge(risk: str) -> list[Html]:
    """Mark a risk that is not low."""
    return [] if risk == "low" else [Html(" "), badge(risk.upper(), RISK_TONES[risk])]


def badge(word: str, tone: str) -> Html:
    """Return a word of ours with its tone."""
    return element("span", word, class_=f"badge {tone}")


def code(value: str) -> Html:
    """Return a value in fixed width, cut if very long."""
    return element("code", short(value))


def places_line(places: list[Tree]) -> list[Html]:
    """Return a line of its own that says where."""
    return [element("p", *at_places(places, "At "), class_="quiet")] if places else []


def at_places(places: list[Tree], word: str) -> list[Html]:
    """Return places behind a word; nothing without places."""
    where = joined([code(place_text(place)) for place in places])
    return [Html(word), *where] if where else []


def names(values: list[str]) -> list[Html]:
    """Return names, with commas between them."""
    return joined([named(name) for name in values])


def coming_section(tree: Tree) -> Html:
    """Return what opens later; nothing without."""
    later = [_opening(each) for each in coming(tree)]
    return section("Opens later", [element("ul", *later, class_="plain")] if later else [])


def _opening(each: Tree) -> Html:
    scope = each["scope"]
    like = "sites like " if scope["level"] == "site" and not scope["id"] else ""
    return element(
        "li",
        *([badge(NEW, "gain"), " "] if each["is_new"] else []),
        *(element("b", named(each["principal"]["name"])), " gets ", named(each["role"]["name"])),
        *(f" on {like}", named(scope["name"]), f" {when(each, str)}", *risk_badge(each["risk"])),
        element(
            "p",
            *(["reason: ", element("q", named(each["note"]))] if each["note"] is not None else []),
            *at_places(each["places"], "; at "),
            class_="quiet",
        ),
    )


def joined(parts: list[Html], by: str = ", ") -> list[Html]:
    """Return parts with something between them."""
    return [Html(f"{by if index else ''}{part}") for index, part in enumerate(parts)]
