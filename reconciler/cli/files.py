"""From the policies folder to what the files ask for, compared with the base commit."""

from dataclasses import replace
from pathlib import Path

from reconciler.cli.session import Session, child_environment
from reconciler.documents.base import read_base
from reconciler.documents.load import load
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.policy import Policy
from reconciler.errors import PolicyError, Problem
from reconciler.planning.departed import departed


def load_files(
    session: Session, policies: Path, guardrails: Path | None, base: str | None
) -> tuple[Policy, Guardrails]:
    """Read and check the files; nobody may have dropped out of management in silence.

    Raises PolicyError with every problem, SettingsError when `base` names no commit.
    """
    policy, limits = load(policies, guardrails)
    before = read_base(policies, base, child_environment(session.runtime.environ))
    if before.policy is not None:
        problems = departed(before.policy, policy, limits)
        if problems:
            raise PolicyError(problems)
    if before.note is not None:
        unchecked = Problem(
            None,
            "no-base",
            f"Whether somebody dropped out of management could not be checked: {before.note}.",
            "Name the base commit with --base (in CI: check out with fetch-depth: 0).",
        )
        policy = replace(policy, warnings=(*policy.warnings, unchecked))
    return policy, limits
