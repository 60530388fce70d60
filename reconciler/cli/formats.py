"""The one registry of formats: which a command offers, and the function that writes each.

`--format` says what stands on stdout, `--report FORM=FILE` (repeatable) what else goes to files
in the same run: CI wants text on its log, Markdown for a comment and a page to keep, from one
reading of the console.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from reconciler import __version__
from reconciler.cli.session import Session
from reconciler.documents.private_file import Kind, check_writable, write_private
from reconciler.errors import PolicyError, Problem
from reconciler.rendering.annotations import plan_annotations, problem_annotations
from reconciler.rendering.as_csv import plan_csv
from reconciler.rendering.as_html import drift_html, plan_html
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_junit import plan_junit, policy_tests_junit, validate_junit
from reconciler.rendering.as_markdown import drift_markdown, plan_markdown
from reconciler.rendering.as_problems import problems_json
from reconciler.rendering.as_sarif import plan_sarif, problems_sarif
from reconciler.rendering.as_text import drift_text, plan_text
from reconciler.rendering.policy_tests import Row
from reconciler.rendering.problems_html import problems_html
from reconciler.rendering.problems_markdown import problems_markdown
from reconciler.rendering.tree import problem_tree

_F = TypeVar("_F", bound=Callable[..., Any])
_S = TypeVar("_S")
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """How text may look; the other formats are the same everywhere."""

    color: bool = False
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A further form of the result, for a file."""

    form: str
    path: Path


@dataclass(frozen=True, slots=True)
class Output:
    """What the command line asks for: one form for stdout, others for files."""

    form: str
    reports: tuple[Report, ...] = ()

    def check(self) -> None:
        """Raise SettingsError when a report could not be written, before anything is."""
        for report in self.reports:
            check_writable(report.path, _REPORT)


@dataclass(frozen=True, slots=True)
class Checked:
    """What `validate` found. `files` are those it read; `told` is what text says of it."""

    files: Sequence[str]
    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    told: str = ""
    tests: Sequence[Row] = ()
    """What became of the policy tests, when they were run."""


class Forms(Generic[_S]):
    """The formats of one kind of result, each with the one function that writes it."""

    def __init__(self, forms: Mapping[str, Callable[[_S, Look], str]]) -> None:
        self._forms = forms

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the formats, as the help lists them."""
        return tuple(self._forms)

    def option(self, function: _F) -> _F:
        """Add --format and --report, as `form` and `reports`."""
        names = self.names
        form = click.option(
            "--format",
            "form",
            type=click.Choice(names),
            default="text",
            show_default=True,
            help="What to print.",
        )
        report = click.option(
            "--report",
            "reports",
            callback=_parsed(names),
            multiple=True,
            metavar="FORM=FILE",
            help="Write another format to a file as well. May be repeated.",
        )
        return form(report(function))

    def function(self, form: str) -> Callable[[_S, Look], str]:
        """Return the function that writes one form."""
        return self._forms[form]

    def deliver(self, session: Session, result: _S, output: Output) -> None:
        """Write the reports, then print. Raises SettingsError when a file cannot be written.

        One that cannot be is found before the first is written.
        """
        output.check()
        for report in output.reports:
            if report.form in self._forms:
                write_private(report.path, self._forms[report.form](result, Look()), _REPORT)
        if output.form in self._forms:
            look = Look(session.color_out, session.width_out)
            click.echo(self._forms[output.form](result, look), nl=False)


PLAN: Forms[Tree] = Forms(
    {
        "text": lambda tree, look: plan_text(tree, color=look.color, width=look.width),
        "json": lambda tree, _: to_json(tree),
        "markdown": lambda tree, _: plan_markdown(tree),
        "html": lambda tree, _: plan_html(tree),
        "csv": lambda tree, _: plan_csv(tree),
        "junit": lambda tree, _: plan_junit(tree),
        "sarif": lambda tree, _: plan_sarif(tree),
        "github": lambda tree, _: plan_annotations(tree),
    }
)
DRIFT: Forms[Tree] = Forms(
    {
        "text": lambda tree, look: drift_text(tree, color=look.color, width=look.width),
        "json": lambda tree, _: to_json(tree),
        "markdown": lambda tree, _: drift_markdown(tree),
        "html": lambda tree, _: drift_html(tree),
        "csv": lambda tree, _: plan_csv(tree),
    }
)
VALIDATE: Forms[Checked] = Forms(
    {
        "text": lambda found, _: found.told,
        "json": lambda found, _: problems_json(found.problems, found.warnings, __version__),
        "junit": lambda found, _: (
            policy_tests_junit(found.tests)
            if found.tests
            else validate_junit(found.files, found.problems, found.warnings)
        ),
        "sarif": lambda found, _: problems_sarif(found.problems, found.warnings, __version__),
        "github": lambda found, _: problem_annotations(
            map(problem_tree, found.problems), map(problem_tree, found.warnings)
        ),
    }
)
_STOPPED: Forms[Checked] = Forms(
    {form: VALIDATE.function(form) for form in ("junit", "sarif", "github")}
    | {
        "markdown": lambda found, _: problems_markdown(found.problems),
        "html": lambda found, _: problems_html(found.problems),
    }
)
"""What a command that stops at the files still writes; its other forms would need a plan."""

_REPORT = Kind(word="report", article="a report", schema="", limit=0, made_by="--report")


@contextmanager
def problems_told(session: Session, output: Output) -> Iterator[None]:
    """Put problems of the files into the forms that show them on their lines, and raise on."""
    try:
        yield
    except PolicyError as error:
        _STOPPED.deliver(session, Checked((), error.problems, ()), output)
        raise


def _parsed(names: Sequence[str]) -> Callable[[Any, Any, tuple[str, ...]], tuple[Report, ...]]:
    """Return what turns every `FORM=FILE` of a command line into a report."""

    def parse(_: Any, __: Any, values: tuple[str, ...]) -> tuple[Report, ...]:
        reports = []
        for value in values:
            form, _, file = value.partition("=")
            if form not in names or not file:
                known = ", ".join(names)
                told = f"{value!a} is not FORM=FILE with one of the forms {known}."
                raise click.BadParameter(told)
            if file == "-":
                told = f"{value!a}: a report goes to a file; --format {form} prints it."
                raise click.BadParameter(told)
            reports.append(Report(form, Path(file)))
        if len({report.path for report in reports}) < len(reports):
            raise click.BadParameter("Two reports would go to one file.")
        return tuple(reports)

    return parse
