"""What a reader should know beside the changes: warnings that stop nothing."""

from collections.abc import Iterable

from reconciler.domain.access import Level
from reconciler.domain.desired import DesiredPrincipal
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Problem, sort_problems
from reconciler.planning.admins import short_of_admins
from reconciler.planning.compare import Comparison
from reconciler.planning.identities import unpinned
from reconciler.planning.judged import Judged
from reconciler.planning.rolepins import role_notices


def notices(
    judged: Judged, compared: Iterable[tuple[DesiredPrincipal, Comparison]]
) -> tuple[Problem, ...]:
    """Return every warning of a plan, sorted."""
    found = [
        *judged.desired.warnings,
        *_view(judged.actual),
        *_system(judged.actual),
        *_guarded(judged),
        *role_notices(judged),
        *unpinned(_managed(judged), judged.names.pins),
    ]
    for one, comparison in compared:
        # What belongs to an operation is told beside it.
        if comparison.operation is None:
            found.extend(_unwritten(one, comparison))
    return sort_problems(tuple(found))


def _unwritten(one: DesiredPrincipal, comparison: Comparison) -> Iterable[Problem]:
    for note in comparison.notes:
        yield Problem(
            one.places[0] if one.places else None,
            "left-alone",
            f"{one.name}{':' if note.startswith('-') else ''} {note}.",
            "Nothing is written for this principal in this run.",
        )


def _managed(judged: Judged) -> Iterable[Principal]:
    """Return every principal of the console that the policies manage."""
    return (one.principal for one in judged.desired.principals if one.principal and one.listed)


def _view(actual: Actual) -> Iterable[Problem]:
    """Say what the token may not see (API reference, section 10, quirk 20)."""
    for note in actual.notes:
        yield Problem(None, "view", note, "Plan with a tenant-level token to see everything.")
    if actual.identity.level is not Level.TENANT:
        yield Problem(
            None,
            "narrow-token",
            f"This token stands at {actual.identity.level} level; whether the console shows it "
            "every grant of the people it sees is not documented.",
            "Use a token at the scope of everybody the policies name, best the tenant.",
        )


def _system(actual: Actual) -> Iterable[Problem]:
    """Name the console's own admins, who are in no list of ours."""
    for principal in actual.principals:
        wide = [grant for grant in principal.grants if grant.role.is_admin]
        if principal.is_system and wide:
            yield Problem(
                None,
                "system-admin",
                f"{principal.name} is a system principal of the console and holds Admin on "
                f"{wide[0].scope.name}.",
                "It is never written and counts for nothing; the vendor decides about it.",
            )


def _guarded(judged: Judged) -> Iterable[Problem]:
    """Say where the state already falls short of the guardrails, and which guard nobody."""
    for scope, count, not_counted in short_of_admins(judged):
        yield Problem(
            None,
            "few-admins",
            f"{scope.name} has {count} admin{'' if count == 1 else 's'} who can log in; the "
            f"guardrails ask for more.{not_counted}",
            "Grant Admin to somebody else, or have those who do not count log in; a plan that "
            "takes one away is refused.",
        )
    yield from _overridden(judged)
    people = judged.names.people
    for name in judged.guardrails.protected:
        # Whom a narrow token does not see may be there all the same.
        if people.sees_all and people.is_absent(name):
            yield Problem(
                None,
                "protected-absent",
                f'"{name}" is protected in the guardrails, and is not on the console.',
                "Correct the name; as it stands, it protects nobody.",
            )


def _overridden(judged: Judged) -> Iterable[Problem]:
    """Show every limit that is lifted, and every override that has ended."""
    for override in judged.guardrails.overrides:
        value, until = f"{override.value:g}", f"{override.until:%Y-%m-%dT%H:%M:%SZ}"
        if override is judged.override(override.rule):
            yield Problem(
                override.place,
                "override-in-force",
                f"{override.rule} is lifted to {value} until {until}: {override.reason}",
                "Remove the override when it is no longer needed.",
            )
        elif not judged.instant < override.until:
            yield Problem(
                override.place,
                "override-ended",
                f"The override of {override.rule} to {value} ended at {until}: {override.reason}",
                "Remove it from guardrails.yaml; it lifts nothing any more.",
            )
