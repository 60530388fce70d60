"""From a folder to the code host: the comment, the labels, the issue about drift.

The folder is data. A host that does not do what it is asked is a warning: it never turns a good
plan red, and whoever publishes says what the run came to, so that it hides no bad one either.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.ci.event import Event
from reconciler.ci.issue import News, keep_issue
from reconciler.ci.labels import keep_labels, labels_for
from reconciler.ci.later import is_later
from reconciler.ci.marker import Marker
from reconciler.ci.result import Folder, Result
from reconciler.ci.sticky import about, add_outcome, keep_comment, ours
from reconciler.errors import ExitCode, RefusedError
from reconciler.forge.base import Forge, ForgeError


@dataclass(slots=True)
class Published:
    """What was done, in lines for the log, and what the host did not do."""

    done: list[str] = field(default_factory=list)
    warnings: list[ForgeError] = field(default_factory=list)
    news: News = News.NONE
    """Of drift."""
    url: str = ""
    """Of the issue about drift."""


def check_origin(result: Result, event: Event) -> None:
    """Raise RefusedError unless a folder was made by the run that publishes it.

    The folder is data: it must not choose which pull request it speaks to.
    """
    is_same = result.commit == event.commit
    if result.command == "plan":
        is_same = is_same and (result.number, result.head) == (event.number, event.head)
    if not is_same:
        raise RefusedError(
            f"The folder is of the commit {result.commit[:8]}"
            f"{f' and the pull request {result.number}' if result.number else ''}, and this run "
            "is not; nothing was published.",
            "Publish in the same run that planned.",
        )


def publish(folder: Folder, forge: Forge | None) -> Published:
    """Publish what a run came to; without a code host nothing but the news is known."""
    result = folder.result
    published = Published()
    if result.command == "drift":
        _publish_drift(folder, forge, published)
    elif forge is None:
        published.done.append("No code host is known here; nothing was published.")
    elif not result.number:
        published.done.append("No pull request belongs to this run; nothing was published.")
    elif result.command == "plan":
        _publish_plan(folder, forge, published)
    else:
        _publish_outcome(folder, forge, published)
    return published


def _publish_outcome(folder: Folder, forge: Forge, published: Published) -> None:
    """Add what an apply came to; a later one that has spoken already takes nothing from it."""
    number, marker = folder.result.number, Marker.of(folder.result)

    def add() -> str:
        return add_outcome(forge, number, marker, folder.comment, ours(forge.comments(number)))

    _try(add, published)


def _publish_plan(folder: Folder, forge: Forge, published: Published) -> None:
    """Publish on an open request only: what was merged is what people have read till then."""
    try:
        head = forge.open_head(folder.result.number)
    except ForgeError as error:
        published.warnings.append(error)
        return
    if head is None:
        published.done.append("The pull request is not open any more; its plan stays as it was.")
        return
    _keep_plan(folder, forge, published, head)


def _keep_plan(folder: Folder, forge: Forge, published: Published, head: str) -> None:
    """Keep the comment current, and the labels; each though the other fails."""
    result, marker = folder.result, Marker.of(folder.result)
    others: list[Marker] = []
    try:
        found = ours(forge.comments(result.number))
        same = about(found, marker)
        is_late = any(is_later(forge, each.marker, marker, head) for each in same)
    except ForgeError as error:
        # Without having looked nothing is added: it would be the second one.
        published.warnings.append(error)
    else:
        if is_late:
            published.done.append("A later run has published already; what it said stays.")
            return
        others = [each.marker for each in found if each not in same]
        _try(lambda: keep_comment(forge, result.number, marker, folder.comment, found), published)
    verdicts = [each.verdict for each in others if each.kind == marker.kind]
    wanted = labels_for([result.verdict, *verdicts])
    _try(lambda: keep_labels(forge, result.number, wanted), published)


def _publish_drift(folder: Folder, forge: Forge | None, published: Published) -> None:
    """Keep the issue; where it cannot be read, drift counts as news rather than as none."""
    result = folder.result
    published.news = News.UNKNOWN if _is_drift(result) else News.NONE
    if forge is None:
        published.done.append("No code host is known here; no issue was written.")
        return

    def issue() -> str:
        kept = keep_issue(forge, result, folder.comment)
        published.news, published.url = kept.news, kept.url
        return kept.told

    _try(issue, published)


def _is_drift(result: Result) -> bool:
    return result.exit_code in {ExitCode.DIFFERENCES, ExitCode.REFUSED}


def _try(step: Callable[[], str], published: Published) -> None:
    try:
        published.done.append(step())
    except ForgeError as error:
        published.warnings.append(error)
