"""The policies folder -> Policy and Guardrails, or everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.documents.build import build
from reconciler.documents.build_guardrails import build_guardrails
from reconciler.documents.build_pins import build_pins
from reconciler.documents.build_tests import build_tests
from reconciler.documents.check import check
from reconciler.documents.directory import directory_of
from reconciler.documents.files import SourceFile, find_files, read_file
from reconciler.documents.nodes import Document
from reconciler.documents.prescan import text_of
from reconciler.documents.read import read
from reconciler.documents.windows import window_problems
from reconciler.domain.digest import digest
from reconciler.domain.expectation import PolicyTest
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.pins import Pins
from reconciler.domain.policy import Policy
from reconciler.errors import Place, PolicyError, Problem

_T = TypeVar("_T")

_GUARDRAILS = "guardrails.yaml"
_NO_POLICIES = "Name the right folder with --policies; to revoke everything, say so in a policy."
PINS = "pins.yaml"
"""Name of the pins at the top of the policies folder."""
TESTS = "tests.yaml"
"""Name of the policy tests at the top of the policies folder."""
_UNREAD = {"waivers.yaml"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a policies folder holds."""

    policy: Policy
    guardrails: Guardrails
    pins: Pins | None = None
    """None without `pins.yaml`."""
    tests: tuple[PolicyTest, ...] = ()
    """What `tests.yaml` expects of the policy; no part of the policy's digest."""


def load(root: Path, guardrails: Path | None = None, shown: Path | None = None) -> Loaded:
    """Read a policies folder, and the guardrails in it or the trusted copy named instead.

    Places name the files as lying below `shown`; without it, below the folder.

    Raises PolicyError with all problems of all files, sorted by place. Files that cannot be read
    do not hide what is wrong with the others.
    """
    sources, found = find_files(root, shown)
    problems = list(found)
    policies: list[Document] = []
    limits: Guardrails | None = None
    pins: Pins | None = None
    expectations: Document | None = None
    for source in sources:
        try:
            if source.path == _GUARDRAILS:
                limits = _limits(source)
            elif source.path == PINS:
                pins = build_pins(_document(source, "pins"))
            elif source.path == TESTS:
                expectations = _document(source, "tests")
            else:
                _expect_policy(source)
                policies.append(_document(source, "policy"))
        except PolicyError as error:
            problems += error.problems
    if guardrails is not None:
        limits = _attempt(lambda: guardrails_of(guardrails), problems)
    if not policies and not problems:
        told = "there are no policy files in this folder"
        problems.append(Problem(Place(str(root)), "no-policies", told, _NO_POLICIES))
    whole = not problems
    policy = _attempt(lambda: build(policies, whole=whole), problems)
    tests: tuple[PolicyTest, ...] | None = ()
    if expectations is not None:
        document, directory = expectations, directory_of(policies)
        tests = _attempt(lambda: build_tests(document, directory, whole=whole), problems)
    if problems or policy is None:
        raise PolicyError(tuple(problems))
    return Loaded(policy, limits or Guardrails(digest=digest({})), pins, tests or ())


def guardrails_of(path: Path) -> Guardrails:
    """Return the guardrails in one file. Raises PolicyError with all problems."""
    return _limits(read_file(path))


def _limits(source: SourceFile) -> Guardrails:
    return build_guardrails(_document(source, "guardrails"))


def _document(source: SourceFile, schema: str) -> Document:
    document = read(text_of(source.raw, source.file), source.path, source.file)
    problems = check(document, schema)
    if problems:
        raise PolicyError((*problems, *window_problems(document)))
    return document


def _expect_policy(source: SourceFile) -> None:
    """Refuse the reserved names, since to ignore such a file without a word would be worse."""
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
