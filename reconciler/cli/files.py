"""From the policies folder to what the files ask for, compared with the base commit."""

from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli.session import Session, child_environment
from reconciler.documents.base import read_base
from reconciler.documents.load import load
from reconciler.domain.plan import Options
from reconciler.domain.policy import Policy
from reconciler.domain.wanted import Wanted
from reconciler.errors import PolicyError, Problem
from reconciler.planning.departed import departed

NO_OPTIONS = Options()


_OTHER_GUARDRAILS = Problem(
    None,
    "guardrails-changed",
    "The guardrails are not those of the base commit, and this is judged by the ones here.",
    "Judge by the base's copy with --guardrails FILE, so that no change loosens what judges it.",
)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files are, as the command line says."""

    policies: Path
    guardrails: Path | None
    base: str | None
    shown: Path | None = None
    """The folder that places name; without it, `policies`."""


def load_files(session: Session, files: Files, options: Options = NO_OPTIONS) -> Wanted:
    """Read and check the files; nobody may have dropped out of management in silence.

    Raises PolicyError with every problem, SettingsError when the base names no commit.
    """
    loaded = load(files.policies, files.guardrails, files.shown)
    policy, guardrails = loaded.policy, loaded.guardrails
    if options.undo_of:
        # Of what the policies say, only who must hold nothing has a part in it; the guardrails
        # judge it as they do a plan.
        return Wanted(Policy(former=policy.former), guardrails, options, pins=loaded.pins)
    base = read_base(files.policies, files.base, child_environment(session.runtime.environ))
    problems = {
        problem for before in base.policies for problem in departed(before, policy, guardrails)
    }
    if problems:
        raise PolicyError(tuple(problems))
    is_trusted = files.guardrails is not None or base.guardrails in {None, guardrails.digest}
    if not is_trusted:
        policy = replace(policy, warnings=(*policy.warnings, _OTHER_GUARDRAILS))
    if base.note is not None:
        unchecked = Problem(
            None,
            "no-base",
            f"Whether somebody dropped out of management could not be checked: {base.note}.",
            "Name the base commit with --base (in CI: check out with fetch-depth: 0).",
        )
        policy = replace(policy, warnings=(*policy.warnings, unchecked))
    return Wanted(
        policy=policy,
        guardrails=guardrails,
        options=options,
        base=base.policies[0] if base.policies else None,
        pins=loaded.pins,
    )
