"""The policies folder -> Policy and Guardrails, or everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.documents.build import build
from reconciler.documents.build_guardrails import build_guardrails
from reconciler.documents.check import check
from reconciler.documents.files import SourceFile, find_files, read_file
from reconciler.documents.nodes import Document
from reconciler.documents.prescan import text_of
from reconciler.documents.read import read
from reconciler.documents.windows import window_problems
from reconciler.domain.digest import digest
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.pins import Pins
from reconciler.domain.policy import Policy
from reconciler.errors import Place, PolicyError, Problem

_T = TypeVar("_T")

_GUARDRAILS = "guardrails.yaml"
_NO_POLICIES = "Name the right folder with --policies; to revoke everything, say so in a policy."
_UNREAD = {"pins.yaml", "waivers.yaml", "tests.yaml"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a policies folder holds."""

    policy: Policy
    guardrails: Guardrails
    pins: Pins | None = None
    """None without `pins.yaml`."""


def load(root: Path, guardrails: Path | None = None) -> Loaded:
    """Read a policies folder, and the guardrails in it or the trusted copy named instead.

    Raises PolicyError with all problems of all files, sorted by place. Files that cannot be read
    do not hide what is wrong with the others.
    """
    sources, found = find_files(root)
    problems = list(found)
    policies: list[Document] = []
    limits: Guardrails | None = None
    for source in sources:
        try:
            if source.path == _GUARDRAILS:
                limits = _limits(source)
            else:
                _expect_policy(source)
                policies.append(_document(source, "policy"))
        except PolicyError as error:
            problems += error.problems
    if guardrails is not None:
        limits = _attempt(lambda: _limits(read_file(guardrails)), problems)
    if not policies and not problems:
        told = "there are no policy files in this folder"
        problems.append(Problem(Place(str(root)), "no-policies", told, _NO_POLICIES))
    policy = _attempt(lambda: build(policies, whole=not problems), problems)
    if problems or policy is None:
        raise PolicyError(tuple(problems))
    return Loaded(policy, limits or Guardrails(digest=digest({})))


def _limits(source: SourceFile) -> Guardrails:
    return build_guardrails(_document(source, "guardrails"))


def _document(source: SourceFile, schema: str) -> Document:
    document = read(text_of(source.raw, source.file), source.path, source.file)
    problems = check(document, schema)
    if problems:
        raise PolicyError((*problems, *window_problems(document)))
    return document


def _expect_policy(source: SourceFile) -> None:
    """Refuse the reserved names, since to ignore pins without a word would be worse."""
    name = source.path.rpartition("/")[2]
    if source.path in _UNREAD:
        told = f"`{name}` is a reserved name, and this version does not read such files"
        remedy = "Remove it, or use a version that reads it; ignoring it could grant too much."
        raise PolicyError((Problem(Place(source.file), "reserved-name", told, remedy),))
    if name == _GUARDRAILS:
        told = f"`{name}` counts at the top of the policies folder only"
        raise PolicyError(
            (Problem(Place(source.file), "reserved-name", told, "Move or rename it."),)
        )


def _attempt(action: Callable[[], _T], problems: list[Problem]) -> _T | None:
    try:
        return action()
    except PolicyError as error:
        problems += error.problems
        return None
