"""What `validate` found, as JSON; its grammar is published as `schemas/problems.schema.json`."""

from collections.abc import Sequence

from reconciler.errors import Problem
from reconciler.rendering.as_json import to_json
from reconciler.rendering.tree import problem_tree

FORMAT = "sentinelone-reconciler/problems"
VERSION = 1


def problems_json(
    problems: Sequence[Problem], warnings: Sequence[Problem], tool_version: str
) -> str:
    """Return problems and warnings as JSON; the files are valid when there are no problems."""
    return to_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "tool_version": tool_version,
            "is_valid": not problems,
            "problems": [problem_tree(problem) for problem in problems],
            "warnings": [problem_tree(warning) for warning in warnings],
        }
    )
