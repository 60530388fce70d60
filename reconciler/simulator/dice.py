"""Chance that repeats: everything random in a generated world comes from here.

Rests on `Random.random()` alone, the one method whose sequence Python promises to keep over its
versions; so the same seed gives the same bytes everywhere.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Item = TypeVar("Item")
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
"""The day a generated world is taken from; nothing in it but expirations is later."""
_DAY = 24 * 60 * 60 * 10**6


class Dice:
    """A sequence of chances from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random  # noqa: S311  nothing secret hangs on it

    def chance(self, share: float) -> bool:
        """Tell True in that share of the cases."""
        return self._random() < share

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to below the bound."""
        return int(self._random() * bound)

    def around(self, mean: int, most: int) -> int:
        """Return a whole number of at least 1 and at most `most`, on average about the mean."""
        return min(1 + self.below(2 * mean - 1), most)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.below(len(items))]

    def weighted(self, weights: Sequence[tuple[Item, int]]) -> Item:
        """Return one of the items, each as often as its weight says."""
        left = self.below(sum(weight for _, weight in weights))
        for item, weight in weights:
            left -= weight
            if left < 0:
                return item
        raise ValueError("no weights")

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return that many different ones of the items, in their order."""
        chosen: set[int] = set()
        for bound in range(len(items) - count, len(items)):  # Floyd's way: one chance an item
            index = self.below(bound + 1)
            chosen.add(bound if index in chosen else index)
        return [items[index] for index in sorted(chosen)]

    def ago(self, least: int, most: int) -> str:
        """Return an instant between so many days ago, as the console writes it."""
        age = least * _DAY + self.below((most - least) * _DAY)
        return written(AS_OF - timedelta(microseconds=age))


def written(instant: datetime) -> str:
    """Write an instant as ISO 8601 in UTC with microseconds and `Z`."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
