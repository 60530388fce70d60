"""Whether this run may write at all: from the protected branch, forwards, and as reviewed (T09)."""

from collections.abc import Iterable

from reconciler.audit.chain import Record
from reconciler.ci.event import Event
from reconciler.documents.git import Git
from reconciler.domain.review import Trigger
from reconciler.errors import RefusedError

_WORKFLOWS = (".github/", ".gitlab-ci.yml", ".gitlab/")


def check_place(git: Git, event: Event) -> None:
    """Raise RefusedError unless the run's commit is on the protected branch."""
    if event.trigger is Trigger.REQUEST or not event.protected or event.branch != event.protected:
        where = f"the branch {event.branch!a}" if event.branch else "a pull request or a tag"
        raise RefusedError(
            f"This run is of {where}; only the protected branch {event.protected!a} is applied.",
            "Merge first. Policies are applied from the protected branch alone.",
        )
    if not is_protected(git, event.commit, event):
        raise RefusedError(
            f"The commit {event.commit[:8]} is not on the protected branch {event.protected}, or "
            "this clone cannot tell.",
            "Check out with fetch-depth: 0. If the branch was rewritten, run the workflow of its "
            "newest commit.",
        )


def check_order(git: Git, event: Event, records: Iterable[Record], origin: str) -> None:
    """Raise RefusedError when a later commit was applied, or may have taken something back.

    Somebody may start an old run again; it would bring back what was taken away since. A later
    commit that found nothing to do left no record, so a run that is not the first of its commit
    has to be of the branch's tip.
    """
    commits = [
        review["commit"]
        for record in records
        if record.kind == "run-started"
        and record.data.get("origin") == origin
        and isinstance(review := record.data.get("review"), dict)
        and isinstance(review.get("commit"), str)
    ]
    is_again = event.attempt > 1 or event.commit in commits
    if is_again and git.commit(f"refs/remotes/origin/{event.protected}") != event.commit:
        raise RefusedError(
            f"This run of {event.commit[:8]} is not its first, and {event.protected} has gone on "
            "since: what it once did may have been taken back.",
            "Run the apply workflow of the branch's newest commit.",
        )
    last = commits[-1] if commits else event.commit
    if not _is_ancestor(git, last, event.commit):
        raise RefusedError(
            f"The journal shows that {last[:8]} was applied, and {event.commit[:8]} does not come "
            "after it: this run is an old one, or the branch was rewritten.",
            "Run the apply workflow of the branch's newest commit.",
        )


def check_workflows(git: Git, event: Event) -> None:
    """Raise RefusedError when the push changed the workflows too.

    Whoever changes the workflow of a pull request can write its plan comment, and anything else.
    """
    if not event.base:
        raise RefusedError(
            "The push does not say which tip it came after, so what it changed is not known.",
            "Start the apply workflow by hand with the digest that the drift report names.",
        )
    names = changed_names(git, event)
    if names is None:
        raise RefusedError(
            f"This clone does not hold {event.base[:8]}, the tip before the push.",
            "Check out with fetch-depth: 0.",
        )
    changed = [name for name in names if name.startswith(_WORKFLOWS) or name == event.config]
    if changed:
        raise RefusedError(
            f"The push changed {changed[0]}, with which it could have written its own plan "
            "comment; so that comment proves nothing.",
            "Read what the drift report shows now, and start the apply workflow by hand with the "
            "digest that it names.",
        )


def changed_names(git: Git, event: Event) -> list[str] | None:
    """Return the files that differ between base and commit; None when this clone cannot tell."""
    span = (event.base, event.commit)
    answer = git.ask("diff-tree", "-r", "--name-only", "--no-renames", "-z", *span)
    if answer is None:
        return None
    return [name for name in answer.decode("utf-8", "replace").split("\0") if name]


def is_protected(git: Git, commit: str, event: Event) -> bool:
    """Tell whether a commit is on the protected branch; False when this clone cannot tell."""
    return _is_ancestor(git, commit, f"refs/remotes/origin/{event.protected}")


def brought(git: Git, base: str, commit: str) -> list[str]:
    """Return the commits since `base` that changed the policies on their branch, newest first.

    Raises RefusedError when this clone cannot tell.
    """
    span = f"{base}..{commit}" if base else commit
    # git stands in the folder of the policies.
    answer = git.ask("rev-list", "--first-parent", span, "--", ".")
    if answer is None:
        raise RefusedError(
            f"What came to the branch since {base[:8]} cannot be looked through: this clone does "
            "not hold it.",
            "Check out with fetch-depth: 0; or start the apply workflow by hand with the digest "
            "that the drift report names.",
        )
    return answer.decode("ascii").split()


def _is_ancestor(git: Git, one: str, other: str) -> bool:
    return git.ask("merge-base", "--is-ancestor", one, other) is not None
