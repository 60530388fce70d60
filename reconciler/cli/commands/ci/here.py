"""One run in CI: what started it, where its files are, and what it leaves behind."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reconciler.ci.carrier import Carrier
from reconciler.ci.comment import Frame, error_body
from reconciler.ci.event import Event, github_event, gitlab_event
from reconciler.ci.result import Result, key_of, title_of, write_folder
from reconciler.cli.commands.ci.place import changed_names
from reconciler.cli.files import Files
from reconciler.cli.runner import Runner
from reconciler.cli.session import Session, child_environment
from reconciler.documents.base import export, is_committed
from reconciler.documents.git import Git
from reconciler.documents.load import guardrails_of
from reconciler.errors import ExitCode, PolicyError, ReconcilerError, RefusedError, SettingsError
from reconciler.rendering.annotations import problem_annotations
from reconciler.rendering.tree import problem_tree
from reconciler.settings import named_origin

_EVENT_BYTES = 32 * 1024 * 1024
_GUARDRAILS = "guardrails.yaml"
_NO_GUARDRAILS = b"version: 1\n"
"""What a base without the file is judged by: the defaults, never the pull request's own."""


@dataclass(slots=True)
class About:
    """The pull request that a run is about, as soon as that is known."""

    number: str
    head: str


@dataclass(frozen=True, slots=True)
class Here:
    """What every CI command knows before it begins."""

    session: Session
    event: Event
    runner: Runner
    policies: Path
    prefix: str
    """Where the policies lie in their repository: `policies/`."""
    folder: Path
    """Where the result goes."""

    @classmethod
    def of(cls, session: Session, policies: Path, folder: Path) -> "Here":
        """Read the runner's variables and look at the checkout.

        Raises SettingsError outside CI, RefusedError when the checkout is not what the run is of.
        """
        environ = session.runtime.environ
        event = event_of(environ)
        if not policies.is_dir():
            raise SettingsError(
                f"There is no folder {policies}.",
                "Name the folder of the policies: --policies, or the action's input `policies`.",
            )
        git = Git(policies, child_environment(environ))
        prefix = git.prefix()
        if prefix is None or git.commit("HEAD") != event.commit:
            raise RefusedError(
                f"{policies} is not a checkout of {event.commit[:8]}, the commit of this run.",
                "Check out the run's own commit with fetch-depth: 0, and name the folder with "
                "--policies.",
            )
        if _leads_elsewhere(policies, prefix):
            raise RefusedError(
                f"{policies} is a link, or lies below one: what it leads to is not what the base "
                "and the rules of the repository know by this name.",
                "Let the policies lie in a folder.",
            )
        if not is_committed(git, prefix):
            raise RefusedError(
                f"{policies} holds something else than the commit {event.commit[:8]}.",
                "Let nothing write into the checkout before this.",
            )
        return cls(session, event, Runner.of(environ), policies, prefix, folder)

    @property
    def key(self) -> str:
        """Which console and which folder, in the markers of comments."""
        return key_of(self.console, self.prefix)

    @property
    def console(self) -> str:
        """The console's origin; empty when the environment names none that can be understood."""
        try:
            return named_origin(self.session.runtime.environ) or ""
        except SettingsError:
            return ""  # the command says so

    @property
    def git(self) -> Git:
        """Asks git about the checkout."""
        return Git(self.policies, child_environment(self.session.runtime.environ))

    @contextmanager
    def files(self, commit: str = "") -> Iterator[Files]:
        """Yield the files to read: compared with the base, judged by the base's guardrails.

        Without a base, on a schedule or by hand, a commit's own guardrails judge. `commit` is
        another one than is checked out. Raises SettingsError when this clone lacks it.
        """
        shown, base = Path(self.prefix or "."), self.event.base
        with tempfile.TemporaryDirectory(prefix="reconciler-base-") as scratch:
            if commit not in {"", self.event.commit}:
                self._export(commit, Path(scratch))
                yield Files(Path(scratch), None, None, shown)
            elif base:
                trusted = Path(scratch) / _GUARDRAILS
                trusted.write_bytes(self._guardrails_of(base))
                self._check_trusted(trusted)
                yield Files(self.policies, trusted, base, shown)
            else:
                yield Files(self.policies, None, None, shown)

    @property
    def touches_policies(self) -> bool:
        """Whether anything below the policies folder differs from the base; True when unknown."""
        names = changed_names(self.git, self.event)
        return names is None or any(name.startswith(self.prefix) for name in names)

    @contextmanager
    def past_journal(self) -> Iterator[Path]:
        """Yield the journal of earlier runs, for reading; no file where it has not begun."""
        with (
            tempfile.TemporaryDirectory(prefix="reconciler-journal-") as scratch,
            closing(Carrier.open(self.session.runtime.environ, Path(scratch))) as carrier,
        ):
            carrier.fetch()
            yield carrier.journal

    @contextmanager
    def reported(self, command: str) -> Iterator[About]:
        """Let whatever stops the command be in the folder and the summary too; it stays raised."""
        about = About(self.event.number, self.event.head)
        try:
            yield about
        except ReconcilerError as error:
            verdict = "refused" if error.exit_code == ExitCode.REFUSED else "failed"
            if isinstance(error, PolicyError):
                self.runner.annotate(problem_annotations(map(problem_tree, error.problems)))
            result = self.result(
                command,
                error.exit_code,
                (verdict,),
                f"{command}: {verdict}",
                number=about.number,
                head=about.head,
            )
            self.finish(result, error_body(error, self.frame()))
            raise

    def result(
        self, command: str, code: int, verdict: tuple[str, ...], title: str, **more: str
    ) -> Result:
        """Return what this run came to; `more` are further fields of Result."""
        event = self.event
        return Result(
            command=command,
            exit_code=int(code),
            key=self.key,
            verdict=verdict,
            title=title_of(title),
            commit=event.commit,
            run=event.run,
            run_url=event.run_url,
            number=more.pop("number", event.number),
            head=more.pop("head", event.head),
            console=self.console,
            **more,
        )

    def frame(self, how: str = "") -> Frame:
        """Return where a text for people comes from."""
        return Frame(self.event.run_url, self.event.commit, how)

    def finish(self, result: Result, body: str, digest: str = "", **files: str | None) -> None:
        """Write the folder, the job summary and the step's outputs.

        `digest` is what somebody who read this may start an apply with.
        """
        write_folder(self.folder, result, body, **files)
        self.runner.summarise(body)
        self.runner.output(
            {
                "exit-code": str(result.exit_code),
                "verdict": ",".join(result.verdict),
                "content-digest": result.content_digest,
                "digest": digest,
                "number": result.number,
            }
        )

    def _check_trusted(self, path: Path) -> None:
        """Judge by the defaults where the base's own file is broken; else nothing could mend it."""
        try:
            guardrails_of(path)
        except PolicyError:
            path.write_bytes(_NO_GUARDRAILS)
            click.echo(
                f"warning: the base's {self.prefix}{_GUARDRAILS} is broken; the defaults judge.",
                err=True,
            )

    def _export(self, commit: str, folder: Path) -> None:
        """Write the policies folder of another commit."""
        try:
            is_there = export(self.git, commit, self.prefix, folder)
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise SettingsError(
                f"This clone does not hold the policies of {commit[:8]}, which were applied last.",
                "Check out with fetch-depth: 0. If the branch was rewritten, start the apply "
                "workflow by hand with the digest that the drift report names.",
            )

    def _guardrails_of(self, base: str) -> bytes:
        git = self.git
        commit = git.commit(base)
        if commit is None:
            raise SettingsError(
                f"This clone does not hold the base commit {base[:8]}.",
                "Check out with fetch-depth: 0.",
            )
        blob = git.files(commit, self.prefix).get(_GUARDRAILS)
        contents = git.contents([blob]) if blob else [_NO_GUARDRAILS]
        if contents is None:
            raise SettingsError(f"git does not give the guardrails of the base {base[:8]}.")
        return contents[0]


def _leads_elsewhere(folder: Path, prefix: str) -> bool:
    """Tell whether a link stands between a folder and the top of its work tree."""
    # git has followed links in its answer; as many names above the folder are looked at as the
    # answer has, and one more would be the work tree itself.
    steps = [folder.absolute(), *folder.absolute().parents][: len(Path(prefix).parts)]
    names = [step.name for step in steps][::-1]
    return names != list(Path(prefix).parts) or any(step.is_symlink() for step in steps)


def event_of(environ: Any) -> Event:
    """Return what started this run, by the runner's variables; raises SettingsError outside CI."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return github_event(environ, _event_file(environ.get("GITHUB_EVENT_PATH", "")))
    if environ.get("GITLAB_CI") == "true":
        return gitlab_event(environ)
    raise SettingsError(
        "`reconciler ci` runs in GitHub Actions or GitLab CI, and this is neither.",
        "Use `reconciler plan`, `apply` and `drift` at a desk.",
    )


def _event_file(name: str) -> dict[str, Any]:
    try:
        with Path(name).open("rb") as file:
            tree = json.loads(file.read(_EVENT_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(
            f"GITHUB_EVENT_PATH cannot be read: {error}.",
            "The runner writes this file; in a container mount its folder too.",
        ) from error
    return tree if isinstance(tree, dict) else {}
