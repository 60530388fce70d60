"""What we say on a pull request: a plan in one comment, kept current, each outcome in its own.

Ours is what our account wrote and what begins with a marker about the same thing; either alone
proves nothing (T15).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.ci.marker import Marker, marked, parse_marker
from reconciler.ci.result import ANY
from reconciler.forge.base import Comment, ForbiddenError, Forge, ForgeError
from reconciler.rendering.markdown import code

_ATTEMPTS = 2
_PLACE = re.compile(r"https://[A-Za-z0-9._~/:-]{1,400}#[a-z]+[_-][0-9]{1,20}")
"""Where a comment stands on a page; a link only when it is as plain as that."""
_ESCAPED = re.compile(r"^(\s*)\\(?=/)")
"""What stands before a line that GitLab would obey (`forge.gitlab`)."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A comment that we wrote, and what it is about."""

    comment: Comment
    marker: Marker


def ours(comments: Iterable[Comment]) -> list[Ours]:
    """Return the comments of ours that have a marker, the newest first: by run, then by id."""
    found = [
        Ours(comment, marker)
        for comment in comments
        if comment.is_ours and (marker := parse_marker(comment.body))
    ]
    return sorted(found, key=_age, reverse=True)


def about(found: Iterable[Ours], marker: Marker) -> list[Ours]:
    """Return the comments about the same thing as `marker`, in their order.

    A run that was not told its console speaks in the only comment of its kind, and what it said
    there is replaced by the next run that knows; among several it keeps to itself.
    """
    kind = [each for each in found if each.marker.kind == marker.kind]
    if marker.key == ANY and len({each.marker.key for each in kind} - {ANY}) == 1:
        return kind
    return [each for each in kind if each.marker.key in {marker.key, ANY}]


def keep_comment(
    forge: Forge, number: str, marker: Marker, text: str, found: Sequence[Ours]
) -> str:
    """Make our comment about something say `text`; return what was done, for the log.

    `found` are our comments on the pull request. The newest about the same thing is edited in
    place, further ones are folded. What is there already is not sent again. Raises ForgeError.
    """
    body = _body(forge, marker, text)
    same = about(found, marker)
    if not same:
        return _add(forge, number, body, marker, found)
    newest, *older = same
    told = "The comment says this already."
    if not is_same_text(newest.comment.body, body):
        forge.edit_comment(number, newest.comment.id, body)
        told = "The comment was brought up to date."
    for each in older:
        forge.edit_comment(number, each.comment.id, _folded(newest.comment))
    return f"{told} {len(older)} earlier folded." if older else told


def add_outcome(forge: Forge, number: str, marker: Marker, text: str, found: Sequence[Ours]) -> str:
    """Say what an apply came to in a comment of its own; return what was done, for the log.

    What an apply has said is never replaced: it names the journal's head, by which somebody finds
    out later whether the journal was rewritten. `found` are our comments on the pull request; the
    same text of the same run is not said twice. Raises ForgeError.
    """
    body = _body(forge, marker, text)
    if any(is_same_text(each.comment.body, body) for each in found):
        return "The comment says this already."
    return _add(forge, number, body, marker, found)


def is_same_text(one: str, two: str) -> bool:
    r"""Compare texts as a host keeps them: line ends, blanks at ends, `\` before a `/`."""
    return _plain(one) == _plain(two)


def _add(forge: Forge, number: str, body: str, marker: Marker, found: Sequence[Ours]) -> str:
    """Add a comment; after a lost answer look whether it is there before adding it again."""
    known = {each.comment.id for each in found}
    attempt = 1
    while True:
        try:
            forge.add_comment(number, body)
        except ForbiddenError:
            raise
        except ForgeError:
            new = [each for each in ours(forge.comments(number)) if each.comment.id not in known]
            if not any(each.marker == marker for each in new):
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1
                continue
        return "A comment was added."


def _body(forge: Forge, marker: Marker, text: str) -> str:
    """Return a comment with its marker; one that is too long says so, and nothing in part."""
    body = marked(marker, text)
    if len(body) <= forge.comment_limit:
        return body
    told = (
        "### Too long for a comment\n\n> [!CAUTION]\n> **The text does not fit here, and a part of "
        "it would read like all of it. Do not approve by this comment: read the run's summary.**\n"
    )
    return marked(marker, told)


def _folded(newest: Comment) -> str:
    """Return what an earlier comment becomes. Without a marker it is not found again."""
    url = newest.url
    shown = f"<{url}>" if _PLACE.fullmatch(url) else code(url)
    where = f" The one that is kept: {shown}" if url else ""
    return (
        "<details><summary>Superseded</summary>\n\n"
        f"A later comment says how it stands now.{where}\n\n</details>\n"
    )


def _age(each: Ours) -> tuple[int, int]:
    return int(each.marker.run), int(each.comment.id)


def _plain(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_ESCAPED.sub(r"\1", line.rstrip()) for line in lines).strip()
