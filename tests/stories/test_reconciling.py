"""The console's own log as a witness: what was written with our token, and by whom else (T08)."""

from datetime import timedelta
from typing import Any

import pytest
from stories.desk import NOW, ROLES, SITES


@pytest.fixture
def applied(desk: Any) -> Any:
    """A desk at which one apply has run an hour ago, by both clocks."""
    assert desk.run("apply", "--auto-approve").code == 0
    desk.clock.passes(hours=1)
    desk.console.console.clock = lambda: NOW + timedelta(hours=1)
    return desk


def with_the_apply_token(desk: Any, name: str, role: str, site: str = "Berlin") -> None:
    """Whoever stole the token uses it."""
    user = desk.console.world.named(name)
    entries = [{"id": SITES[site], "roleId": ROLES[role]}]
    body = {"data": {"scope": "site", "scopeRoles": entries}}
    assert desk.api("PUT", f"/users/{user.id}", body, "reconciler")[0] == 200


def test_what_the_journal_tells_is_what_the_log_tells(applied: Any) -> None:
    done = applied.run("audit", "reconcile")

    assert (done.code, done.err) == (0, "")
    assert "ghost writes: 0; without activity: 0; by others: 0." in done.out
    assert "as ours counts whoever is called: reconciler." in done.out


def test_the_token_that_only_views_is_enough(applied: Any) -> None:
    applied.token = applied.console.token_for("reconciler-plan")

    assert applied.run("audit", "reconcile").code == 0
    assert {method for method, _ in applied.console.requests[-4:]} == {"GET"}


def test_a_write_with_the_stolen_token_is_a_ghost(applied: Any) -> None:
    with_the_apply_token(applied, "mia@acme.example", "Admin")

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert "Ghost writes" in done.out
    assert "Mia: The management user reconciler gave user Mia role Admin" in done.out


def test_a_ghost_beside_a_write_of_ours_is_told_by_its_role(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    with_the_apply_token(desk, "bo@acme.example", "Admin")

    done = desk.run("audit", "reconcile")

    assert done.code == 1
    assert "gave user Bo role Admin" in done.out
    assert "ghost writes: 1;" in done.out  # its 24 passes for ours, and the output says so
    assert "unless it names another role or scope" in done.out


def test_a_ghost_on_a_scope_that_was_held_before_is_told(desk: Any) -> None:
    desk.edit("access.yaml", "[ana@acme.example, bo@", "[bo@")
    desk.edit(
        "access.yaml",
        "former:",
        "  - {members: [ana@acme.example], role: SOC, sites: [Acme/Berlin, Acme/Lyon]}\nformer:",
    )
    assert desk.run("apply", "--auto-approve").code == 0
    with_the_apply_token(desk, "ana@acme.example", "Admin")

    done = desk.run("audit", "reconcile")

    assert done.code == 1
    assert "gave user Ana role Admin in Global/Acme/Berlin" in done.out


def invites(desk: Any, name: str) -> None:
    """Whoever stole the token invites somebody, just as we meant to invite Lena."""
    entries = [{"id": SITES["Berlin"], "roleId": ROLES["SOC"]}]
    data = {"email": f"{name}@acme.example", "fullName": name, "scope": "site"}
    body = {"data": {**data, "scopeRoles": entries}}
    status, said = desk.api("POST", "/users", body, "reconciler")
    assert status == 200, said


def test_a_ghost_in_the_shadow_of_an_invitation_that_failed_is_told(
    desk: Any, proxy: Any, faults: Any
) -> None:
    body = b'{"errors": [{"code": 4000010, "title": "Validation Error", "detail": "x"}]}'
    proxy.when(faults.status(400, body), method="POST", path="/users", times=9)
    assert desk.run("apply", "--auto-approve").code == 4
    invites(desk, "evil")

    done = desk.run("audit", "reconcile")

    assert done.code == 1
    assert "added user evil" in done.out


def test_a_ghost_in_the_shadow_of_an_invitation_without_an_answer_is_told(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def lost(exchange: Any) -> None:
        proxy.when(faults.status(500), method="GET", path="/users", times=999)
        faults.reset_after(exchange)

    proxy.when(lost, method="POST", path="/users")
    desk.run("apply", "--auto-approve")
    proxy.start_over()
    assert desk.holds("lena@acme.example")
    assert desk.results()["lena@acme.example"] == "unknown"
    assert desk.run("audit", "reconcile").code == 0
    invites(desk, "evil")

    done = desk.run("audit", "reconcile")

    assert done.code == 1
    assert "added user evil" in done.out
    assert "Lena" not in done.out


@pytest.mark.parametrize("copies", [0, 1])
def test_a_service_user_without_an_answer_is_ours_while_nobody_else_is_called_so(
    desk: Any, proxy: Any, faults: Any, copies: int
) -> None:
    def lost(exchange: Any) -> None:
        proxy.when(faults.status(500), method="GET", path="/service-users", times=999)
        faults.reset_after(exchange)

    proxy.when(lost, method="POST", path="/service-users")
    made = ("service-user", "create", "new-one", "--role", "Viewer", "--site", "Acme/Berlin")
    desk.run(*made, "--secret-file", "one.token", "--auto-approve")
    proxy.start_over()
    assert desk.results() == {"service:new-one": "unknown"}
    entries = [{"id": SITES["Berlin"], "roleId": ROLES["Viewer"]}]
    data = {"name": "new-one", "scope": "site", "scopeRoles": entries}
    data["expirationDate"] = "2027-11-23T09:00:00.000000Z"
    for _ in range(copies):
        status, said = desk.api("POST", "/service-users", {"data": data}, "reconciler")
        assert status == 200, said

    done = desk.run("audit", "reconcile")

    assert done.code == copies, done.text
    assert f"ghost writes: {2 * copies};" in done.out  # which of the two is ours, nobody knows


def test_a_console_that_does_not_show_its_roles_is_compared_all_the_same(
    proxy: Any, applied: Any, faults: Any
) -> None:
    body = b'{"errors": [{"code": 4030010, "detail": "", "title": "No"}]}'
    proxy.when(faults.status(403, body), path="/rbac/roles", times=9)

    assert applied.run("audit", "reconcile").code == 0


def test_a_token_made_with_the_stolen_token_is_a_ghost(applied: Any) -> None:
    siem = applied.console.world.named("siem").id
    body = {"data": {"expirationDate": "2027-11-23T09:00:00.000000Z"}}
    path = f"/service-users/{siem}/generate-api-token"
    assert applied.api("POST", path, body, "reconciler")[0] == 200

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert "reconciler generated an API token for siem" in done.out


def test_a_role_edited_with_the_stolen_token_is_a_ghost(applied: Any) -> None:
    body = {
        "data": {"name": "Everything", "description": "", "permissionIds": ["Users.view"]},
        "filter": {"tenant": True},
    }
    status, said = applied.api("POST", "/rbac/role", body, "reconciler")
    assert status == 200, said

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert "created the role Everything" in done.out


def test_an_applied_write_that_the_log_does_not_show_is_told(applied: Any) -> None:
    world = applied.console.world
    bo = world.named("bo@acme.example").id
    world.activities[:] = [each for each in world.activities if each["userId"] != bo]

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert "On record as applied, but not in the log:" in done.out
    assert "update bo@acme.example" in done.out


def test_a_token_that_stands_at_one_site_accuses_nobody_of_what_it_cannot_see(applied: Any) -> None:
    applied.token = applied.console.token_for("stray")

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert done.out.startswith(
        "This token stands at site level (Lyon) and cannot see the whole log"
    )
    assert "Use a token that stands at the tenant" in done.out
    assert "On record as applied, and not visible to this token:" in done.out
    assert "but not in the log" not in done.out
    assert "ghost writes: 0; not visible: " in done.out


def test_a_token_that_stands_at_one_site_and_misses_nothing_says_where_it_stands(
    applied: Any,
) -> None:
    applied.token = applied.console.token_for("stray")

    done = applied.run("audit", "reconcile", "--since", "2026-11-24")

    assert done.code == 0
    assert done.out.startswith(
        "This token stands at site level (Lyon) and cannot see the whole log"
    )


def test_what_was_written_just_now_may_be_missing_yet(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    world = desk.console.world
    bo = world.named("bo@acme.example").id
    world.activities[:] = [each for each in world.activities if each["userId"] != bo]

    done = desk.run("audit", "reconcile")

    assert done.code == 0
    assert "Written so lately that the log may not show it yet: 1." in done.out


def test_a_change_by_ada_is_drift_with_a_name_on_it(applied: Any) -> None:
    applied.make("bo@acme.example", "Admin")

    done = applied.run("audit", "reconcile")

    assert done.code == 2
    assert "Changed by others:" in done.out
    assert "by Ada" in done.out


def test_a_change_by_ada_to_somebody_we_never_wrote_is_a_number(applied: Any) -> None:
    applied.make("mia@acme.example", "Viewer")

    done = applied.run("audit", "reconcile")

    assert done.code == 0
    assert "About principals that the journal does not name: 2 by others." in done.out


def test_only_what_is_asked_for_is_judged(applied: Any) -> None:
    with_the_apply_token(applied, "mia@acme.example", "Admin")

    done = applied.run("audit", "reconcile", "--since", "2026-11-24")

    assert done.code == 0
    assert "explained by intents: 0; ghost writes: 0;" in done.out


def test_writes_from_before_the_log_begins_are_not_blamed(applied: Any) -> None:
    world = applied.console.world
    world.activities.clear()
    applied.make("mia@acme.example", "Viewer")

    done = applied.run("audit", "reconcile")

    assert done.code == 0
    assert "Written before the log begins: 4." in done.out


@pytest.mark.parametrize("status", [403, 404, 501])
def test_a_console_that_does_not_show_its_log_is_a_note(
    applied: Any, proxy: Any, faults: Any, status: int
) -> None:
    body = b'{"errors": [{"code": 4040010, "detail": "", "title": "No"}]}'
    proxy.when(faults.status(status, body), path="/activities", times=9)

    done = applied.run("audit", "reconcile")

    assert done.code == 0
    assert "Nothing was compared:" in done.err


def test_a_log_that_does_not_come_whole_asks_for_less(
    applied: Any, proxy: Any, faults: Any
) -> None:
    body = b'{"data": [], "pagination": {"totalItems": 5, "nextCursor": null}}'
    proxy.when(faults.status(200, body), path="/activities", times=9)

    done = applied.run("audit", "reconcile")

    assert done.code == 1
    assert "did not come whole" in done.err
    assert "with a later --since" in done.err


def test_with_an_empty_journal_every_own_write_is_a_ghost(desk: Any) -> None:
    with_the_apply_token(desk, "mia@acme.example", "Admin")
    (desk.folder / ".reconciler").mkdir()
    (desk.folder / ".reconciler" / "journal.jsonl").write_bytes(b"")

    done = desk.run("audit", "reconcile")

    assert done.code == 1
    assert "The journal names no run on this console" in done.out


def test_runs_by_a_person_are_known_by_the_persons_name(desk: Any) -> None:
    desk.token = desk.console.token_for("ada@acme.example")
    assert desk.run("apply", "--auto-approve").code == 0

    done = desk.run("audit", "reconcile")

    assert done.code == 0
    assert "as ours counts whoever is called: Ada." in done.out


def test_who_wrote_and_is_gone_cannot_be_told(desk: Any) -> None:
    desk.token = desk.console.token_for("ada@acme.example")
    assert desk.run("apply", "--auto-approve").code == 0
    ada = desk.console.world.named("ada@acme.example").id
    assert desk.api("DELETE", f"/users/{ada}", None, "reconciler")[0] == 200
    desk.token = desk.console.token

    done = desk.run("audit", "reconcile")

    assert "Nobody is called ada@acme.example any more." in done.out
    assert "by Ada" in done.out


def test_service_users_made_and_rotated_by_us_are_no_ghosts(desk: Any) -> None:
    made = ("service-user", "create", "new-one", "--role", "Viewer", "--site", "Acme/Berlin")
    file = ("--secret-file", "one.token", "--auto-approve")
    assert desk.run(*made, *file).code == 0
    assert desk.run("service-user", "rotate", "siem", "--secret-file", "2", file[-1]).code == 0
    desk.clock.passes(hours=1)

    done = desk.run("audit", "reconcile")

    assert (done.code, done.err) == (0, "")
    # One with a role, and one with a token.
    assert "explained by intents: 2; ghost writes: 0; without activity: 0;" in done.out


def test_an_undone_run_is_explained_too(applied: Any) -> None:
    undo = applied.folder / ".reconciler" / applied.journal()[-1]["data"]["undo"]
    told = applied.run("apply", str(undo), "--auto-approve")
    assert told.code in {0, 4}, told.text

    done = applied.run("audit", "reconcile")

    assert done.code == 0, done.out
