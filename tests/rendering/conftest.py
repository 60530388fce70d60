"""A plan with one text in every place where others choose the text."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from builders import ADMIN, BERLIN, LYON, NOW, TRIAGE, grant
from hostile import GROUPS, Corpus

from reconciler.domain.access import Grant, Level, Scope
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.plan import (
    Action,
    Change,
    Coming,
    Commit,
    Effect,
    Holding,
    Operation,
    OperationKind,
    Options,
    Plan,
    PlannedRole,
    Reason,
    Refusal,
    Risk,
    RoleChange,
    UndoOf,
    UnlistedPrincipal,
)
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem

_OURS = re.compile(r"\x1b\[(?:[0-9]+;)*[0-9]+m")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _full(text: str) -> Plan:
    """A plan of every shape, with `text` wherever somebody else chooses the words."""
    place = Place(text, 3, 5)
    name = PrincipalName(PrincipalKind.USER, "key", text)
    on_site = Grant(replace(BERLIN.scope, name=text), replace(ADMIN, name=text))
    other = Grant(replace(LYON.scope, name=text), replace(TRIAGE, name=text))
    change = Change(
        Action.GRANT,
        on_site,
        Reason.WINDOW_OPENED,
        Risk.HIGH,
        places=(place, place, Place(text)),
        window=Window(NOW, NOW),
        note=text,
        commit=Commit("c" * 40, text, text),
    )
    lost = Change(Action.REVOKE, other, Reason.POLICY, Risk.LOW)
    many = Holding(Level.SITE, (on_site, other, on_site, other))
    permission = Permission(text, text, text)
    effects = (
        Effect((on_site.scope,), other.role, on_site.role, (permission,), (permission,)),
        Effect((other.scope, other.scope), other.role, None, is_known=False),
        Effect((other.scope,), None, on_site.role, (permission, permission)),
    )
    update = Operation(
        kind=OperationKind.UPDATE,
        name=name,
        principal_id="10",
        full_name=text,
        before=Holding(Level.SITE, (other,)),
        after=Holding(Level.ACCOUNT, (on_site,)),
        changes=(change, lost),
        precondition=_DIGEST,
        notes=(text, text),
        effects=effects,
        note=text,
    )
    invite = replace(update, kind=OperationKind.INVITE, principal_id=None, before=None)
    delete = replace(update, kind=OperationKind.DELETE, after=None, changes=(lost,))
    left = replace(update, kind=OperationKind.REVOKE_TOKEN, changes=(), revokes_token=True)
    role, endless = replace(TRIAGE, name=text), Window(NOW, None)
    service = PrincipalName(PrincipalKind.SERVICE, "key", text)
    return Plan(
        instant=NOW,
        origin=text,
        account_ids=("100",),
        view_level=Level.TENANT,
        view_sites=7,
        planned_by=text,
        policy_digest=_DIGEST,
        guardrails_digest=_DIGEST,
        content_digest=_DIGEST,
        operations=(update, invite, delete, left),
        refusals=(Refusal(text, text, text, (place, Place(text))), Refusal("rule", text, text)),
        unlisted=(
            UnlistedPrincipal(name, "11", many, is_admin=False),
            UnlistedPrincipal(service, "12", Holding(Level.SITE, (grant(ADMIN),)), is_admin=True),
        ),
        warnings=(
            Problem(None, text, text, text),
            Problem(place, text, text, text),
            Problem(Place(text), text, text, text),
        ),
        roles=(
            PlannedRole("1", text, _DIGEST, 7, gives_access=True),
            PlannedRole("4", text, None, 0, gives_access=False),
        ),
        role_changes=(
            RoleChange(
                "4", text, _DIGEST, _OTHER, gives_access=True, holders=(name, service), place=place
            ),
            RoleChange("5", text, _OTHER, _DIGEST, gives_access=False, holders=(), place=place),
        ),
        coming=(
            Coming(
                *(name, "10", on_site, Window(NOW, NOW), Risk.HIGH),
                places=(place, place, Place(text)),
                note=text,
                is_new=True,
                is_longer=True,
            ),
            Coming(name, None, Grant(Scope(Level.SITE, "", text), role), endless, Risk.LOW),
        ),
        options=Options((name,), no_revokes=True, undo_of=UndoOf(text, text)),
        snapshot=NOW,
    )


_DIGEST = "sha256:" + "a" * 64
_OTHER = "sha256:" + "b" * 64


def _check(told: str, *, color: bool) -> None:
    plain = _OURS.sub("", told) if color else told
    unseen = {char for char in set(plain) - {"\n"} if unicodedata.category(char) in _UNSEEN}
    assert not unseen, ascii(plain)
    for line in plain.split("\n"):
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line
        assert "##vso" not in line
    told.encode("utf-8")


@pytest.fixture(params=list(GROUPS.values()), ids=list(GROUPS))
def corpus(request: pytest.FixtureRequest) -> Corpus:
    """A part of the hostile corpus; a test that asks for it runs for all parts."""
    return Corpus(request.param)


@pytest.fixture(scope="session")
def full() -> Callable[[str], Plan]:
    """Make a plan of every shape with this text in every free field."""
    return _full


@pytest.fixture(scope="session")
def check_harmless() -> Callable[..., None]:
    """Assert that a text holds nothing that a terminal or a CI runner would obey."""
    return _check
