"""Who was under management and no longer is: silence would leave the access in place."""

from reconciler.domain.guardrails import Guardrails, Unlisted
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Policy
from reconciler.errors import Problem


def departed(base: Policy, head: Policy, guardrails: Guardrails) -> tuple[Problem, ...]:
    """Return a problem for everybody `base` manages and `head` neither manages nor ends.

    Under `unlisted: revoke` there is none: whoever is not named loses everything anyway.
    """
    if guardrails.unlisted is Unlisted.REVOKE:
        return ()
    kept = {*_managed(head), *(former.name for former in head.former)}
    return tuple(
        Problem(
            None,
            "no-longer-managed",
            f'"{name}" is under management in the base and here in no policy; the access would '
            "stay as it is, and nobody would look after it.",
            f"Add {name.label} to `former:` to end the access, or keep an assignment.",
        )
        for name in sorted(_managed(base))
        if name not in kept
    )


def _managed(policy: Policy) -> set[PrincipalName]:
    return {member.name for entry in policy.assignments for member in entry.members}
