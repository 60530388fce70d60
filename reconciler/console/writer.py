"""One operation, one call, and what the console answered."""

from reconciler.console import wire
from reconciler.console.answers import lost
from reconciler.console.client import Record, WriteClient
from reconciler.console.fields import checked_id
from reconciler.console.grants import Directory
from reconciler.console.reader import PATHS, answered_record
from reconciler.domain.names import PrincipalKind, email_key
from reconciler.domain.plan import Holding
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
        data = self._client.delete(path).get("data")
        if not isinstance(data, dict) or data.get("success") is not True:
            error = NotUnderstoodError("the console did not say that it succeeded")
            raise lost(error, f"DELETE {path}")

    def _answered(
        self, kind: PrincipalKind, body: Record, call: str, principal_id: str | None
    ) -> Principal:
        """Read the answer of a write that went through; LostAnswerError when it makes no sense."""
        try:
            record = answered_record(body.get("data"), principal_id)
            return wire.read_principal(kind, record, self._directory)
        except (NotUnderstoodError, IncompleteReadError) as error:
            raise lost(error, call) from None
