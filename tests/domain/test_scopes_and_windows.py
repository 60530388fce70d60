"""What covers what, and what overlaps."""

from datetime import timedelta

import pytest
from builders import ADMIN, AUSTIN, BERLIN, EMEA, NOW, OWN, TRIAGE, US, VIEWER, grant

from reconciler.domain.access import TENANT, Role, Scope, sort_grants
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("above", "below", "covers"),
    [
        (TENANT, TENANT, True),
        (TENANT, EMEA.scope, True),
        (TENANT, BERLIN.scope, True),
        (EMEA.scope, TENANT, False),
        (EMEA.scope, EMEA.scope, True),
        (EMEA.scope, US.scope, False),
        (EMEA.scope, BERLIN.scope, True),
        (EMEA.scope, AUSTIN.scope, False),
        (BERLIN.scope, EMEA.scope, False),
        (BERLIN.scope, BERLIN.scope, True),
        (BERLIN.scope, AUSTIN.scope, False),
    ],
)
def test_access_is_inherited_downwards_only(above: Scope, below: Scope, covers: bool) -> None:
    assert above.covers(below) is covers


def test_grants_sort_widest_first_then_by_name() -> None:
    mixed = [grant(VIEWER, BERLIN), grant(ADMIN, US), grant(ADMIN, EMEA), grant(VIEWER)]

    assert [each.scope.name for each in sort_grants(mixed)] == [
        "tenant",
        "EMEA",
        "US",
        "EMEA/Berlin",
    ]


def test_only_the_consoles_own_admin_role_is_admin() -> None:
    assert ADMIN.is_admin
    assert not TRIAGE.is_admin
    assert not Role("9", "Admin").is_admin


@pytest.mark.parametrize(
    ("one", "two", "overlap"),
    [
        (Window(None, NOW), Window(NOW, None), False),
        (Window(None, NOW + HOUR), Window(NOW, None), True),
        (Window(NOW, NOW + HOUR), Window(NOW + HOUR, NOW + 2 * HOUR), False),
        (Window(NOW, NOW + HOUR), Window(NOW, NOW + HOUR), True),
        (Window(None, None), Window(NOW, None), True),
    ],
)
def test_windows_are_half_open(one: Window, two: Window, overlap: bool) -> None:
    assert one.overlaps(two) is overlap
    assert two.overlaps(one) is overlap


def test_a_token_knows_its_own_principal_by_id_or_by_the_service_users_name() -> None:
    assert OWN.is_of(PrincipalName.service("anything"), "900")
    assert OWN.is_of(PrincipalName.service("reconciler"), "50")
    assert not OWN.is_of(PrincipalName.user("reconciler"), "50")
    assert not OWN.is_of(PrincipalName.service("other"), None)
    assert OWN.label == "service:reconciler"
