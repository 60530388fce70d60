"""The machine form of what `explain` and `who-can` answer; the text draws from it alone.

Its grammar is published as `schemas/answers.schema.json`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.domain.access import Scope
from reconciler.domain.instants import instant_text
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.plan import Commit
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem
from reconciler.planning.answers import Access, Answer, Source, State
from reconciler.rendering.tree import problem_tree

FORMAT = "sentinelone-reconciler/answers"
VERSION = 1

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and of what."""

    instant: datetime
    """The instant that windows were judged at, in UTC."""
    principal: PrincipalName | None = None
    """Of `explain`."""
    wanted: str | None = None
    """Of `who-can`: the role or permission as asked for."""
    permission: Permission | None = None
    """The permission that was meant, when it is none of the roles."""
    on: Scope | None = None
    commit: str | None = None
    """The past commit whose policies were read."""
    origin: str | None = None
    """The console whose state was read, or is in the snapshot."""
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Names in the policies that mean nothing on this console."""
    commits: Mapping[Place, Commit] = field(default_factory=dict)
    """What wrote the lines, where git knows it."""


def answers_tree(question: Question, answers: Iterable[Answer]) -> Tree:
    """Return the answers as plain data: strings, integers, booleans, lists and mappings."""
    permission = question.permission
    trees = [_answer(answer, question) for answer in answers]
    return {
        "format": FORMAT,
        "version": VERSION,
        "question": {
            "principal": question.principal.label if question.principal else None,
            "wanted": question.wanted,
            "permission": permission
            and {
                "page": permission.page,
                "identifier": permission.identifier,
                "title": permission.title,
            },
            "on": question.on and _scope(question.on),
        },
        "evidence": {
            "instant": instant_text(question.instant),
            "commit": question.commit,
            "console": question.origin,
        },
        "summary": _summary(trees),
        "answers": trees,
        "notes": list(question.notes),
        "warnings": [problem_tree(problem) for problem in question.problems],
    }


def _summary(answers: list[Tree]) -> Tree:
    """Count who has any of what is listed, and who only should."""
    have = sum(answer["has_access"] for answer in answers)
    lack = sum(not answer["has_access"] and _is_asked(answer) for answer in answers)
    return {"have": have, "lack": lack}


def _is_asked(answer: Tree) -> bool:
    return any(access["state"] == State.IN_FORCE for access in answer["accesses"])


def _answer(answer: Answer, question: Question) -> Tree:
    return {
        "principal": {
            "kind": answer.name.kind.value,
            "name": answer.name.label,
            "id": answer.id,
        },
        "standing": answer.standing.value,
        "place": answer.place and _place(answer.place),
        "commit": answer.place and _commit(answer.place, question),
        "is_on_console": answer.is_on_console,
        "has_access": any(access.is_had for access in answer.accesses),
        "accesses": [_access(access, question) for access in answer.accesses],
        "notes": list(answer.notes),
    }


def _access(access: Access, question: Question) -> Tree:
    return {
        "scope": _scope(access.grant.scope),
        "role": {"id": access.grant.role.id, "name": access.grant.role.name},
        "state": access.state.value,
        "window": access.window and _window(access.window),
        "is_held": access.is_held,
        "sources": [_source(source, question) for source in access.sources],
    }


def _source(source: Source, question: Question) -> Tree:
    return {
        "place": _place(source.place),
        "group": source.group,
        "pattern": source.pattern,
        "window": source.window and _window(source.window),
        "reason": source.reason,
        "commit": _commit(source.place, question),
    }


def _commit(place: Place, question: Question) -> Tree | None:
    commit = question.commits.get(place)
    if commit is None:
        return None
    return {"id": commit.id, "author": commit.author, "subject": commit.subject}


def _scope(scope: Scope) -> Tree:
    return {"level": scope.level.value, "id": scope.id, "name": scope.name}


def _window(window: Window) -> Tree:
    return {
        "from": window.start and instant_text(window.start),
        "until": window.end and instant_text(window.end),
    }


def _place(place: Place) -> Tree:
    return {"file": place.file, "line": place.line, "column": place.column}
