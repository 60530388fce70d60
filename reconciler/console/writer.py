"""One operation, one call, and what the console answered."""

from datetime import UTC, datetime

from reconciler.console import wire
from reconciler.console.answers import lost
from reconciler.console.client import Record, WriteClient
from reconciler.console.fields import checked_id
from reconciler.console.grants import Directory
from reconciler.console.reader import PATHS, answered_record
from reconciler.domain.names import PrincipalKind, email_key
from reconciler.domain.plan import Holding
from reconciler.domain.secret import Secret
from reconciler.domain.state import Actual, Principal
from reconciler.errors import IncompleteReadError, LostAnswerError, NotUnderstoodError


class Writer:
    """Writes to one console, reading its answers with what `actual` knows."""

    def __init__(self, client: WriteClient, actual: Actual) -> None:
        self._client = client
        self._directory = Directory.of_actual(actual)

    def update(self, kind: PrincipalKind, principal_id: str, holding: Holding) -> Principal:
        """Replace all grants of one principal; return it as the console answered.

        The answer is evidence, not proof: read again. Raises RefusedError before anything is
        sent, LostAnswerError when it may have happened, other ConsoleErrors when it has not.
        """
        path = f"{PATHS[kind]}/{checked_id(principal_id, 'the principal to be updated')}"
        body = self._client.put(path, wire.update_body(holding))
        return self._answered(kind, body, f"PUT {path}", principal_id)

    def invite(self, email: str, full_name: str, holding: Holding) -> Principal:
        """Create a console user, which sends an invitation e-mail; errors as `update`.

        RejectedError (400 or 409) may mean that the address is taken by a user out of sight.
        """
        body = self._client.post("/users", wire.invite_body(email, full_name, holding))
        principal = self._answered(PrincipalKind.USER, body, "POST /users", None)
        if principal.name.key != email_key(email):
            raise LostAnswerError(
                f"POST /users: the console answered with another user, id {principal.id}",
                "Read the user by e-mail to see what happened.",
            )
        return principal

    def delete(self, kind: PrincipalKind, principal_id: str) -> None:
        """Delete one principal; errors as `update`, MissingError when it is gone already."""
        path = f"{PATHS[kind]}/{checked_id(principal_id, 'the principal to be deleted')}"
        _succeeded(self._client.delete(path).get("data"), f"DELETE {path}")

    def create_service_user(
        self, name: str, holding: Holding, expires: datetime
    ) -> tuple[Principal, Secret | None]:
        """Create a service user; return it and its token, which is told this once.

        The token is None when the answer has none. Errors as `update`; the console does not mind
        a second one of the same name (API reference, quirk 14).
        """
        call = "/service-users"
        body = self._client.post(call, wire.service_user_body(name, holding, _stamp(expires)))
        principal = self._answered(PrincipalKind.SERVICE, body, f"POST {call}", None)
        told = body["data"].get("apiToken")
        return principal, _secret(told.get("value") if isinstance(told, dict) else None)

    def rotate_token(self, service_id: str, expires: datetime) -> Secret | None:
        """Renew a service user's token, the old one stops; errors as `update`.

        MissingError on consoles that only know the older specification (section 7.4).
        """
        identity = checked_id(service_id, "the service user whose token is renewed")
        path = f"/service-users/{identity}/generate-api-token"
        body = self._client.post(path, {"data": {"expirationDate": _stamp(expires)}})
        told = body.get("data")
        return _secret(told.get("token") if isinstance(told, dict) else None)

    def revoke_token(self, user_id: str) -> None:
        """Revoke the API token of a console user (API reference, section 7.5); errors as `update`.

        Asking twice does no harm.
        """
        identity = checked_id(user_id, "the user whose token is revoked")
        call = "/users/revoke-api-token"
        data = self._client.post(call, {"data": {"id": identity}}).get("data")
        _succeeded(data, f"POST {call}")

    def _answered(
        self, kind: PrincipalKind, body: Record, call: str, principal_id: str | None
    ) -> Principal:
        """Read the answer of a write that went through; LostAnswerError when it makes no sense."""
        try:
            record = answered_record(body.get("data"), principal_id)
            return wire.read_principal(kind, record, self._directory)
        except (NotUnderstoodError, IncompleteReadError) as error:
            raise lost(error, call) from None


def _secret(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def _stamp(instant: datetime) -> str:
    """Write an instant as the console does (section 1)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _succeeded(data: object, call: str) -> None:
    """Raise LostAnswerError unless the console said that it did what was asked."""
    if not isinstance(data, dict) or data.get("success") is not True:
        raise lost(NotUnderstoodError("the console did not say that it succeeded"), call)
