from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.console.client import WriteClient
from reconciler.console.reader import find_users, read_actual, read_principal
from reconciler.console.writer import Writer
from reconciler.domain.access import Grant, Level, Role
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Holding
from reconciler.domain.state import Actual, Identity, Site
from reconciler.errors import LostAnswerError, MissingError, NotUnderstoodError, RefusedError
from reconciler.simulator.serve import Running, running

USER, SERVICE = PrincipalKind.USER, PrincipalKind.SERVICE
BERLIN = Site("101", "Berlin", "201", "Acme", "active")
SOC = Role("902", "SOC")
HOLDING = Holding(Level.SITE, (Grant(BERLIN.scope, SOC),))
RECORD = {
    "id": "11",
    "email": "Jane@acme.example",
    "scope": "site",
    "scopeRoles": [{"id": "101", "roleId": "902"}],
}
BODY = {"scope": "site", "scopeRoles": [{"id": "101", "roleId": "902"}]}


@pytest.fixture
def writer(console: Any, writes: WriteClient) -> Writer:
    identity = Identity("1", "", "", Level.TENANT, ())
    return Writer(writes, Actual(console.url, identity, (), (BERLIN,), (SOC,), ()))


@pytest.mark.parametrize(("kind", "path"), [(USER, "/users/11"), (SERVICE, "/service-users/11")])
def test_an_update_is_one_put_of_the_whole_list(
    console: Any, writer: Writer, kind: PrincipalKind, path: str
) -> None:
    console.on("PUT", path, {"data": RECORD})
    assert writer.update(kind, "11", HOLDING).grants == HOLDING.grants
    (request,) = console.requests
    assert request.body == {"data": BODY}


def test_an_invitation_is_one_post(console: Any, writer: Writer) -> None:
    console.on("POST", "/users", {"data": RECORD})
    principal = writer.invite("jane@acme.example", "Jane", HOLDING)
    assert principal.id == "11"
    (request,) = console.requests
    assert request.body == {"data": {"email": "jane@acme.example", "fullName": "Jane", **BODY}}


@pytest.mark.parametrize(("kind", "path"), [(USER, "/users/11"), (SERVICE, "/service-users/11")])
def test_a_deletion_is_one_delete(
    console: Any, writer: Writer, kind: PrincipalKind, path: str
) -> None:
    console.on("DELETE", path, {"data": {"success": True}})
    writer.delete(kind, "11")
    assert [(request.method, request.body) for request in console.requests] == [("DELETE", None)]


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {**RECORD, "id": "12"}, {**RECORD, "scopeRoles": None},
     {**RECORD, "scopeRoles": [{"id": "101", "roleId": "999"}]}],
)  # fmt: skip
def test_an_update_whose_answer_makes_no_sense_may_have_happened(
    console: Any, writer: Writer, data: Any
) -> None:
    console.on("PUT", "/users/11", {"data": data})
    with pytest.raises(LostAnswerError, match="may or may not") as failure:
        writer.update(USER, "11", HOLDING)
    assert failure.value.remedy


@pytest.mark.parametrize("data", [None, {}, {**RECORD, "email": "eve@acme.example"}])
def test_an_invitation_answered_with_somebody_else_may_have_happened(
    console: Any, writer: Writer, data: Any
) -> None:
    console.on("POST", "/users", {"data": data})
    with pytest.raises(LostAnswerError):
        writer.invite("jane@acme.example", "Jane", HOLDING)


@pytest.mark.parametrize("data", [None, {}, [], {"success": False}, {"success": "true"}])
def test_a_deletion_without_success_may_have_happened(
    console: Any, writer: Writer, data: Any
) -> None:
    console.on("DELETE", "/users/11", {"data": data})
    with pytest.raises(LostAnswerError) as failure:
        writer.delete(USER, "11")
    assert failure.value.message == (
        "DELETE /users/11: the console did not say that it succeeded; it may or may not have"
        " happened"
    )


def test_nothing_is_sent_for_an_empty_list_or_a_forged_id(console: Any, writer: Writer) -> None:
    empty = Holding(Level.SITE, ())
    with pytest.raises(RefusedError):
        writer.update(USER, "11", empty)
    with pytest.raises(RefusedError):
        writer.invite("jane@acme.example", "Jane", empty)
    for identity in ("", "1/../2", "delete-users", "%2e%2e"):
        with pytest.raises(NotUnderstoodError):
            writer.update(USER, identity, HOLDING)
        with pytest.raises(NotUnderstoodError):
            writer.delete(SERVICE, identity)
    assert console.requests == []


@pytest.fixture
def simulator() -> Iterator[Running]:
    with running() as served:
        yield served


def test_the_simulated_console_takes_every_write(
    simulator: Running, address: Any, runtime: Any
) -> None:
    settings = address(simulator.url)
    settings = type(settings)(simulator.url, type(settings.token)(simulator.token))
    with WriteClient(settings, runtime) as client:
        actual = read_actual(client)
        writer = Writer(client, actual)
        sites = [site.scope for site in actual.sites if site.state == "active"]
        role = next(role for role in actual.roles if role.name == "Viewer")
        holding = Holding(Level.SITE, (Grant(sites[0], role), Grant(sites[1], role)))
        invited = writer.invite("new.person@acme.example", "New Person", holding)
        assert set(invited.grants) == set(holding.grants)
        assert find_users(client, actual, "New.Person@acme.example") == (invited,)
        fewer = Holding(Level.SITE, (Grant(sites[1], role),))
        assert writer.update(USER, invited.id, fewer).grants == fewer.grants
        assert read_principal(client, actual, USER, invited.id) is not None
        writer.delete(USER, invited.id)
        assert read_principal(client, actual, USER, invited.id) is None
        with pytest.raises(MissingError):
            writer.update(USER, invited.id, fewer)
        service = next(p for p in actual.principals if p.kind is SERVICE and p.level == "site")
        assert writer.update(SERVICE, service.id, fewer).grants == fewer.grants
        writer.delete(SERVICE, service.id)
        assert read_principal(client, actual, SERVICE, service.id) is None
