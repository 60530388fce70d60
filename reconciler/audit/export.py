"""The journal in the forms that others take; one table names them all. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.audit.attest import Attester
from reconciler.audit.chain import Record
from reconciler.audit.deeds import Deeds
from reconciler.audit.forms import cloud_event, flat
from reconciler.audit.ocsf import ocsf

Event = dict[str, Any]
Dress = Callable[[Event], Event]


@dataclass(frozen=True, slots=True)
class Form:
    """How a journal is told."""

    version: str
    """Of OCSF, beneath whatever the events are dressed as."""
    dress: Callable[[], Dress]
    """Makes, for one journal, what gives each event its last form."""


FORMS = {
    "ocsf-1.8": Form("1.8.0", lambda: lambda event: event),
    "ocsf-1.9": Form("1.9.0", lambda: Attester().attest),
    "sdl": Form("1.8.0", lambda: flat),
    "cloudevents": Form("1.8.0", lambda: cloud_event),
}


class Exporter:
    """Tells one record after the other in one of FORMS.

    It wants all records from the first one on: an event may need what stood long before it.
    """

    def __init__(self, form: str) -> None:
        self._version = FORMS[form].version
        self._dress = FORMS[form].dress()
        self._deeds = Deeds()

    def events(self, record: Record) -> list[Event]:
        """Return the events of the next record; none for one that nobody outside is told."""
        deed = self._deeds.read(record)
        return [self._dress(event) for event in ocsf(deed, self._version)] if deed else []


def exported(records: Iterable[Record], form: str) -> Iterator[tuple[int, Event]]:
    """Return every event of a journal, with the number of its record; see `Exporter`."""
    exporter = Exporter(form)
    for record in records:
        for event in exporter.events(record):
            yield record.sequence, event
