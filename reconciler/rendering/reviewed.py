"""What of a reviewed plan is not executed, name by name."""

from collections.abc import Sequence

from reconciler.planning.intersection import LeftOut
from reconciler.rendering.safe import short, visible


def left_out_text(left_out: Sequence[LeftOut], total: int) -> str:
    """Say what `--only-planned` leaves out of a plan of `total` operations, and why.

    Empty when the whole plan still holds.
    """
    if not left_out:
        return ""
    lines = [f"  {short(one.name.label)}: {visible(one.why)}" for one in left_out]
    counts = f"{len(left_out)} of {total} planned operations left out"
    is_all = len(left_out) >= total
    part = "Nothing of the plan is done" if is_all else "Only what was planned and still holds"
    return f"{part}; {counts}:\n" + "\n".join(lines) + "\n\n"
