"""The hidden first line of what we write on a code host: what it is about, in fixed alphabets.

Whoever reads a comment must also know that we wrote it: anybody can copy a marker (T15).
"""

import re
from dataclasses import dataclass
from typing import Self

from reconciler.ci.result import Result

LENGTH = 400
"""Characters that a marker has at most, its line feed included."""

KINDS = ("plan", "outcome", "drift")
_ALONE = ("no-change", "grants", "revokes", "refused", "failed", "unplanned")
VERDICTS = (*_ALONE, "grants,revokes")
"""As the schema of results has them, with commas."""
_DIGEST = r"sha256:[0-9a-f]{64}"
_FORM = re.compile(
    rf"<!-- sentinelone-reconciler (?P<kind>{'|'.join(KINDS)}) key=(?P<key>[0-9a-f]{{12}})"
    r"(?: head=(?P<head>[0-9a-f]{40}(?:[0-9a-f]{24})?))? run=(?P<run>[0-9]{1,20})"
    rf"(?: content=(?P<content>{_DIGEST}))?(?: file=(?P<file>{_DIGEST}))?"
    rf"(?: verdict=(?P<verdict>{'|'.join(VERDICTS)}))? -->"
)
_KIND_OF = {"plan": "plan", "apply": "outcome", "drift": "drift"}


@dataclass(frozen=True, slots=True)
class Marker:
    """What a comment of ours is about; a field that is empty is left out of the line."""

    kind: str
    """`plan`, `outcome` (of an apply), or `drift` (in an issue)."""
    key: str
    run: str
    head: str = ""
    content: str = ""
    """Content digest of the plan."""
    file: str = ""
    """Digest of the bytes of the saved plan."""
    verdict: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: Result) -> Self:
        """Return the marker of a run's result."""
        return cls(
            kind=_KIND_OF[result.command],
            key=result.key,
            run=result.run,
            head=result.head,
            content=result.content_digest,
            file=result.plan_file_digest,
            verdict=result.verdict,
        )

    @property
    def line(self) -> str:
        """The marker as a line, without its line feed."""
        parts = {
            "key": self.key,
            "head": self.head,
            "run": self.run,
            "content": self.content,
            "file": self.file,
            "verdict": ",".join(self.verdict),
        }
        told = "".join(f" {name}={value}" for name, value in parts.items() if value)
        return f"<!-- sentinelone-reconciler {self.kind}{told} -->"

    def is_about(self, other: "Marker") -> bool:
        """Tell whether both mark the same thing: the same kind, of the same console and folder."""
        return (self.kind, self.key) == (other.kind, other.key)

    def is_newer(self, other: "Marker") -> bool:
        """Tell whether a later run wrote this one; hosts count runs upwards."""
        return int(self.run) > int(other.run)


def parse_marker(text: str) -> Marker | None:
    """Return the marker that a text begins with; None for anything else, however alike."""
    first = text.split("\n", 1)[0].removesuffix("\r")
    found = _FORM.fullmatch(first)
    if not found:
        return None
    fields = {name: value or "" for name, value in found.groupdict().items()}
    verdict = fields.pop("verdict")
    return Marker(**fields, verdict=tuple(verdict.split(",")) if verdict else ())


def marked(marker: Marker, text: str) -> str:
    """Return a text with its marker before it."""
    return f"{marker.line}\n{text}"


def unmarked(text: str) -> str:
    """Return a text without the marker it begins with, if any."""
    return text.split("\n", 1)[-1] if parse_marker(text) else text
