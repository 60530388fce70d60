"""What somebody else did at the same moment is never recorded as ours, nor undone as ours."""

import json
from datetime import timedelta
from typing import Any

import pytest
from stories.desk import NOW, ROLES, SITES

LENA, BO, EVE = "lena@acme.example", "bo@acme.example", "eve@acme.example"
PATHS = {LENA: "/users", BO: "/users/1820000000000001004", EVE: "/users/1820000000000001005"}
NO = json.dumps({"errors": [{"code": 4090010, "title": "Conflict"}]}).encode()
DOUBT = "done, though the console said no: by us or by somebody else"
CREATE = ("service-user", "create", "exporter", "--role", "Viewer", "--site", "Acme/Berlin")


def invite(desk: Any, name: str = LENA) -> None:
    """Ada invites somebody with exactly the grants that our policy names."""
    grants = [{"id": SITES["Berlin"], "roleId": ROLES["SOC"]}]
    body = {"email": name, "fullName": "Lena Fischer", "scope": "site", "scopeRoles": grants}
    assert desk.api("POST", "/users", {"data": body}, "ada@acme.example")[0] == 200


def an_hour_later(desk: Any) -> str:
    desk.clock.passes(hours=1)
    desk.console.console.clock = lambda: NOW + timedelta(hours=1)
    return str(desk.run("audit", "reconcile").out)


def outcome(desk: Any, name: str) -> Any:
    return next(
        each["data"]
        for each in desk.journal()
        if each["kind"] == "outcome" and each["data"]["principal"]["name"] == name
    )


def test_an_invitation_by_somebody_else_is_not_ours(desk: Any, proxy: Any, faults: Any) -> None:
    proxy.when(faults.before(lambda: invite(desk)), method="POST", path="/users")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert DOUBT in told.out
    data = outcome(desk, LENA)
    assert (data["result"], data["created_id"]) == ("unknown", "")
    run = desk.journal()[-1]["run"]
    undo = desk.run("plan", "--undo", run)
    assert f"{LENA} may or may not have been changed by the run: not part of this undo" in undo.out
    assert f"delete {LENA}" not in undo.out
    saved = desk.journal()[-1]["data"]["undo"]
    assert desk.run("apply", f".reconciler/{saved}", "--auto-approve").code == 0
    assert desk.holds(LENA) == ["SOC Berlin"]


@pytest.mark.parametrize("is_resolved", [False, True], ids=["unknown", "resolved"])
def test_an_invitation_by_somebody_else_is_theirs_in_the_log_too(
    desk: Any, proxy: Any, faults: Any, is_resolved: bool
) -> None:
    proxy.when(faults.before(lambda: invite(desk)), method="POST", path="/users")
    desk.run("apply", "--auto-approve")
    if is_resolved:
        again = desk.run("apply", "--auto-approve")
        assert f"{LENA}, intended at " in again.err

    log = an_hour_later(desk)

    assert "ghost writes: 0; without activity: 0" in log


@pytest.mark.parametrize(("method", "name"), [("POST", LENA), ("PUT", BO), ("DELETE", EVE)])
def test_a_no_to_what_is_done_tells_nobody_who_did_it(
    desk: Any, proxy: Any, faults: Any, method: str, name: str
) -> None:
    """A gateway may have sent our own request twice; or somebody else was first."""

    def done_and_refused(exchange: Any) -> None:
        exchange.forward()
        faults.status(409, NO)(exchange)

    proxy.when(done_and_refused, method=method, path=PATHS[name])

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4, told.text
    assert outcome(desk, name)["result"] == "unknown"
    assert DOUBT in told.out
    assert "ghost writes: 0; without activity: 0" in an_hour_later(desk)


def another(desk: Any, site: str, role: str) -> None:
    """Ada makes a service user of the same name."""
    grants = [{"id": SITES[site], "roleId": ROLES[role]}]
    body = {"name": "exporter", "scope": "site", "scopeRoles": grants}
    body["expirationDate"] = "2027-01-01T00:00:00.000000Z"
    status, _ = desk.api("POST", "/service-users", {"data": body}, "ada@acme.example")
    assert status == 200


def exporters(desk: Any) -> dict[str, str]:
    """Id of each service user of that name -> the role that it holds."""
    return {
        each.id: each.grants[0].role_id
        for each in desk.console.world.service_users.values()
        if each.name == "exporter"
    }


def create(desk: Any) -> Any:
    return desk.run(*CREATE, "--secret-file", "exporter.token", "--auto-approve")


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_service_users_of_one_name_ours_is_the_one_that_holds_what_was_asked_for(
    desk: Any, proxy: Any, is_first: bool
) -> None:
    def lose(exchange: Any) -> None:
        if is_first:
            another(desk, "Lyon", "SOC")
        exchange.forward()
        if not is_first:
            another(desk, "Lyon", "SOC")
        exchange.reset()

    proxy.when(lose, method="POST", path="/service-users")

    told = create(desk)

    (ours,) = [id_ for id_, role in exporters(desk).items() if role == ROLES["Viewer"]]
    data = outcome(desk, "service:exporter")
    assert (data["result"], data["created_id"]) == ("applied", ours)
    assert f"make a new one with `reconciler service-user rotate id:{ours}`" in told.out


def test_of_two_service_users_alike_neither_is_called_ours(desk: Any, proxy: Any) -> None:
    def lose(exchange: Any) -> None:
        another(desk, "Berlin", "Viewer")
        exchange.forward()
        exchange.reset()

    proxy.when(lose, method="POST", path="/service-users")

    told = create(desk)

    data = outcome(desk, "service:exporter")
    assert (data["result"], data["created_id"]) == ("unknown", "")
    assert len(exporters(desk)) == 2
    for id_ in exporters(desk):
        assert id_ in data["detail"]
        assert f"reconciler service-user rotate id:{id_}" in " ".join(told.out.split())
