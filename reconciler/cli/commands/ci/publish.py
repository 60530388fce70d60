"""`reconciler ci publish`."""

from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.ci import chat
from reconciler.ci.publish import Published, check_origin, publish
from reconciler.ci.result import Folder, Result, read_folder
from reconciler.cli.commands.ci.here import event_of
from reconciler.cli.runner import Runner
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode, Problem, ReconcilerError, SettingsError
from reconciler.forge.choice import open_forge
from reconciler.rendering.annotations import problem_annotations
from reconciler.rendering.messages import error_text
from reconciler.rendering.tree import problem_tree


@click.command("publish")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@pass_session
def publish_command(session: Session, folder: Path) -> int:
    """Publish what `ci plan`, `ci apply` or `ci drift` left in FOLDER.

    For a job of its own that may write comments and holds no token for the console. It reads
    FOLDER as data and keeps one comment on the pull request current, labels it by what merging
    would do, keeps one issue about drift, and tells a chat of news (RECONCILER_CHAT_URL).

    On GitHub the job needs `pull-requests: write`, for drift `issues: write`, `actions: read` and
    `contents: read` to see which of two runs is the later one, and GITHUB_TOKEN; on GitLab
    RECONCILER_GITLAB_TOKEN with the scope `api`. Where the host refuses, as it does for
    the pull request of a fork, that is a warning: what the run came to is in its summary. Exits
    with 1 only when FOLDER cannot be read, and with 3 when it is of another run.

    \b
    Examples:
      reconciler ci publish "$RUNNER_TEMP/reconciler-plan"
    """
    runner = Runner.of(session.runtime.environ)
    read = read_folder(folder)
    click.echo(_told(read.result))
    if _is_in_ci(session.runtime.environ):
        check_origin(read.result, event_of(session.runtime.environ))
    published = _published(session, runner, read)
    for line in published.done:
        click.echo(line)
    for warning in published.warnings:
        _warn(runner, warning)
    _tell_chat(session, runner, read.result, published)
    return ExitCode.DONE


def _is_in_ci(environ: Mapping[str, str]) -> bool:
    return "true" in {environ.get("GITHUB_ACTIONS"), environ.get("GITLAB_CI")}


def _published(session: Session, runner: Runner, folder: Folder) -> Published:
    """Publish; without a usable code host nothing, which is a warning like others."""
    runtime = session.runtime
    try:
        with open_forge(runtime.environ, runtime.monotonic, runtime.sleep) as forge:
            return publish(folder, forge)
    except SettingsError as error:
        _warn(runner, error)
        return publish(folder, None)


def _tell_chat(session: Session, runner: Runner, result: Result, published: Published) -> None:
    text = chat.message(result, published.news, published.url)
    try:
        address = chat.chat_address(session.runtime.environ) if text else None
        if address is not None:
            chat.send(address, text, session.runtime.monotonic, session.runtime.sleep)
            click.echo("The chat was told.")
    except ReconcilerError as error:
        _warn(runner, error)


def _told(result: Result) -> str:
    """Say what the run came to, whatever becomes of publishing it."""
    return f"{result.command}: {', '.join(result.verdict)} (exit code {result.exit_code})"


def _warn(runner: Runner, error: ReconcilerError) -> None:
    """Warn where people look for it; nothing of it may be taken for a command of ours."""
    problem = Problem(None, "not published", error.message, error.remedy)
    if runner.is_github:
        runner.annotate(problem_annotations((), [problem_tree(problem)]))
    else:
        click.echo(error_text(error, color=False).replace("error:", "warning:", 1), nl=False)
