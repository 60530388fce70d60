"""Other clothes for an OCSF event: SentinelOne's own data lake, and CloudEvents. Pure."""

from collections.abc import Iterator
from typing import Any

from reconciler.audit.ocsf import PLAN, PRODUCT

Event = dict[str, Any]


def flat(event: Event) -> Event:
    """Return the form that the Singularity Data Lake takes ready parsed (T74).

    Flat dotted keys, since a nested object is dropped; no key that starts with `event.` but
    `event.type`; the time in seconds. The data lake's detections look at
    `dataSource.category: security` only.
    """
    told = {key.replace("event.", "event_", 1): value for key, value in _leaves(event, "")}
    return {
        **told,
        "time": event["time"] / 1000,
        "dataSource.name": PRODUCT,
        "dataSource.vendor": PRODUCT,
        "dataSource.category": "security",
        "event.type": event["type_name"],
        "site_id": _site(event),
    }


def cloud_event(event: Event) -> Event:
    """Return a CloudEvents 1.0 envelope around an OCSF event; its id is the event's own uid."""
    metadata, about = event["metadata"], event.get("user") or event["entity"]
    subject = "plan" if about["type"] == PLAN else str(about.get("uid") or about["name"])
    return {
        "specversion": "1.0",
        "id": metadata["uid"],
        "source": metadata["tenant_uid"],
        "type": f"{PRODUCT}.{event['class_uid']}.{event['activity_id']}.v1",
        "subject": subject,
        "time": metadata["original_time"],
        "datacontenttype": "application/json",
        "data": event,
    }


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(inner, f"{path}.{key}" if path else str(key))
        case list() if any(isinstance(each, dict | list) for each in value):
            for number, inner in enumerate(value):
                yield from _leaves(inner, f"{path}.{number}")
        case list():
            yield path, ", ".join(map(str, value))
        case _:
            yield path, value


def _site(event: Event) -> str:
    roles = event.get("iam_roles", [{}])
    for resource in event.get("resources") or roles[0].get("resources", []):
        if resource.get("type") == "site":
            return str(resource.get("uid", ""))
    return ""
