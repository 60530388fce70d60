"""A sink that takes what it is told to take."""

import threading
from collections.abc import Iterator

import pytest
from stories.sink import SinkServer


@pytest.fixture
def sink() -> Iterator[SinkServer]:
    with SinkServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()
