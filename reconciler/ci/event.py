"""What CI was started for: the event, the commits it compares, and where it runs.

Everything here comes from the runner's own variables and event file, never from the repository.
Text from pull requests (titles, branch names) is not read at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.domain.review import Trigger
from reconciler.errors import SettingsError

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True)
class Event:
    """One run in CI. What does not apply is empty."""

    trigger: Trigger
    commit: str
    """The commit that is checked out: of a pull request, what merging it would give."""
    run: str
    """Number of the run (GitLab: of the job), under which its artifacts are kept."""
    run_url: str
    """Of all attempts at the run."""
    started_by: str
    branch: str = ""
    """The branch that the commit is on; empty for a pull request."""
    protected: str = ""
    """The default branch."""
    number: str = ""
    """Of the pull request."""
    base: str = ""
    """What the commit is compared with: the pull request's base, or the tip before the push."""
    head: str = ""
    """The last commit of the pull request."""
    attempt_url: str = ""
    """Of this attempt, where the host tells attempts of one run apart."""
    attempt: int = 1
    """How often this run was started; a host that does not say it leaves it at 1."""
    config: str = ""
    """GitLab: where the pipelines are described; a path, unless it is in another project."""
    workflow: str = ""
    """GitHub: path of the workflow that runs, `.github/workflows/apply.yml`; else empty."""
    has_secrets: bool = True
    """False for a fork's pull request: the host gives its runs no secrets."""


def github_event(environ: Mapping[str, str], tree: Mapping[str, Any]) -> Event:
    """Return the event of a GitHub runner; `tree` is its event file.

    Variables and payloads as "Variables reference" and "Webhook events and payloads" of the GitHub
    documentation have them. Raises SettingsError for an event that this is not made for.
    """
    name = environ.get("GITHUB_EVENT_NAME", "")
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = _number(environ.get("GITHUB_RUN_ID", ""), "GITHUB_RUN_ID")
    attempt = _number(environ.get("GITHUB_RUN_ATTEMPT", "1"), "GITHUB_RUN_ATTEMPT")
    event = Event(
        trigger=Trigger.DISPATCH,
        commit=_commit(environ.get("GITHUB_SHA", ""), "GITHUB_SHA"),
        run=run,
        run_url=f"{server}/{repository}/actions/runs/{run}",
        started_by=environ.get("GITHUB_ACTOR", ""),
        attempt_url=f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}",
        attempt=int(attempt),
        branch=_branch(environ),
        protected=str(_at(tree, "repository", "default_branch") or ""),
        workflow=_workflow(environ.get("GITHUB_WORKFLOW_REF", ""), repository),
    )
    match name:
        case "pull_request":
            return _github_request(event, _at(tree, "pull_request"), repository)
        case "push":
            base = _before(str(tree.get("before") or ""))
            return replace(event, trigger=Trigger.PUSH, base=base)
        case "schedule":
            return replace(event, trigger=Trigger.SCHEDULE)
        case "workflow_dispatch":
            return event
    raise SettingsError(
        f"This run was started by {name or 'nothing that says its name'}, which `reconciler ci` "
        "is not made for.",
        "Start it on pull_request, push, schedule or workflow_dispatch; never on "
        "pull_request_target, which would give its secrets to whoever opens a pull request.",
    )


def gitlab_event(environ: Mapping[str, str]) -> Event:
    """Return the event of a GitLab runner ("Predefined CI/CD variables reference").

    Raises SettingsError for a pipeline that this is not made for.
    """
    source = environ.get("CI_PIPELINE_SOURCE", "")
    event = Event(
        trigger=Trigger.DISPATCH,
        commit=_commit(environ.get("CI_COMMIT_SHA", ""), "CI_COMMIT_SHA"),
        run=_number(environ.get("CI_JOB_ID", ""), "CI_JOB_ID"),
        run_url=environ.get("CI_JOB_URL", ""),
        started_by=environ.get("GITLAB_USER_LOGIN", ""),
        branch=environ.get("CI_COMMIT_BRANCH", ""),
        protected=environ.get("CI_DEFAULT_BRANCH", ""),
        config=environ.get("CI_CONFIG_PATH", ""),
    )
    match source:
        case "merge_request_event":
            return _gitlab_request(event, environ)
        case "push":
            base = _before(environ.get("CI_COMMIT_BEFORE_SHA", ""))
            return replace(event, trigger=Trigger.PUSH, base=base)
        case "schedule":
            return replace(event, trigger=Trigger.SCHEDULE)
        case "web" | "api" | "trigger":
            return event
    raise SettingsError(
        f"This pipeline was started by {source or 'nothing that says its name'}, which "
        "`reconciler ci` is not made for.",
        "Run it for merge requests, pushes to the default branch, schedules, or by hand.",
    )


def plan_digest(text: str) -> str:
    """Return the content digest that somebody gave by hand, empty when none was given.

    Raises SettingsError for what is no digest.
    """
    text = text.strip()
    if text and not _DIGEST.fullmatch(text):
        raise SettingsError(
            f"{text!a} is not the digest of a plan.",
            "Give the whole of it, sha256: and 64 digits, as the drift report shows it.",
        )
    return text


def _workflow(reference: str, repository: str) -> str:
    """Return the path in `OWNER/NAME/.github/workflows/apply.yml@refs/heads/main`."""
    path, _, _ = reference.removeprefix(f"{repository}/").partition("@")
    return path


def _github_request(event: Event, request: object, repository: str) -> Event:
    return replace(
        event,
        trigger=Trigger.REQUEST,
        branch="",
        number=_number(str(_at(request, "number")), "the pull request"),
        base=_commit(str(_at(request, "base", "sha")), "the pull request's base"),
        head=_commit(str(_at(request, "head", "sha")), "the pull request's head"),
        # The host gives its runs no secrets.
        has_secrets=_at(request, "head", "repo", "full_name") == repository
        and _at(request, "user", "login") != _DEPENDABOT,
    )


def _gitlab_request(event: Event, environ: Mapping[str, str]) -> Event:
    # Both tips stand only in a pipeline of the merged result. In one of the source branch alone
    # CI_COMMIT_SHA is the head, and what it is compared with is where it left the target.
    head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or event.commit
    base = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")
    base = base or environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    # A fork's pipeline runs in the fork, or in the project for a member who started it there.
    here, there = environ.get("CI_PROJECT_ID"), environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    target = environ.get("CI_MERGE_REQUEST_PROJECT_ID")
    return replace(
        event,
        trigger=Trigger.REQUEST,
        branch="",
        number=_number(environ.get("CI_MERGE_REQUEST_IID", ""), "CI_MERGE_REQUEST_IID"),
        base=_commit(base, "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        head=_commit(head, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"),
        has_secrets=here == there == target,
    )


def _before(commit: str) -> str:
    """Return the tip before a push; a new branch has none, and says so in zeros."""
    return _commit(commit, "the tip before the push") if commit.strip("0") else ""


def _at(tree: object, *keys: str) -> Any:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _branch(environ: Mapping[str, str]) -> str:
    """Return the branch of GITHUB_REF; a tag is none."""
    prefix, ref = "refs/heads/", environ.get("GITHUB_REF", "")
    return ref.removeprefix(prefix) if ref.startswith(prefix) else ""


def _commit(text: str, what: str) -> str:
    return _matching(_COMMIT, text, f"{what} names no commit")


def _number(text: str, what: str) -> str:
    return _matching(_DIGITS, text, f"{what} is no number")


def _matching(pattern: re.Pattern[str], text: str, trouble: str) -> str:
    if not pattern.fullmatch(text):
        raise SettingsError(
            f"The runner's environment cannot be understood: {trouble} ({text[:80]!a}).",
            "`reconciler ci` is for GitHub Actions and GitLab CI; elsewhere use `reconciler plan`.",
        )
    return text
