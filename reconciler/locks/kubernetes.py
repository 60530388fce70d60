"""One Lease object of the Kubernetes API, asked for with the pod's own service account.

Only what a lock needs: read, create, replace. Every change is conditional on the version that
was read, so that of two writers one gets a conflict (API: coordination.k8s.io/v1).
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeGuard

import httpx

from reconciler.errors import SettingsError

Body = dict[str, Any]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and the certificate of the API server."""

_SECONDS = 5.0
_HOST = re.compile(r"[0-9a-zA-Z.:-]+")


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as the API server shows it."""

    body: Body
    """The whole object, so that what others keep in it survives."""

    @property
    def version(self) -> str:
        """Another one after every change, whoever made it."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def holder(self) -> str:
        """Who has it; empty when nobody does."""
        return str(self._spec.get("holderIdentity") or "")

    @property
    def since(self) -> str:
        """When its holder took it, by the holder's clock; empty when not told."""
        return str(self._spec.get("acquireTime") or "")

    @property
    def seconds(self) -> int:
        """How long it lasts without a renewal; 0 when not told."""
        told = self._spec.get("leaseDurationSeconds")
        return told if type(told) is int else 0

    @property
    def transitions(self) -> int:
        """How often it changed hands."""
        told = self._spec.get("leaseTransitions")
        return told if type(told) is int else 0

    def changed(self, spec: Body) -> "Lease":
        """Return it with these fields of the specification; the rest stays, the version too."""
        return Lease({**self.body, "spec": {**self._spec, **spec}})

    @property
    def _spec(self) -> Body:
        spec = self.body.get("spec")
        return spec if isinstance(spec, dict) else {}


class LeaseClient:
    """Asks one API server about one Lease. Close it after use.

    Every method raises SettingsError when no usable answer comes.
    """

    def __init__(self, server: str, folder: Path, namespace: str, name: str) -> None:
        """Name the server (`https://host:port`), the service account's folder and the Lease."""
        self._folder = folder
        self._listing = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._metadata = {"name": name, "namespace": namespace}
        # Nothing of the environment: no proxy, no netrc, no other certificates.
        self._http = httpx.Client(
            base_url=server,
            verify=_trust(folder) if server.startswith("https:") else False,
            trust_env=False,
            follow_redirects=False,
            timeout=_SECONDS,
        )

    @classmethod
    def in_cluster(cls, environ: Mapping[str, str], place: str) -> Self:
        """Connect as a pod does to `NAMESPACE/NAME`; raises SettingsError outside a cluster."""
        host = environ.get("KUBERNETES_SERVICE_HOST", "")
        port = environ.get("KUBERNETES_SERVICE_PORT", "")
        if not _HOST.fullmatch(host) or not port.isdecimal():
            raise SettingsError(
                "RECONCILER_LOCK names a Lease, but KUBERNETES_SERVICE_HOST and "
                "KUBERNETES_SERVICE_PORT name no API server: this is no Kubernetes pod.",
                "Run it in a pod with a service account, or use a lock of the form git:REMOTE.",
            )
        written = f"[{host}]" if ":" in host else host
        namespace, _, name = place.partition("/")
        return cls(f"https://{written}:{port}", SERVICE_ACCOUNT, namespace, name)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read(self) -> Lease | None:
        """Return the Lease, None where there is none."""
        answer = self._ask("GET", f"{self._listing}/{self._metadata['name']}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else _lease(answer)

    def create(self, spec: Body) -> Lease | None:
        """Create it; return None when somebody else was faster."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": self._metadata,
            "spec": spec,
        }
        return self._changed(self._ask("POST", self._listing, body))

    def replace(self, lease: Lease) -> Lease | None:
        """Write it over the version it was read as; return None when it was changed since."""
        path = f"{self._listing}/{self._metadata['name']}"
        answer = self._ask("PUT", path, lease.body)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._changed(answer)

    def _changed(self, answer: httpx.Response) -> Lease | None:
        return None if answer.status_code == httpx.codes.CONFLICT else _lease(answer)

    def _ask(self, method: str, path: str, body: Body | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise SettingsError(
                f"The Kubernetes API server does not answer ({type(error).__name__}).",
                "Without the lock nothing is changed: check the pod's network policy.",
            ) from error
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise SettingsError(
                f"The Kubernetes API server refuses this pod's service account for the Lease "
                f"{self._metadata['namespace']}/{self._metadata['name']} ({answer.status_code}).",
                "Give it a Role with get and update on that Lease, and create on leases.",
            )
        return answer

    def _token(self) -> str:
        """Read it anew each time: the kubelet replaces it while the pod runs."""
        try:
            token = (self._folder / "token").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            token = ""
        if not token.isprintable() or not token:
            raise SettingsError(
                f"This pod has no service account token in {self._folder}.",
                "Set automountServiceAccountToken: true in the pod's specification.",
            )
        return token


def _trust(folder: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=folder / "ca.crt")
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{folder / 'ca.crt'} does not hold the certificate of the Kubernetes API server.",
            "Set automountServiceAccountToken: true in the pod's specification.",
        ) from error


def _lease(answer: httpx.Response) -> Lease:
    """Return what an answer holds; raise SettingsError when that is no Lease."""
    try:
        body = answer.json() if answer.is_success else None
    except ValueError:
        body = None
    if not _is_lease(body):
        raise SettingsError(
            f"The Kubernetes API server answered something else than a Lease "
            f"({answer.status_code}).",
            "Check that the namespace exists, and that the server serves coordination.k8s.io/v1.",
        )
    return Lease(body)


def _is_lease(body: Any) -> TypeGuard[Body]:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return isinstance(metadata, dict) and bool(metadata.get("resourceVersion"))
