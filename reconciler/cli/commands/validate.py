"""`reconciler validate`."""

from pathlib import Path

import click

from reconciler.cli.files import Files, load_files
from reconciler.cli.formats import VALIDATE, Checked, Output, Report
from reconciler.cli.options import compared
from reconciler.cli.session import Session, pass_session
from reconciler.console.snapshot import actual_of
from reconciler.documents.files import find_files
from reconciler.documents.load import TESTS, load
from reconciler.documents.snapshot_file import read_snapshot_file
from reconciler.errors import ExitCode, Place, PolicyError, Problem
from reconciler.planning.expectations import Verdict, judge
from reconciler.rendering.messages import problems_text
from reconciler.rendering.policy_tests import verdict_rows, verdicts_text


@click.command("validate")
@compared
@VALIDATE.option
@click.option("--tests", is_flag=True, help="Run the expectations of DIR/tests.yaml as well.")
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --tests: take sites, roles and people from this snapshot of the console.",
)
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    base: str | None,
    form: str,
    reports: tuple[Report, ...],
    tests: bool,
    snapshot: Path | None,
) -> int:
    """Check the policy files, without token and network.

    Reports every problem at once, as file:line:column with the remedy. Whether the named
    people, roles and sites exist is checked by `plan`, which asks the console.

    With --tests, what tests.yaml expects of the policies is judged too; exit code 1 when
    something is not so. Without --snapshot, patterns and ids count as whatever they may stand for.

    \b
    Examples:
      reconciler validate
      reconciler validate --tests
      reconciler validate --tests --snapshot console.json --report junit=tests.xml
    """
    if snapshot and not tests:
        raise click.UsageError("--snapshot is for --tests; the policies alone need none.")
    output = Output(form, reports)
    try:
        policy = load_files(session, Files(policies, guardrails, base)).policy
    except PolicyError as error:
        VALIDATE.deliver(session, Checked(_names(policies), error.problems, ()), output)
        raise
    click.echo(problems_text(policy.warnings, color=session.color_err), err=True, nl=False)
    people = {member.name for entry in policy.assignments for member in entry.members}
    told = (
        f"{policies}: valid. {len(policy.assignments)} assignments for {len(people)} principals, "
        f"{len(policy.former)} former.\n"
    )
    verdicts = _judged(session, policies, guardrails, snapshot) if tests else ()
    if tests:
        told += verdicts_text(verdicts, color=session.color_out)
    rows = tuple(verdict_rows(verdicts))
    checked = Checked(_names(policies), _failed(verdicts), policy.warnings, told, rows)
    VALIDATE.deliver(session, checked, output)
    return ExitCode.FAILED if checked.problems else ExitCode.DONE


def _judged(
    session: Session, policies: Path, guardrails: Path | None, snapshot: Path | None
) -> tuple[Verdict, ...]:
    """Run the policy tests; raises PolicyError when there are none to run."""
    loaded = load(policies, guardrails)
    if not loaded.tests:
        told = f"there is no {TESTS} in this folder, and --tests asks for it"
        remedy = "Write one, or leave --tests out."
        raise PolicyError((Problem(Place(str(policies)), "no-tests", told, remedy),))
    # Names are all that is taken from it, so neither its age nor its console matters here.
    actual = actual_of(read_snapshot_file(snapshot)) if snapshot else None
    return judge(loaded.tests, loaded.policy, actual, session.instant())


def _failed(verdicts: tuple[Verdict, ...]) -> tuple[Problem, ...]:
    """Return failed tests as problems: at the line of the policies that breaks them."""
    return tuple(
        Problem(
            failure.places[0] if failure.places else verdict.test.place,
            "policy-test",
            f'{failure.message}, against the test "{verdict.test.name}" ({verdict.test.place})',
            "Change the policies, or the test if what it expects is no longer right.",
        )
        for verdict in verdicts
        for failure in verdict.failures
    )


def _names(policies: Path) -> tuple[str, ...]:
    """Return the files that were read, for reports that tell of each; none when none could be."""
    try:
        return tuple(source.file for source in find_files(policies)[0])
    except PolicyError:
        return ()
