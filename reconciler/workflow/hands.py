"""One operation at a time against a console: the port that `workflow.apply` asks for."""

from collections.abc import Callable
from datetime import datetime

from reconciler.console.client import WriteClient
from reconciler.console.reader import find_service_users, find_users, read_principal
from reconciler.console.writer import Writer
from reconciler.domain.plan import Operation, OperationKind
from reconciler.domain.secret import Secret
from reconciler.domain.state import Actual, Principal
from reconciler.errors import IncompleteReadError


class Hands:
    """Rereads and writes single principals with one token."""

    def __init__(self, client: WriteClient, actual: Actual) -> None:
        self._client = client
        self._actual = actual
        self._writer = Writer(client, actual)

    def check_before_writes(self, check: Callable[[], None]) -> None:
        """Call `check` right before every request that writes; what it raises, the call raises."""
        self._client.check_before_writes(check)

    def reread(self, operation: Operation) -> Principal | None:
        """Return the principal as the console has it now; None when absent.

        Raises a ConsoleError when the answer cannot be relied on.
        """
        if operation.principal_id is not None:
            kind = operation.name.kind
            return read_principal(self._client, self._actual, kind, operation.principal_id)
        found = find_users(self._client, self._actual, operation.name.text)
        if len(found) > 1:
            raise IncompleteReadError(
                f"{len(found)} users have the address {operation.name}",
                "Remove the double one in the console.",
            )
        return found[0] if found else None

    def write(self, operation: Operation) -> Principal | None:
        """Do the operation with one call and return the answer; None after a deletion.

        Raises what `console.writer` raises.
        """
        kind, principal_id, after = operation.name.kind, operation.principal_id, operation.after
        if operation.kind is OperationKind.INVITE and after is not None:
            return self._writer.invite(operation.name.text, operation.full_name, after)
        if principal_id is None:
            raise ValueError("only an invitation has no id")
        if after is not None:
            return self._writer.update(kind, principal_id, after)
        self._writer.delete(kind, principal_id)
        return None

    def service_users(self, operation: Operation) -> tuple[Principal, ...]:
        """Return every service user of the operation's name as the console has them now."""
        return tuple(find_service_users(self._client, self._actual, operation.name))

    def create_service_user(
        self, operation: Operation, expires: datetime
    ) -> tuple[Principal, Secret | None]:
        """Create a service user with one call; raises what `console.writer` raises."""
        if operation.after is None:
            raise ValueError("a service user to be created holds something")
        return self._writer.create_service_user(operation.name.text, operation.after, expires)

    def rotate_token(self, operation: Operation, expires: datetime) -> Secret | None:
        """Renew a service user's token with one call; raises what `console.writer` raises."""
        return self._writer.rotate_token(operation.principal_id or "", expires)

    def revoke_token(self, operation: Operation) -> None:
        """Revoke the API token of a console user; raises what `console.writer` raises."""
        if operation.principal_id is not None:
            self._writer.revoke_token(operation.principal_id)
