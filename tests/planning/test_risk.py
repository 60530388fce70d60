"""How much attention a change deserves, role by role and level by level."""

import pytest
from builders import ADMIN, BERLIN, EMEA, SOC, TRIAGE, VIEWER, grant

from reconciler.domain.access import Grant
from reconciler.domain.plan import Risk
from reconciler.planning.risk import risk_of


@pytest.mark.parametrize(
    ("given", "risk"),
    [
        (grant(ADMIN), Risk.HIGH),
        (grant(ADMIN, EMEA), Risk.HIGH),
        (grant(ADMIN, BERLIN), Risk.MEDIUM),
        (grant(VIEWER), Risk.MEDIUM),
        (grant(VIEWER, EMEA), Risk.LOW),
        (grant(VIEWER, BERLIN), Risk.LOW),
        (grant(TRIAGE), Risk.MEDIUM),
        (grant(TRIAGE, EMEA), Risk.MEDIUM),
        (grant(TRIAGE, BERLIN), Risk.LOW),
    ],
)
def test_a_change_ranks_by_its_role_and_level(given: Grant, risk: Risk) -> None:
    assert risk_of(given) is risk


def test_a_role_that_gives_access_ranks_as_admin_does() -> None:
    assert [risk_of(grant(SOC, on), {SOC.id}) for on in (None, EMEA, BERLIN)] == [
        Risk.HIGH,
        Risk.HIGH,
        Risk.MEDIUM,
    ]
    assert risk_of(grant(SOC, EMEA), {"77"}) is risk_of(grant(SOC, EMEA))
