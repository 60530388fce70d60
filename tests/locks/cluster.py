"""An API server of a Kubernetes cluster that knows Leases, as far as a lock needs them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LISTING = "/apis/coordination.k8s.io/v1/namespaces/tools/leases"
TOKEN = "a-service-account-token"  # noqa: S105 - known to this server only


class ApiServer(ThreadingHTTPServer):
    """Serves Leases of one namespace as the Kubernetes API does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.leases: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.faults: list[tuple[str, str]] = []
        """Method and what goes wrong with the next such request: `before`, `after`, or text."""
        self.lock = threading.Lock()
        self.version = 100

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.leases["apply"]["spec"]
        return spec

    def put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Store a Lease under a new version, as somebody else."""
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}
        stored = {**body, "metadata": metadata}
        self.leases[metadata["name"]] = stored
        return stored

    def holds(self, holder: str | None, **spec: Any) -> None:
        """Let somebody else write the Lease `apply`."""
        told = {"holderIdentity": holder, "leaseDurationSeconds": 30, **spec}
        self.put({"kind": "Lease", "metadata": {"name": "apply"}, "spec": told})

    def answer(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            found = self.leases.get(name)
            return (200, found) if found else (404, {"kind": "Status"})
        if method == "POST":
            if body["metadata"]["name"] in self.leases:
                return 409, {"kind": "Status", "reason": "AlreadyExists"}
            return 201, self.put(body)
        if name not in self.leases:
            return 404, {"kind": "Status"}
        stored = self.leases[name]["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion") != stored:
            return 409, {"kind": "Status", "reason": "Conflict"}
        return 200, self.put(body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: ApiServer

    def take(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            status, body = self._answer(content)
        if status == 0:
            self.close_connection = True
            return
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _answer(self, content: bytes) -> tuple[int, Any]:
        """Return status and body; 0 hangs up."""
        self.server.asked.append(self.command)
        fault = ""
        if self.server.faults and self.server.faults[0][0] == self.command:
            fault = self.server.faults.pop(0)[1]
        if fault == "before":
            return 0, None
        if fault.isdecimal():
            return int(fault), {"kind": "Status"}
        if fault and fault != "after":
            return 200, fault.encode()
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"kind": "Status"}
        if not self.path.startswith(LISTING):
            return 404, {"kind": "Status"}
        name = self.path.removeprefix(LISTING).removeprefix("/")
        answer = self.server.answer(self.command, name, json.loads(content or b"null"))
        return (0, None) if fault == "after" else answer

    do_GET = do_POST = do_PUT = take  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        pass


@contextmanager
def serving(server: ApiServer) -> Iterator[ApiServer]:
    """Let it serve until the block ends."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
