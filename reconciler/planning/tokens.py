"""What becomes of an API token when its owner's access ends (API reference, section 7.5)."""

from datetime import datetime

from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Holding
from reconciler.domain.state import Principal

STAYS = (
    "its API token stays valid: the console ends a service user's token only by deleting the "
    "service user or by making a new token"
)


def has_token(actual: Principal, instant: datetime | None) -> bool:
    """Tell whether the console shows an API token that still counts; one that is over does not.

    `instant` is in UTC; without it every token counts, as does one whose end cannot be read.
    """
    if actual.token_created is None:
        return False
    try:
        ends = datetime.fromisoformat(actual.token_expires or "")
    except ValueError:
        return True
    return instant is None or ends.tzinfo is None or ends > instant


def end_of_token(actual: Principal, after: Holding | None) -> tuple[str, ...]:
    """Say what happens to the API token of somebody for whom nothing is left.

    Whether there is one, this token may not see; so it is said of everybody.
    """
    if actual.kind is PrincipalKind.USER:
        return ("an API token, if there is one, is revoked first",)
    return (STAYS,) if after else ("its API token ends with it",)
