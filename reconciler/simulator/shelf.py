"""Answers kept ready, so that the simulator is not what a measurement of a client measures.

A page of 1000 users with ten grants each holds megabytes of JSON; each record's part of it is
written once and used again until the record, or something else it shows, changes. Nothing here
changes what is answered.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.simulator.envelopes import Written, write
from reconciler.simulator.records import Principal
from reconciler.simulator.scopes import reaches_all
from reconciler.simulator.world import World

Value = TypeVar("Value")
_CALLERS = 8
"""So many callers with a narrow view have their answers kept; then it begins anew."""


@dataclass(slots=True)
class Shelf:
    """What is kept for one console."""

    _values: dict[Hashable, tuple[Hashable, Any]] = field(default_factory=dict)
    _callers: dict[Principal, str] = field(default_factory=dict)

    def value(self, name: Hashable, depends: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of that name, made anew if what it depends on is another than then."""
        kept = self._values.get(name)
        if kept is None or kept[0] != depends:
            kept = self._values[name] = (depends, make())
        value: Value = kept[1]
        return value

    def written(
        self,
        name: str,
        caller: Principal,
        depends: Hashable,
        items: Iterable[Any],
        view: Callable[[Any], Any],
    ) -> Written:
        """Return the JSON list of the items as that caller sees them.

        `name` is that of the kind of view, `depends` names everything that shows in one beside the
        item itself.
        """
        kept: dict[str, tuple[Any, bytes]] = self.value((self._who(caller), name), depends, dict)
        parts = []
        for item in items:
            held, text = kept.get(item.id, (None, b""))
            if held is not item:
                text = write(view(item))
                kept[item.id] = (item, text)
            parts.append(text)
        return Written(b"[" + b", ".join(parts) + b"]")

    def _who(self, caller: Principal) -> str:
        """Return a name for all callers who see what this one sees."""
        if reaches_all(caller):
            return ""
        if caller not in self._callers and len(self._callers) >= _CALLERS:
            self._callers.clear()
            self._values.clear()
        return self._callers.setdefault(caller, f"{caller.id} {len(self._callers)}")


def state(world: World, *tables: str) -> Hashable:
    """Return what stands for the settings and those tables as they are now."""
    return (world.settings, *(world.table(name).version for name in tables))
