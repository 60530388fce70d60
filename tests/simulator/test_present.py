"""The sample company does not grow old: its people logged in lately, whatever year it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.simulator.present import as_of
from reconciler.simulator.world import World, dump, load

LATER = datetime(2031, 3, 5, 12, 0, tzinfo=UTC)


def last_login(world: World) -> datetime:
    return max(datetime.fromisoformat(u.last_login) for u in world.users.values() if u.last_login)


def test_the_last_login_is_of_the_day_it_is_served() -> None:
    moved = as_of(load(), LATER)

    assert timedelta() <= LATER - last_login(moved) < timedelta(days=1)


def test_every_date_moves_by_the_same_whole_days_and_nothing_else_changes() -> None:
    before, after = load(), as_of(load(), LATER)
    by = last_login(after) - last_login(before)

    ada, later = (next(iter(world.users.values())) for world in (before, after))
    assert by == timedelta(days=by.days)
    for name in ("date_joined", "first_login", "last_login", "token_expires_at"):
        was, now = (datetime.fromisoformat(getattr(one, name)) for one in (ada, later))
        assert now - was == by
    assert later.grants == ada.grants
    assert as_of(after, LATER) is after
    assert dump(as_of(after, LATER)).count("\n") == dump(before).count("\n")


def test_a_world_in_which_nobody_logged_in_stays() -> None:
    world = load()
    world.users = {id_: replace(one, last_login=None) for id_, one in world.users.items()}

    assert as_of(world, LATER) is world


def test_a_world_of_tomorrow_stays() -> None:
    world = load()

    assert as_of(world, datetime(2020, 1, 1, tzinfo=UTC)) is world
