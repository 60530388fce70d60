"""What pinning again agrees to, in words."""

import pytest
from builders import BERLIN, SOC, assign, grant, pinned, user, world

from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import RoleChange
from reconciler.errors import Place
from reconciler.planning.repinning import Move, PinChange
from reconciler.rendering.pins import pin_changes_text, pinned_text
from reconciler.rendering.summary import drift_summary

NOTHING = {"grant": 0, "revoke": 0, "invite": 0, "delete": 0, "unlisted": 0}


def told(*changes: PinChange, roles: tuple[RoleChange, ...] = (), color: bool = False) -> str:
    return pin_changes_text(changes, roles, color=color)


def changed(*holders: str, gives_access: bool) -> RoleChange:
    names = tuple(map(PrincipalName.parse, holders))
    return RoleChange("3", "SOC", "sha256:1", "sha256:2", gives_access, names, Place("pins.yaml"))


PERMISSIONS = PinChange(Move.PERMISSIONS, "role", "tenant/SOC", "sha256:1", "sha256:2")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            PinChange(Move.IDENTITY, "site", "A/B", "1", "2"),
            '! site "A/B" had the id 1 and has 2 now: the name was given away.\n',
        ),
        (
            PERMISSIONS,
            '! role "tenant/SOC" permits something else than when it was pinned.\n',
        ),
        (
            PinChange(Move.PERMISSIONS, "role", "tenant/SOC", "", "sha256:2"),
            '! role "tenant/SOC": what it permits is pinned for the first time.\n',
        ),
        (
            PinChange(Move.PERMISSIONS, "role", "tenant/SOC", "sha256:1", ""),
            '! role "tenant/SOC": what it permits could not be read, and is no longer pinned.\n',
        ),
        (
            PinChange(Move.RENAMED, "site", "A/B", "1", "A/C"),
            '~ site "A/B" is called "A/C" now (id 1).\n',
        ),
        (PinChange(Move.VIEW, "sites", "", "7", "6"), "~ sites: 7 when pinned, 6 now.\n"),
        (
            PinChange(Move.REMOVED, "site", "A/B", "1", ""),
            '- site "A/B" (id 1) is no longer pinned.\n',
        ),
        (PinChange(Move.ADDED, "site", "A/B", "", "1"), '+ site "A/B" (id 1).\n'),
    ],
)
def test_each_change_is_one_line(change: PinChange, line: str) -> None:
    assert told(change) == line


def test_a_role_that_changed_is_told_with_everybody_who_holds_it() -> None:
    holders = tuple(f"u{n:02}@acme.example" for n in range(12))

    text = told(PERMISSIONS, roles=(changed(*holders, gives_access=True),))

    assert text.splitlines()[1] == "    It now gives power over access itself."
    assert text.endswith("u09@acme.example and 2 more.\n")


def test_a_role_that_nobody_holds_says_so() -> None:
    text = told(PERMISSIONS, roles=(changed(gives_access=False),))

    assert text.splitlines()[1:] == ["    Held by nobody."]


def test_another_change_of_the_same_role_is_not_mixed_up_with_it() -> None:
    other = PinChange(Move.PERMISSIONS, "role", "tenant/SOC", "sha256:1", "sha256:9")

    assert "Held by" not in told(other, roles=(changed(gives_access=False),))


def test_additions_and_removals_beyond_twenty_are_counted_and_nothing_else_is() -> None:
    moves = (Move.IDENTITY, Move.RENAMED, Move.REMOVED, Move.ADDED)
    changes = [PinChange(move, "site", f"A/{n}", "1", "2") for move in moves for n in range(25)]

    lines = told(*changes).splitlines()

    assert [sum(line.startswith(mark) for line in lines) for mark in "!~-+"] == [25, 25, 21, 21]
    assert lines[-1] == "+ and 5 more added"


def test_names_from_elsewhere_cannot_harm_a_terminal() -> None:
    text = told(PinChange(Move.ADDED, "site", "A/\x1b[2J\u202e", "", "1"))

    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colour_marks_what_is_loud() -> None:
    assert told(PERMISSIONS, color=True).startswith("\x1b[")
    assert told(PinChange(Move.ADDED, "site", "A/B", "", "1"), color=True).startswith("+")


def test_how_much_is_pinned_is_counted() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN))

    pins = pinned(world(ana), assign("ana@acme.example", "SOC", "EMEA/B*"))

    assert pinned_text(pins) == "1 principal, 2 accounts, 3 sites, 2 roles"


def test_a_changed_role_is_drift() -> None:
    assert drift_summary(NOTHING, 0, 1).endswith("0 unlisted, 1 changed role.")
    assert drift_summary(NOTHING, 1, 2).endswith("0 unlisted, 2 changed roles, 1 refused.")
