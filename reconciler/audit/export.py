"""The journal in the forms that others take; one table names them all. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reconciler.audit.attest import attested
from reconciler.audit.chain import Record
from reconciler.audit.deeds import deeds
from reconciler.audit.forms import cloud_event, flat
from reconciler.audit.ocsf import ocsf

Event = dict[str, Any]


def exported(records: Iterable[Record], form: str) -> Iterator[tuple[int, Event]]:
    """Return every event of a journal in one of FORMS, with the number of its record.

    The records must begin with the first one: an event may need what stood long before it.
    """
    return FORMS[form](records)


def _ocsf(records: Iterable[Record], version: str) -> Iterator[Event]:
    for deed in deeds(records):
        yield from ocsf(deed, version)


def _ocsf_1_8(records: Iterable[Record]) -> Iterator[tuple[int, Event]]:
    return ((_number(event), event) for event in _ocsf(records, "1.8.0"))


def _ocsf_1_9(records: Iterable[Record]) -> Iterator[tuple[int, Event]]:
    return ((_number(event), event) for event in attested(_ocsf(records, "1.9.0")))


def _sdl(records: Iterable[Record]) -> Iterator[tuple[int, Event]]:
    return ((_number(event), flat(event)) for event in _ocsf(records, "1.8.0"))


def _cloud_events(records: Iterable[Record]) -> Iterator[tuple[int, Event]]:
    return ((_number(event), cloud_event(event)) for event in _ocsf(records, "1.8.0"))


def _number(event: Event) -> int:
    return int(event["metadata"]["sequence"])


FORMS: dict[str, Callable[[Iterable[Record]], Iterator[tuple[int, Event]]]] = {
    "ocsf-1.8": _ocsf_1_8,
    "ocsf-1.9": _ocsf_1_9,
    "sdl": _sdl,
    "cloudevents": _cloud_events,
}
