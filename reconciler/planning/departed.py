"""Who was under management and no longer is: silence would leave the access in place."""

from collections.abc import Iterable

from reconciler.domain.guardrails import Guardrails, Unlisted
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Policy
from reconciler.domain.state import Principal
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


def no_longer_former(base: Policy | None, unlisted: Iterable[Principal]) -> tuple[Problem, ...]:
    """Return a problem for everybody who was to hold nothing, still does, and is named no more.

    Whoever has left the console may be taken out of `former:`; here somebody has not.
    """
    former = {one.name for one in base.former} if base else set()
    return tuple(
        Problem(
            None,
            "no-longer-former",
            f'"{one.name}" is `former` in the base and here in no policy, and still holds '
            f"{one.grants[0].role.name} on {one.grants[0].scope.name}.",
            f"Keep {one.name.label} under `former:` until the access has ended.",
        )
        for one in unlisted
        if one.grants and one.name in former
    )


def _managed(policy: Policy) -> set[PrincipalName]:
    return {member.name for entry in policy.assignments for member in entry.members}
