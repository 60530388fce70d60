import socket
from typing import Any

import httpcore
import pytest

from reconciler.console.deadline import Backend, Deadline


@pytest.mark.parametrize("timeout", [30.0, None])
def test_a_silent_peer_is_left_when_the_time_is_over(
    raw_server: Any, timeout: float | None
) -> None:
    def stay_silent(connection: socket.socket) -> None:
        connection.recv(1)

    server = raw_server(stay_silent)
    with Deadline(lambda: 0.0, 0.05):
        stream = Backend().connect_tcp("127.0.0.1", server.port, timeout)
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(1, timeout)
    stream.close()
