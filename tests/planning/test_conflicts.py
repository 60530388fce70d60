"""One level and one role per scope over all time."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window
from reconciler.errors import Place
from reconciler.planning.conflicts import Claim, conflicts

ANA = PrincipalName.user("ana@acme.example")
DAY = datetime(2026, 11, 22, tzinfo=UTC)


def _claim(
    line: int = 1,
    level: Level = Level.SITE,
    scope: str = "Acme/Berlin",
    role: str = "SOC",
    window: Window | None = None,
    *,
    replaces_standing: bool = False,
    principal: PrincipalName = ANA,
) -> Claim:
    place = Place("a.yaml", line, 1)
    return Claim(principal, level, scope, scope, role, role, window, replaces_standing, place)


def _days(start: int | None, end: int | None) -> Window:
    return Window(
        None if start is None else DAY + timedelta(days=start),
        None if end is None else DAY + timedelta(days=end),
    )


def _codes(*claims: Claim) -> list[str]:
    return [problem.code for problem in conflicts(claims)]


def test_two_standing_levels_are_a_conflict_that_names_both_places() -> None:
    (problem,) = conflicts([_claim(1), _claim(2, Level.ACCOUNT, "Acme")])
    assert problem.code == "two-levels"
    assert problem.place == Place("a.yaml", 2, 1)
    assert "a.yaml:1:1" in problem.message


def test_two_standing_roles_on_one_scope_are_a_conflict() -> None:
    assert _codes(_claim(1), _claim(2, role="IT")) == ["two-roles"]


def test_the_same_grant_twice_is_none() -> None:
    assert _codes(_claim(1), _claim(2)) == []


def test_different_people_do_not_conflict() -> None:
    other = PrincipalName.user("bo@acme.example")
    assert _codes(_claim(1), _claim(2, Level.TENANT, "", principal=other)) == []


def test_a_level_conflict_is_told_once_for_an_assignment_of_many_sites() -> None:
    sites = [_claim(2, scope=f"Acme/{number}") for number in range(9)]
    assert _codes(_claim(1, Level.ACCOUNT, "Acme"), *sites) == ["two-levels"]


def test_windows_that_only_touch_do_not_conflict() -> None:
    assert _codes(_claim(1, window=_days(0, 1)), _claim(2, role="IT", window=_days(1, 2))) == []


def test_an_open_bound_reaches_to_the_end_of_time() -> None:
    early, late = _days(None, 1), _days(400, None)
    assert _codes(_claim(1, window=early), _claim(2, role="IT", window=late)) == []
    everything = _claim(3, role="X", window=_days(None, None))
    assert _codes(everything, _claim(2, role="IT", window=late)) == ["two-roles"]


def test_a_window_may_differ_from_what_stands_on_the_same_level_or_below() -> None:
    assert _codes(_claim(1), _claim(2, role="Admin", window=_days(0, 1))) == []
    assert _codes(_claim(1), _claim(2, Level.TENANT, "", window=_days(0, 1))) == []


def test_a_window_on_a_narrower_level_must_say_so() -> None:
    standing = _claim(1, Level.ACCOUNT, "Acme")
    assert _codes(standing, _claim(2, window=_days(0, 1))) == ["window-narrows"]
    meant = _claim(2, window=_days(0, 1), replaces_standing=True)
    assert _codes(standing, meant) == []


def test_the_order_of_claims_does_not_change_what_is_found() -> None:
    claims = [_claim(1), _claim(2, role="IT"), _claim(3, Level.ACCOUNT, "Acme")]
    assert len({conflicts(order) for order in (claims, claims[::-1])}) == 1


_BOUND = st.none() | st.integers(0, 6)


def _are_in_order(bounds: tuple[int | None, int | None]) -> bool:
    return bounds[0] is None or bounds[1] is None or bounds[0] < bounds[1]


_WINDOWS = st.tuples(_BOUND, _BOUND).filter(_are_in_order).map(lambda bounds: _days(*bounds))
_CLAIMS = st.lists(
    st.builds(
        _claim,
        line=st.integers(1, 99),
        level=st.sampled_from([Level.SITE, Level.ACCOUNT]),
        scope=st.sampled_from("ab"),
        role=st.sampled_from("xyz"),
        window=_WINDOWS,
    ),
    max_size=8,
)


@given(_CLAIMS)
def test_a_conflict_is_found_exactly_when_some_pair_has_one(claims: list[Claim]) -> None:
    """The sweep looks at neighbours only; comparing all pairs must come to the same verdict."""
    level = role = False
    for one, two in combinations(claims, 2):
        assert one.window is not None
        assert two.window is not None
        if one.window.overlaps(two.window):
            level = level or one.level is not two.level
            role = role or (one.scope_key == two.scope_key and one.role_key != two.role_key)
    assert set(_codes(*claims)) == {
        c for c, found in (("two-levels", level), ("two-roles", role)) if found
    }


def test_a_clash_with_an_earlier_window_is_seen_behind_later_ones() -> None:
    short, long = _days(0, 2), _days(1, 10)
    late = _claim(3, role="IT", window=_days(4, 5))
    assert _codes(_claim(1, window=short), _claim(2, window=long), late) == ["two-roles"]
    first, inner = _claim(1, window=_days(0, 10)), _claim(2, window=_days(1, 2))
    assert _codes(first, inner, late) == ["two-roles"]


def test_only_windows_clash_at_the_same_time() -> None:
    for other in ({"role": "IT"}, {"level": Level.ACCOUNT, "scope": "Acme"}):
        (standing,) = conflicts([_claim(1), _claim(2, **other)])  # type: ignore[arg-type]
        (passing,) = conflicts(
            [_claim(1, window=_days(0, 2)), _claim(2, window=_days(1, 3), **other)]  # type: ignore[arg-type]
        )
        assert standing.message.endswith("a.yaml:1:1")
        assert passing.message.endswith("a.yaml:1:1 at the same time")
