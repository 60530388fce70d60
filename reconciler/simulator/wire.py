"""Bytes on the socket: a uvicorn protocol whose connection an answer can take over.

uvicorn serves HTTP through h11, which refuses to write anything that is not HTTP. So a damaged
answer takes the connection away from it: raw bytes go to the transport, one after the other where
asked, and at the end the connection is closed, or broken by a TCP reset (closing with SO_LINGER 0).
"""

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.simulator.delivery import Delivery

Sleep = Callable[[float], Awaitable[None]]
_AT_ONCE = struct.pack("ii", 1, 0)
_GLANCE = 0.002
"""Seconds between two looks at what is still on its way."""
_GLANCES = 2500
"""So many looks at most: a client that reads nothing for 5 seconds gets no more."""


class Protocol(H11Protocol):
    """One connection. Requests find it as `scope["state"]["connection"]`."""

    turns_away: Callable[[], bool] = staticmethod(lambda: False)
    """Asked at each new connection; True breaks it at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or break it."""
        super().connection_made(transport)
        self.gone = asyncio.Event()
        self.app_state = {**self.app_state, "connection": self}
        if self.turns_away():
            self.reset()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits for the end."""
        self.gone.set()
        super().connection_lost(exc)

    def take_over(self) -> None:
        """Let uvicorn believe that the client has gone: it writes nothing more."""
        self.cycle.disconnected = True

    def reset(self) -> None:
        """Break the connection: the client gets a TCP reset."""
        link: socket.socket = self.transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    async def drain(self) -> None:
        """Wait, within bounds, until the client's machine has all that was written.

        A reset throws away what is on its way, and how much that is would depend on timing.
        """
        for _ in range(_GLANCES):
            if self.gone.is_set() or not self._unsent():
                return
            await asyncio.sleep(_GLANCE)

    def _unsent(self) -> int:
        """Count the bytes in asyncio's buffer and, where the system tells, in its own."""
        count = bytearray(4)
        with contextlib.suppress(OSError):  # not every system answers this for sockets
            link: socket.socket = self.transport.get_extra_info("socket")
            fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, count)
        return self.transport.get_write_buffer_size() + int.from_bytes(count, sys.byteorder)

    async def pause(self, seconds: float, sleep: Sleep) -> None:
        """Wait, but not longer than the connection lasts."""
        waiting = [asyncio.ensure_future(sleep(seconds)), asyncio.ensure_future(self.gone.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()


def protocol_for(turns_away: Callable[[], bool]) -> type[Protocol]:
    """Return a protocol class that asks the given function at each new connection."""
    return type("Protocol", (Protocol,), {"turns_away": staticmethod(turns_away)})


async def deliver(delivery: Delivery, connection: Protocol, send: Any, sleep: Sleep) -> None:
    """Send one answer; `send` is the ASGI one, for answers that are whole."""
    if delivery.wait:
        await connection.pause(delivery.wait, sleep)
    if not delivery.is_plain:
        await _deliver_raw(delivery, connection, sleep)
        return
    headers = [(name.encode(), value.encode("latin-1")) for name, value in delivery.content()]
    await send({"type": "http.response.start", "status": delivery.status, "headers": headers})
    await send({"type": "http.response.body", "body": delivery.body})


async def _deliver_raw(delivery: Delivery, connection: Protocol, sleep: Sleep) -> None:
    connection.take_over()
    message = delivery.message()
    if delivery.gap is None:
        connection.transport.write(message)
    else:
        for number in message:
            if connection.gone.is_set():
                return
            connection.transport.write(bytes([number]))
            await connection.pause(delivery.gap, sleep)
    if delivery.ending == "stall":
        await connection.gone.wait()
    elif delivery.ending == "reset":
        await connection.drain()
        connection.reset()
    else:
        connection.transport.close()
