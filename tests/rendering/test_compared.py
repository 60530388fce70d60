"""The journal against the log, as people read it; names are chosen by others (T10)."""

from typing import Any

from reconciler.rendering.compared import compared_text

ACTIVITY = {
    "id": "1",
    "type": 37,
    "time": "2026-11-23T09:00:00Z",
    "actor": "Ada",
    "target": "10",
    "target_name": "Ana",
    "scope_id": "",
    "role": "SOC",
    "text": "Ada gave Ana SOC",
}


def compared(**found: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {"ghosts": [], "missing": [], "others": []}
    return {**lists, "explained": 0, "elsewhere": 0, "recent": 0, "untold": 0, **found}


def told(**found: Any) -> str:
    return compared_text(compared(**found), ["reconciler"], ["A note."], color=False)


def test_a_sound_journal_has_a_sum_and_its_limits() -> None:
    assert told(explained=3) == (
        "Reconciled: activities explained by intents: 3; ghost writes: 0; without activity: 0; "
        "by others: 0.\n"
        "What this cannot tell:\n"
        "  The log names who acted by full name only; as ours counts whoever is called: "
        "reconciler.\n"
        "  Within 5 minutes of a write of ours, another one on the same principal passes for it, "
        "unless it names another role or scope.\n"
        "  The log shows what this token's scope reaches, and no further back than it is kept.\n"
        "  A note.\n"
    )


def test_every_finding_has_a_line() -> None:
    missing = {"sequence": 4, "operation": "update", "name": "bo@acme.example"}

    text = told(ghosts=[ACTIVITY], missing=[missing], others=[ACTIVITY | {"actor": ""}])

    assert "  2026-11-23T09:00:00Z  Ana: Ada gave Ana SOC (type 37)\n" in text
    assert "  record 4: update bo@acme.example\n" in text
    assert "(type 37), by nobody named\n" in text


def test_very_many_findings_are_cut() -> None:
    text = told(others=[ACTIVITY] * 203)

    assert text.count("(type 37)") == 200
    assert "  and 3 more\n" in text


def test_what_others_wrote_is_made_visible() -> None:
    text = told(others=[ACTIVITY | {"actor": "\x1b]0;x\x07", "text": "::error::\u202e"}])

    assert "\x1b" not in text
    assert "\u202e" not in text
