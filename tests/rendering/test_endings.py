"""What an apply by hand says of the windows it opened: nothing closes them by itself."""

from datetime import timedelta

from builders import ADMIN, BERLIN, NOW, SOC, assign, grant, plan, service, user, world

from reconciler.domain.outcome import Outcome, Result
from reconciler.rendering.endings import endings_text

HOUR = timedelta(hours=1)


def outcomes(count: int, result: Result = Result.APPLIED) -> list[Outcome]:
    people = [user(str(10 + n), f"u{n}@acme.example", grant(SOC, BERLIN)) for n in range(count)]
    windows = [
        assign(one.name.label, ADMIN.name, "EMEA/Lyon", end=NOW + (9 - n) * HOUR)
        for n, one in enumerate(people)
    ]
    stay = assign([one.name.label for one in people], "SOC", "EMEA/Berlin")
    made = plan(world(*people), stay, *windows)
    assert len(made.operations) == count
    return [Outcome(operation, result) for operation in made.operations]


def test_a_granted_window_is_told_with_its_end_and_what_closes_it() -> None:
    assert endings_text(outcomes(1)) == (
        "Admin on EMEA/Lyon for u0@acme.example ends 2026-11-22T18:00:00Z; it stays until an "
        "apply runs after that: reconciler apply --target u0@acme.example\n"
    )


def test_five_windows_are_told_by_their_ends_and_the_rest_as_a_sum() -> None:
    told = endings_text(outcomes(7)).splitlines()

    assert [line.split()[4] for line in told[:5]] == [f"u{n}@acme.example" for n in (6, 5, 4, 3, 2)]
    assert told[5:] == ["And 2 more, the last of which ends 2026-11-22T18:00:00Z."]


def test_what_was_not_applied_and_what_has_no_end_is_not_told() -> None:
    zoe = user("9", "zoe@acme.example", grant(SOC, BERLIN))
    standing = plan(world(zoe), assign("zoe@acme.example", "SOC", "EMEA/Lyon"))
    assert standing.operations
    lasting = [Outcome(operation, Result.APPLIED) for operation in standing.operations]

    assert endings_text([*outcomes(2, Result.FAILED), *lasting]) == ""


def test_a_name_with_a_blank_is_quoted_for_the_shell() -> None:
    export = service("50", "my export", grant(SOC, BERLIN))
    window = assign("service:my export", "SOC", "EMEA/Lyon", end=NOW + HOUR)
    (operation,) = plan(world(export), window).operations

    told = endings_text([Outcome(operation, Result.APPLIED)])

    assert told.endswith("reconciler apply --target 'service:my export'\n")
