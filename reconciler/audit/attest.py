"""The chain of exported events, in the words of OCSF 1.9.0's profile `record_integrity`. Pure.

Each event carries the SHA-256 of its own canonical JSON (RFC 8785), the attestation without the
fingerprint included, and names the event before by uid and fingerprint: whoever holds the events
can check them without the journal.
"""

from typing import Any

from reconciler.audit.ocsf import PRODUCT
from reconciler.domain.digest import digest

Event = dict[str, Any]


class Attester:
    """Links each event to the one before; the first event begins the chain."""

    def __init__(self) -> None:
        self._previous: Event | None = None

    def attest(self, event: Event) -> Event:
        """Return the next event with its link to the one before."""
        link: Event = {"chain_uid": f"{PRODUCT}/{event['metadata']['tenant_uid']}"}
        if self._previous is not None:
            link["prev_event"] = {
                "uid": self._previous["metadata"]["uid"],
                "type_uid": self._previous["type_uid"],
                "fingerprint": self._previous["attestation_list"][0]["fingerprint"],
            }
        linked = {**event, "attestation_list": [link]}
        self._previous = {
            **event,
            "attestation_list": [{**link, "fingerprint": _fingerprint(linked)}],
        }
        return self._previous


def _fingerprint(event: Event) -> Event:
    value = digest(event).removeprefix("sha256:")
    return {"algorithm_id": 3, "algorithm": "SHA-256", "value": value}
