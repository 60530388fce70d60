"""Who may come in: on which address the simulator listens, and who may use its control API.

On loopback the control API asks for nothing but its header. On any other address, which must be
asked for, whoever reaches the port could use it; there it asks for a secret, or is off.
"""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address

from reconciler.simulator.envelopes import Request, forbidden

HEADER = "x-simulator-control"
_SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Door:
    """How the control API is guarded."""

    expected: str = "yes"
    """What the header `X-Simulator-Control` must say."""
    is_open: bool = True

    def admit(self, request: Request) -> None:
        """Raise ApiError 403 unless the control API is on and the header is right."""
        if not self.is_open:
            raise forbidden(
                "the control API is off: this simulator does not listen on loopback, and no "
                "SIMULATOR_CONTROL_TOKEN was set when it started"
            )
        given = (request.header(HEADER) or "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.expected.encode()):
            what = "yes" if self.expected == "yes" else "the secret in SIMULATOR_CONTROL_TOKEN"
            raise forbidden(f"send the header X-Simulator-Control: {what}")


def door_for(host: str, secret: str) -> Door:
    """Return how the control API is guarded on that address; an empty secret means none.

    Raises ValueError for a secret that is too short to be one, or cannot stand in a header.
    """
    if secret:
        if len(secret) < _SHORTEST or not (secret.isascii() and secret.isprintable()):
            raise ValueError(
                f"SIMULATOR_CONTROL_TOKEN needs {_SHORTEST} or more printable ASCII characters"
            )
        return Door(secret.strip())
    return Door(is_open=is_loopback(host))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the address; a name other than localhost does not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
