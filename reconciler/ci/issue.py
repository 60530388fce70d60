"""One issue for drift: opened when something differs, kept current, closed when nothing does.

Nothing is written while nothing changes, so that whoever watches the issue is told of news only.
An issue that a person closed stays closed while it would say the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.ci.comment import BY_HAND
from reconciler.ci.later import is_later
from reconciler.ci.marker import Marker, marked, parse_marker, unmarked
from reconciler.ci.result import Result
from reconciler.ci.sticky import is_same_text
from reconciler.errors import ExitCode
from reconciler.forge.base import ForbiddenError, Forge, ForgeError, Issue
from reconciler.rendering.markdown import address
from reconciler.rendering.markdown_parts import OPENS

LABEL = "access: drift"

_CONSOLE_LINE = re.compile(r"^Console `.*$", re.MULTILINE)
_INSTANT = re.compile(r"`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(?:Z|[+-][0-9:]{5})`")
_RUN = re.compile(r"/(?:runs|jobs)/[0-9]+")
_BY_HAND = re.compile(rf"^{re.escape(BY_HAND)} `sha256:[0-9a-f]{{64}}`\.$", re.MULTILINE)
_DIGEST = re.compile(r" with the digest `sha256:[0-9a-f]{64}`")
_OPENS = "[0-9]+ grants? opens? later"
_LATER = re.compile(
    rf"^<details><summary>{_OPENS}</summary>\n\n(?:{re.escape(OPENS)}.*\n)*\n</details>\n\n",
    re.MULTILINE,
)
"""The part of a report that tells of windows to come."""
_NOW_AND_LATER = re.compile(rf"^(> \*\*Nothing to change) now; {_OPENS}", re.MULTILINE)
_COMMIT = re.compile(r", commit `[0-9a-f]{8}`")


class News(StrEnum):
    """What of the drift is worth a message."""

    NONE = ""
    NEW = "new"
    """There was none, or it was another one."""
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Something differs, and what was known before could not be read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the issue."""

    told: str
    """For the log."""
    news: News = News.NONE
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Ours:
    """An issue that we wrote, and what it is about."""

    issue: Issue
    marker: Marker


def keep_issue(forge: Forge, result: Result, text: str) -> Kept:
    """Make the issue say what a run of drift found, `text` when something differs.

    Of the text that nothing differs, the digest to start by hand stands in the closing note.
    Raises ForgeError. A run without a result leaves the issue as it is: it does not know.
    """
    if result.is_failed:
        return Kept("The run came to no result; the issue is left as it is.")
    marker = Marker.of(result)
    found = _ours(forge.issues(LABEL), marker)
    newest = found[0] if found else None
    if newest and is_later(forge, newest.marker, marker):
        return Kept("A later run has reported already; the issue is left as it is.")
    _close_doubles(forge, found)
    if result.exit_code == ExitCode.DONE:
        return _clean(forge, newest, marker, result, text)
    title, body = _title(result), marked(marker, text)
    if newest is None:
        return _opened(forge, title, body, marker)
    return _current(forge, newest, title, body, result)


def _ours(issues: Iterable[Issue], marker: Marker) -> list[_Ours]:
    """Return our issues about the same thing: open ones first, the newest of them first."""
    found = [
        _Ours(issue, own)
        for issue in issues
        if issue.is_ours and (own := parse_marker(issue.body)) and own.is_about(marker)
    ]
    return sorted(found, key=lambda one: (one.issue.is_open, int(one.issue.number)), reverse=True)


def _close_doubles(forge: Forge, found: Sequence[_Ours]) -> None:
    for double in (one.issue for one in found[1:] if one.issue.is_open):
        note = f"#{found[0].issue.number} tells of this."
        kept = {"title": double.title, "body": double.body}
        forge.edit_issue(double.number, **kept, is_open=False, note=note)


def _clean(forge: Forge, newest: _Ours | None, marker: Marker, result: Result, text: str) -> Kept:
    """Close the issue; its text stays, as what the drift was."""
    if newest is None or not newest.issue.is_open:
        return Kept("No drift, and no issue is open.")
    issue = newest.issue
    body = marked(replace(marker, content=""), unmarked(issue.body))
    by_hand = _BY_HAND.search(text)
    note = f"No drift any more.{_by(result)}" + (f"\n\n{by_hand[0]}" if by_hand else "")
    forge.edit_issue(issue.number, title=issue.title, body=body, is_open=False, note=note)
    return Kept(f"The issue {issue.number} was closed.", News.ENDED, issue.url)


def _opened(forge: Forge, title: str, body: str, marker: Marker) -> Kept:
    """Open an issue; after a lost answer look whether it is there. The next run tries again."""
    try:
        issue = forge.add_issue(title, body, LABEL)
    except ForbiddenError:
        raise
    except ForgeError:
        found = _ours(forge.issues(LABEL), marker)
        if not found:
            raise
        issue = found[0].issue
    return Kept(f"The issue {issue.number} was opened.", News.NEW, issue.url)


def _current(forge: Forge, newest: _Ours, title: str, body: str, result: Result) -> Kept:
    """Bring the issue up to date; opened again and news is only what was not told there."""
    issue, before = newest.issue, newest.marker
    was, is_now = _steady(issue.body), _steady(body)
    # The content digest knows operations only, the text also who is unlisted and changed roles.
    is_new = (before.content, before.verdict) != (result.content_digest, result.verdict)
    is_new = is_new or not is_same_text(_told(was), _told(is_now))
    if not is_new and (not issue.is_open or is_same_text(was, is_now)):
        return Kept(f"The issue {issue.number} says this already.", url=issue.url)
    note = "" if issue.is_open else f"Drift again.{_by(result)}"
    if issue.is_open and is_new:
        # An edit notifies nobody.
        note = f"Other drift than before.{_by(result)}"
    forge.edit_issue(issue.number, title=title, body=body, is_open=True, note=note)
    told = "brought up to date" if issue.is_open else "opened again"
    news = News.NEW if is_new else News.NONE
    return Kept(f"The issue {issue.number} was {told}.", news, issue.url)


def _title(result: Result) -> str:
    host = result.console.partition("://")[2]
    return f"{result.title.rstrip('.')} ({host})" if host else result.title


def _by(result: Result) -> str:
    return f" Run {address(result.run_url)}." if result.run_url else ""


def _steady(body: str) -> str:
    """Return a text without what each run says anew: when it looked, its number, its commit."""
    text = _CONSOLE_LINE.sub(lambda line: _INSTANT.sub("", line[0]), unmarked(body))
    return _COMMIT.sub("", _RUN.sub("", text))


def _told(text: str) -> str:
    """Return a text without its small print, and without what is no drift but only comes later.

    The small print is digests of the policies and our version.
    """
    # The digest to start by hand stands for windows to come too.
    text = _DIGEST.sub("", text)
    now = _NOW_AND_LATER.sub(r"\1", _LATER.sub("", text))
    return "\n".join(line for line in now.splitlines() if not line.startswith(("<sub>", BY_HAND)))
