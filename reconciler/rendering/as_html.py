"""A plan as one self-contained page, to be kept beside the change it belongs to.

Draws from the machine form only. The page holds no script, no link and nothing to load.
"""

from typing import Any

from reconciler.rendering.attention import RISKS, worst, worst_first
from reconciler.rendering.coming import calm, opens_sentence
from reconciler.rendering.html_matrix import matrix_section
from reconciler.rendering.html_parts import (
    RISK_TONES,
    access_badge,
    at_places,
    badge,
    code,
    coming_section,
    joined,
    names,
    places_line,
    risk_badge,
    section,
)
from reconciler.rendering.markup import Html, element, lines, named, page, text
from reconciler.rendering.summary import drift_summary, summary
from reconciler.rendering.wording import observed_at

Tree = dict[str, Any]

_KINDS = {
    "invite": ("+ invite", "gain"),
    "update": ("~ update", "change"),
    "delete": ("- delete", "loss"),
    "revoke token": ("- API token", "loss"),
}
_ACTIONS = {"grant": ("+ grant", "gain"), "revoke": ("- revoke", "loss")}


def plan_html(tree: Tree) -> str:
    """Return a plan as a page with a final newline."""
    total = summary(tree["summary"], len(tree["refusals"]))
    return _page("Plan", tree, total + opens_sentence(tree), calm(tree))


def drift_html(tree: Tree) -> str:
    """Return the same differences told as drift: what the console has against the policies."""
    total = drift_summary(tree["summary"], len(tree["refusals"]), len(tree["role_changes"]))
    holds = calm(tree, "Whoever the policies name holds what they say")
    return _page("Drift", tree, total, holds)


def _page(word: str, tree: Tree, total: str, calm: str) -> str:
    evidence = tree["evidence"]
    return page(
        f"Access {word.lower()}",
        element("h1", f"{word} for ", named(tree["tenant"]["origin"])),
        element(
            "p",
            *(observed_at(evidence), ", read as ", named(evidence["planned_by"])),
            class_="quiet",
        ),
        _verdict(tree, total, calm),
        *_narrowed(tree["options"]),
        _refusals(tree["refusals"]),
        _role_changes(tree["role_changes"]),
        _operations(tree["operations"]),
        coming_section(tree),
        matrix_section(tree),
        _unlisted(tree),
        _warnings(tree["warnings"]),
        _roles(tree["roles"]),
        _evidence(tree),
    )


def _verdict(tree: Tree, total: str, calm: str) -> Html:
    """Say in a sentence or two what somebody in a hurry must know, above the sum."""
    told, tone = [calm], "gain"
    if tree["operations"]:
        risk = min((worst(each) for each in tree["operations"]), key=RISKS.index)
        told, tone = [f"The worst risk is {risk.upper()}."], RISK_TONES[risk]
    if tree["role_changes"]:
        gives = any(change["gives_access"] for change in tree["role_changes"])
        told.append("Roles permit something else than when they were pinned.")
        tone = "loss" if gives or tone == "loss" else "change"
    if tree["refusals"]:
        told, tone = ["Refused: nothing will be written while this stands.", *told[1:]], "loss"
    return element("p", element("strong", " ".join(told)), " ", total, class_=f"verdict {tone}")


def _narrowed(options: Tree) -> list[Html]:
    """Say what was left out on purpose, so that nobody takes a part for the whole."""
    told: list[Html] = []
    if options["targets"]:
        told.append(element("p", "Only for ", *names(options["targets"]), "."))
    if options["no_revokes"]:
        told.append(element("p", "Without revokes."))
    if "undo_of" in options:
        told.append(element("p", "Undo of the run ", options["undo_of"]["run"], "."))
    return told


def _refusals(refusals: list[Tree]) -> Html:
    boxes = [
        element(
            "div",
            element("h3", badge("refused", "loss"), " ", named(refusal["rule"])),
            element("p", refusal["message"]),
            element("p", "Fix: ", refusal["remedy"]),
            *places_line(refusal["places"]),
            class_="box",
        )
        for refusal in refusals
    ]
    return section("Refusals", boxes)


def _role_changes(changes: list[Tree]) -> Html:
    boxes = [
        element(
            "div",
            element("h3", "Role ", named(change["name"]), *access_badge(change)),
            element(
                "p",
                "It permits something else than when it was pinned. Held by ",
                *(names(change["holders"]) or [Html("nobody")]),
                ".",
            ),
            element("p", "Pinned ", code(change["pinned"]), ", now ", code(change["actual"])),
            *places_line([change["place"]]),
            class_="box",
        )
        for change in changes
    ]
    return section("Roles that changed", boxes)


def _operations(operations: list[Tree]) -> Html:
    return section("Changes, worst first", [_operation(each) for each in worst_first(operations)])


def _operation(operation: Tree) -> Html:
    name = named(operation["principal"]["name"])
    full_name = element("span", named(operation["full_name"]), class_="quiet")
    return element(
        "div",
        element("h3", badge(*_KINDS[operation["kind"]]), " ", name, " ", full_name),
        *_level(operation),
        element("ul", *(_change(change) for change in operation["changes"]), class_="plain"),
        *(_effect(effect) for effect in operation["effects"]),
        *(element("p", "Note: ", note) for note in operation["notes"]),
        class_="box",
    )


def _level(operation: Tree) -> list[Html]:
    before, after = operation["before"], operation["after"]
    if not before or not after or before["level"] == after["level"]:
        return []
    return [element("p", f"Level changes: {before['level']} → {after['level']}")]


def _change(change: Tree) -> Html:
    why = [change["reason"]]
    if change["window"] and change["window"]["until"]:
        why.append(f"until {change['window']['until']}")
    told: list[str] = ["; ".join(why)]
    if change["note"] is not None:
        told += ["; reason: ", element("q", named(change["note"]))]
    if change["commit"]:
        commit = change["commit"]
        told += ["; commit ", code(commit["id"][:12]), " ", named(commit["subject"])]
        told += [" by ", named(commit["author"])]
    return element(
        "li",
        *(badge(*_ACTIONS[change["action"]]), " ", element("b", named(change["role"]["name"]))),
        *(" on ", named(change["scope"]["name"]), *risk_badge(change["risk"])),
        element("p", *told, *at_places(change["places"], "; at "), class_="quiet"),
    )


def _effect(effect: Tree) -> Html:
    before, after = (named(role["name"]) if role else Html("nothing") for role in _both(effect))
    where = names([scope["name"] for scope in effect["scopes"]])
    told = element("p", "What it means on ", *where, Html(": "), before, " → ", after)
    if not effect["is_known"]:
        return lines(told, element("p", "What these roles permit could not be read."))
    gained, lost = effect["gained"], effect["lost"]
    return lines(
        told,
        _permissions("Permits more", gained, "gain"),
        _permissions("Permits less", lost, "loss"),
    )


def _both(effect: Tree) -> tuple[Tree | None, Tree | None]:
    return effect["before"], effect["after"]


def _permissions(word: str, pages: Tree, tone: str) -> Html:
    if not pages:
        return Html()
    told = [
        Html(element("b", named(title)) + ": " + "".join(names(permissions)))
        for title, permissions in pages.items()
    ]
    return element("p", badge(word, tone), " ", *joined(told, "; "))


def _unlisted(tree: Tree) -> Html:
    touched = {operation["principal"]["id"] for operation in tree["operations"]}
    rest = [one for one in tree["unlisted"] if one["principal"]["id"] not in touched]
    listed = [
        element(
            "li",
            *([badge("! admin", "loss"), Html(" ")] if one["is_admin"] else []),
            element("b", named(one["principal"]["name"])),
            Html(": "),
            *(joined([_held(grant) for grant in one["holding"]["grants"]]) or [Html("nothing")]),
        )
        for one in sorted(rest, key=lambda one: not one["is_admin"])
    ]
    if not listed:
        return Html()
    told = element("p", "On the console, in no policy. Reported, not touched.")
    return section("Unlisted", [told, element("ul", *listed, class_="plain")])


def _held(grant: Tree) -> Html:
    return Html(named(grant["role"]["name"]) + " on " + named(grant["scope"]["name"]))


def _warnings(warnings: list[Tree]) -> Html:
    boxes = [
        element(
            "div",
            element("p", warning["message"]),
            element("p", warning["remedy"]),
            *places_line([warning["place"]] if warning["place"] else []),
            class_="box",
        )
        for warning in warnings
    ]
    return section("Worth knowing", boxes)


def _roles(roles: list[Tree]) -> Html:
    listed = [
        element("li", named(role["name"]), f", id:{role['id']}, {_size(role)}", *access_badge(role))
        for role in roles
    ]
    return section("Roles in this plan", [element("ul", *listed)] if listed else [])


def _size(role: Tree) -> str:
    return f"{role['permissions']} permissions" if role["digest"] else "permissions not read"


def _evidence(tree: Tree) -> Html:
    tenant, evidence = tree["tenant"], tree["evidence"]
    facts: dict[str, Html] = {
        "Content digest": code(tree["content_digest"]),
        "Policy digest": code(tree["policy_digest"]),
        "Guardrails digest": code(tree["guardrails_digest"]),
        "Accounts seen": code(" ".join(tenant["account_ids"]) or "none"),
        "View": text(f"{tenant['view']['level']}, {tenant['view']['sites']} sites"),
        "Instant": text(evidence["instant"]),
        "Tool version": text(evidence["tool_version"]),
    }
    if "snapshot" in evidence:
        facts["Snapshot taken at"] = text(evidence["snapshot"])
    pairs = [part for key, fact in facts.items() for part in _pair(key, fact)]
    return section("Evidence", [element("dl", *pairs)])


def _pair(key: str, fact: Html) -> tuple[Html, Html]:
    return element("dt", key), element("dd", fact)
