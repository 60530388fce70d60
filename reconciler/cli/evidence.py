"""What earlier runs and commits show: what was taken away, and which ends were judged."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.audit.chain import Record
from reconciler.audit.history import applied_policies, judged_ends, past_revokes
from reconciler.cli.files import Files
from reconciler.cli.session import Session, child_environment
from reconciler.documents.versions import read_versions
from reconciler.domain.wanted import Wanted


def with_evidence(
    session: Session, files: Files, wanted: Wanted, records: Sequence[Record], origin: str | None
) -> Wanted:
    """Return what is wanted with what judges it: the journal, and git where that has not begun.

    `plan`, `apply` and `drift` judge alike when given the same journal. Raises JournalError for
    records of an unknown form.
    """
    judged = judged_ends(records, origin)
    windows = (each.window for each in wanted.policy.assignments)
    ends = () if judged is not None else {each.end for each in windows if each and each.end}
    environ = child_environment(session.runtime.environ)
    return replace(
        wanted,
        past_revokes=past_revokes(records, origin),
        judged=judged,
        applied=applied_policies(records, origin),
        versions=read_versions(files.policies, files.base, ends, session.instant(), environ),
    )
