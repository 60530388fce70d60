"""Who is meant by a name, and whether they may be managed."""

from collections.abc import Iterable

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.policy import UserEntry
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Place, Problem
from reconciler.planning.catalog import did_you_mean
from reconciler.planning.standing import stands_at

_WIDER = (
    "Use a token at the tenant: only that one sees who is on the console and who is new, and at "
    "which level they stand."
)


class People:
    """The principals of one console, indexed by name and, for service users, by id."""

    def __init__(self, actual: Actual) -> None:
        self._named: dict[PrincipalName, list[Principal]] = {}
        self._service_ids: dict[str, Principal] = {}
        self._level = actual.identity.level
        self.sees_all = self._level is Level.TENANT
        """False for a token below the tenant: whom it does not see may be there."""
        self.view = f"this token, which stands at {stands_at(actual)}"
        for principal in actual.principals:
            self._named.setdefault(principal.name, []).append(principal)
            if principal.kind is PrincipalKind.SERVICE:
                self._service_ids[principal.id] = principal

    def canonical(self, name: PrincipalName) -> PrincipalName:
        """Return the one name that stands for all spellings of a principal.

        `service:id:...` and `service:name` of the same service user become one, unless
        several share the name: then each keeps its id.
        """
        found = self._by_id(name)
        if found is not None and len(self._named[found.name]) == 1:
            return found.name
        return name

    def find(
        self, name: PrincipalName, place: Place, *, may_be_absent: bool = False
    ) -> Principal | Problem | None:
        """Return the principal, None for a user who is not there, or why it cannot be managed."""
        if _is_id(name):
            by_id = self._by_id(name)
            found = [by_id] if by_id else []
        else:
            found = self._named.get(name, [])
        if len(found) > 1:
            ids = ", ".join(f"id:{principal.id}" for principal in found)
            return Problem(
                place,
                "ambiguous-principal",
                f'Several principals on the console are called "{name}": {ids}.',
                "Remove the double one in the console; a service user may be named by "
                "service:id:...",
            )
        if found:
            return self._manageable(found[0], place)
        if name.kind is PrincipalKind.USER or may_be_absent:
            return None
        names = [n.label for n in self._named if n.kind is PrincipalKind.SERVICE]
        if not self.sees_all:
            return self.unseen(name, place, did_you_mean(name.label, names))
        return Problem(
            place,
            "unknown-service-user",
            f'No service user "{name.text}" on the console.',
            did_you_mean(name.label, names)
            or "Policies never create service users: create it in the console first.",
        )

    def is_absent(self, name: PrincipalName) -> bool:
        """Tell whether nobody on the console has this name."""
        return self._by_id(name) is None and name not in self._named

    def suggest(self, name: PrincipalName) -> str:
        """Return `Did you mean ...?` over the principals of the console, or an empty string."""
        return did_you_mean(name.label, (known.label for known in self._named))

    def unseen(self, name: PrincipalName, place: Place, close: str = "") -> Problem:
        """Return why a narrow token cannot tell whether somebody is new, with what is near."""
        return Problem(
            place,
            "not-visible",
            f'"{name}" is not visible to {self.view}.',
            f"{close} {_WIDER}".lstrip(),
        )

    def pins(self, entries: Iterable[UserEntry]) -> Iterable[Problem]:
        """Report every address that now belongs to another id than the one pinned (T34)."""
        for entry in entries:
            if entry.id is None:
                continue
            found = self._named.get(entry.name, [])
            for principal in found:
                if principal.id != entry.id:
                    yield Problem(
                        entry.place,
                        "identity-changed",
                        f'"{entry.name}" has the id {principal.id} on the console, not the '
                        f"pinned {entry.id}: the address was given to somebody else.",
                        "Find out who holds the address now; then correct or remove the id.",
                    )
            if not found and not self.sees_all:
                yield self.unseen(entry.name, entry.place)
            elif not found:
                yield Problem(
                    entry.place,
                    "identity-changed",
                    f'Nobody on the console has the address "{entry.name}", pinned to the id '
                    f"{entry.id}: it was renamed or deleted.",
                    "Correct the address, or remove the id to invite somebody new.",
                )

    def _by_id(self, name: PrincipalName) -> Principal | None:
        return self._service_ids.get(name.key.removeprefix("id:")) if _is_id(name) else None

    def _manageable(self, principal: Principal, place: Place) -> Principal | Problem:
        if principal.is_system:
            return Problem(
                place,
                "system-principal",
                f'"{principal.name}" is a system principal of the console.',
                "Remove it from the policies; system principals are never written.",
            )
        if principal.is_partial:
            return Problem(
                place,
                "outside-view",
                f'"{principal.name}" stands above or partly outside what this token sees '
                f"({self._level} level).",
                "Use a token at the scope of everybody the policies name; writing now could "
                "drop grants that the token cannot see.",
            )
        return principal


def _is_id(name: PrincipalName) -> bool:
    return name.kind is PrincipalKind.SERVICE and name.key.startswith("id:")
