"""What decides which plan an apply by hand executes: the policies of now, or a saved plan."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import click

from reconciler import __version__
from reconciler.cli.files import NO_OPTIONS
from reconciler.cli.session import Session
from reconciler.cli.writing.reviewed import Decision, Reviewed, reviewed_plan
from reconciler.documents.plan_file import read_plan_file, saved_plan
from reconciler.domain.plan import Options
from reconciler.domain.saved import SavedPlan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan
from reconciler.rendering.as_text import bound_text, plan_text
from reconciler.rendering.reviewed import left_out_text
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.binding import Bound, check_origin


@dataclass(frozen=True, slots=True)
class Policies:
    """All that the policies ask for now; and the ground of whatever else rests on no saved plan."""

    options: Options = NO_OPTIONS
    instant: ClassVar[None] = None
    role_ids: ClassVar[frozenset[str]] = frozenset()

    def check_origin(self, origin: str) -> None:
        """Let the console pass that the environment names."""

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Plan afresh."""
        return Decision(make_plan(wanted, actual, now))

    def show(self, decision: Decision, session: Session) -> None:
        """Print the plan."""
        show_plan(decision, session)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A saved plan, whole or what of it still holds."""

    tree: dict[str, Any]
    saved: SavedPlan
    only_planned: bool
    is_short: bool
    """Whether what was reviewed is not read out again."""
    bound: Bound = Bound.WHOLLY

    @classmethod
    def read(cls, path: Path, *, only_planned: bool, is_approved: bool) -> Self:
        """Read a saved plan; raises as `read_plan_file` does.

        Somebody has read a saved plan before approving it on the command line; nobody reads an
        undo when it is written.
        """
        tree = read_plan_file(path)
        saved = saved_plan(tree)
        was_read = is_approved and saved.options.undo_of is None
        return cls(tree, saved, only_planned, was_read)

    @property
    def options(self) -> Options:
        """The options it was made with."""
        return self.saved.options

    @property
    def instant(self) -> datetime:
        """When it was made."""
        return self.saved.instant

    @property
    def role_ids(self) -> frozenset[str]:
        """Every role in it."""
        return frozenset(role.id for role in self.saved.roles)

    def check_origin(self, origin: str) -> None:
        """Raise RefusedError for another console than it was made for, or another tool."""
        check_origin(self.saved, origin, __version__)

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Recompute it and compare. Raises RefusedError with everything that moved."""
        reviewed = Reviewed(self.tree, self.only_planned, self.bound)
        return reviewed_plan(wanted, actual, reviewed, now)

    def show(self, decision: Decision, session: Session) -> None:
        """Print what is left out of it, then the plan, unless that was read before."""
        count = len(self.tree["operations"])
        click.echo(left_out_text(decision.left_out, count), nl=False)
        if not self.is_short or decision.plan.refusals:
            show_plan(decision, session)
        # Of a plan that is left out whole nothing holds, and each reason was told.
        elif not (decision.left_out and decision.plan.is_empty):
            click.echo(bound_text(plan_tree(decision.plan, __version__)), nl=False)


def show_plan(decision: Decision, session: Session) -> None:
    """Print a plan as text."""
    tree = plan_tree(decision.plan, __version__)
    click.echo(plan_text(tree, color=session.color_out, width=session.width_out), nl=False)
