"""The group of commands, and the one place where errors become words and exit codes."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import click

from reconciler import __version__
from reconciler.cli.lazy import LazyGroup
from reconciler.cli.session import Session
from reconciler.cli.signals import CTRL_C, ending_in_order
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.rendering.messages import error_text
from reconciler.settings import Runtime

COMMANDS = {
    "validate": "Check the policy files, without token and network.",
    "fmt": "Write the policy files in their one layout; values and comments stay.",
    "plan": "Show what would change on the console. Cannot write.",
    "apply": "Make the console hold what the policies say.",
    "drift": "Report where the console differs from the policies. Cannot write.",
    "show": "Print a saved plan, also a stale one.",
    "explain": "Tell why somebody has access or lacks it, and where that is written.",
    "who-can": "List everybody who has a role or a permission on a scope.",
    "snapshot": "Write down what the console has, compare, or list it. Cannot write to it.",
    "audit": "Check, read and pass on the journal; compare it with the console's own log.",
    "service-user": "Create a service user, or renew its token, into a file.",
    "pin": "Write down which ids and permissions the names mean. Cannot write to the console.",
    "ci": "Plan on pull requests, apply on merge, report drift, from a CI job.",
    "simulator": "Serve a console to rehearse on, on this machine.",
    "demo": "Run the whole story against a simulated console.",
}
"""Command -> its line in the help; the module of the same name is imported on demand."""


class _Group(LazyGroup):
    places: ClassVar = {
        name: f"reconciler.cli.commands.{name.replace('-', '_')}:command" for name in COMMANDS
    }

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="""\b
Exit codes:
  0  done, or no differences
  1  failed; also wrong usage
  2  differences (drift; plan --detailed-exitcode)
  3  refused by a guardrail, a binding or a lock; nothing was written
  4  apply: some operations failed
  130, 143  interrupted, terminated

\b
The console and the token come from the environment, never from the repository:
  SENTINELONE_URL                     https://CONSOLE.sentinelone.net
  SENTINELONE_TOKEN(_FILE)            the API token, or a file that holds it
  SENTINELONE_PROFILE, _CONFIG        or a profile of the credentials file
  RECONCILER_ALLOWED_HOSTS            further host suffixes a token may go to
  RECONCILER_PROXY, RECONCILER_CA_FILE
  RECONCILER_LOCK                     a lock that machines share: lease:NAMESPACE/NAME, git:REMOTE
  RECONCILER_STATE                    folder of the lock that this machine always takes
  RECONCILER_SINK, _SINK_FORMAT       where apply delivers the record, and in which form
  RECONCILER_SINK_TOKEN_FILE          a file that holds the token for it
  RECONCILER_SINK_SCOPE, _SINK_TIMEOUT
  RECONCILER_ALLOWED_SINK_HOSTS       host suffixes beside .sentinelone.net it may be at
  RECONCILER_SIGNING_KEY_FILE         Ed25519 key that signs the journal's head
  RECONCILER_SIGN_EXISTING            head of a journal that is to be signed for the first time
""",
)
@click.version_option(__version__, prog_name="reconciler")
def command() -> None:
    """Manage who holds which role on which scope of a SentinelOne console, as code.

    Desired access lives as YAML in git. Start with `reconciler demo`, which needs no console;
    then `reconciler plan` shows what your policies would change on yours.
    """


def run(arguments: Sequence[str], runtime: Runtime) -> int:
    """Run one command line and return its exit code. No error leaves this function."""
    session = Session(runtime)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name the terminal's encoding lacks must not stop a run halfway.
            stream.reconfigure(errors="backslashreplace")
    try:
        with ending_in_order(runtime.hurry, CTRL_C):
            code = command.main(
                list(arguments), prog_name="reconciler", standalone_mode=False, obj=session
            )
        if sys.stdout:  # None when it was closed before we began
            sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a traceback reaches nobody
        with contextlib.suppress(OSError):  # nobody can be told when stderr is gone too
            return _told(error, session)
        return ExitCode.FAILED
    finally:
        _settle()
    return int(code or ExitCode.DONE)


def _told(error: BaseException, session: Session) -> int:
    """Tell an error in words and return its exit code."""
    match error:
        case click.ClickException():
            error.show()
        case click.Abort() | KeyboardInterrupt():
            click.echo("Interrupted.", err=True)
            return ExitCode.INTERRUPTED
        case ReconcilerError():
            click.echo(error_text(error, color=session.color_err), err=True, nl=False)
            return error.exit_code
        case BrokenPipeError():
            pass  # the reader of our output went away, e.g. `| head`; it wants no more
        case OSError():
            click.echo(f"error: this machine refused: {error.strerror or error}.", err=True)
        case _:
            click.echo(_bug(error), err=True)
    return ExitCode.FAILED


def _settle() -> None:
    """Turn a stream that takes nothing any more away, so that the interpreter's exit is quiet."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None when closed from the start
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _bug(error: BaseException) -> str:
    """Name a defect of ours by type and place; messages could hold secrets and stay out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return (
        f"error: internal error ({type(error).__name__} at {place}); this is a bug.\n"
        f"  fix: please report it with the command you ran and version {__version__}."
    )
