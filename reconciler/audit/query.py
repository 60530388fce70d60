"""Which records somebody asks for. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.writes import instant_of
from reconciler.domain.names import PrincipalName


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that all must hold; None asks for nothing."""

    principal: PrincipalName | None = None
    run: str | None = None
    kind: str | None = None
    result: str | None = None
    """The result of an outcome, or of a resolution."""
    since: datetime | None = None
    """In UTC; included."""
    until: datetime | None = None
    """In UTC; not included."""

    def matches(self, record: Record) -> bool:
        """Tell whether a record is asked for. A foreign record's form is not trusted."""
        return (
            self.run in {None, record.run}
            and self.kind in {None, record.kind}
            and (self.result is None or self.result == record.data.get("result"))
            and (self.principal is None or self.principal == _principal(record.data))
            and self._is_between(record.time)
        )

    def _is_between(self, time: str) -> bool:
        instant = instant_of(time)
        if instant is None:
            return True  # what cannot be read is shown rather than hidden
        is_late = self.since is None or self.since <= instant
        return is_late and (self.until is None or instant < self.until)


def _principal(data: dict[str, Any]) -> PrincipalName | None:
    principal = data.get("principal")
    name = principal.get("name") if isinstance(principal, dict) else None
    return PrincipalName.parse(name) if isinstance(name, str) else None
