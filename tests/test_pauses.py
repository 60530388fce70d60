"""Waiting that ends when somebody asks the run to end."""

import threading

from reconciler.pauses import Pauses


def test_a_hurry_ends_the_waits_of_every_thread() -> None:
    pauses = Pauses()
    threads = [threading.Thread(target=pauses.sleep, args=(3600.0,)) for _ in range(4)]
    for thread in threads:
        thread.start()

    pauses.hurry()

    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_after_a_hurry_waits_are_short_and_a_second_one_does_nothing() -> None:
    pauses = Pauses()
    pauses.hurry()
    pauses.hurry()
    thread = threading.Thread(target=pauses.sleep, args=(3600.0,))

    thread.start()

    thread.join(30)
    assert not thread.is_alive()


def test_without_one_a_short_wait_just_passes() -> None:
    Pauses().sleep(0.0)
