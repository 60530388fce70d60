"""Laws that hold for every request, asked without a socket."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator.app import PREFIX, handle
from reconciler.simulator.calls import Console
from reconciler.simulator.envelopes import Request, Response
from reconciler.simulator.rbac import permissions_of
from reconciler.simulator.routes import ROUTES
from reconciler.simulator.scopes import reaches_all, sees
from reconciler.simulator.world import export, load

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WORLD = load()
IDS = [*WORLD.users, *WORLD.service_users, *WORLD.sites, *WORLD.accounts, *WORLD.roles, "1", ""]
PARAMETERS = ["limit", "cursor", "sortBy", "ids", "createdAt__between", "states", "email", "colour"]
FIELDS = ["scope", "scopeRoles", "email", "fullName", "name", "expirationDate", "id", "roleId"]
WORDS = ["tenant", "account", "site", "a@b.example", "2030-01-01", *IDS]

unhurried = settings(deadline=None, database=None)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(WORDS)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=12,
)
entries = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(IDS)}, optional={"roleId": st.sampled_from(IDS)}),
    max_size=3,
)
bodies = st.fixed_dictionaries(
    {"scope": st.sampled_from(["tenant", "account", "site"]), "scopeRoles": entries},
    optional={
        "fullName": st.text(max_size=3),
        "email": st.text(max_size=3) | st.just("n@b.example"),
    },
)


def serve(world: Any = None) -> Console:
    numbers = iter(range(10**6))
    return Console(world or load(), lambda: NOW, lambda: f"token-{next(numbers)}")


def ask(console: Console, caller: str, method: str, path: str, **more: Any) -> Response:
    headers = (("authorization", f"ApiToken {console.mint(caller)}"),)
    body = json.dumps(more.get("body")).encode()
    query = urlencode(more.get("query", {}))
    return handle(console, Request(method, PREFIX + path, query, headers, body))


@unhurried
@given(
    route=st.sampled_from(ROUTES),
    item=st.sampled_from(IDS),
    query=st.dictionaries(st.sampled_from(PARAMETERS), st.text(max_size=12), max_size=2),
    data=bodies | trees,
)
def test_every_request_gets_an_answer_or_an_envelope(
    route: Any, item: str, query: dict[str, str], data: Any
) -> None:
    asked = query if route.method == "GET" else {}
    path = route.path.replace("{id}", item)
    caller = "1820000000000002001"
    answer = ask(serve(), caller, route.method, path, query=asked, body={"data": data})
    tree = json.loads(answer.body)
    assert ("errors" in tree) == (answer.status != 200)
    assert ("data" in tree) == (answer.status == 200)


@unhurried
@given(
    caller=st.sampled_from([*WORLD.users, *WORLD.service_users]),
    target=st.sampled_from([*WORLD.users, *WORLD.service_users]),
    method=st.sampled_from(["PUT", "DELETE"]),
    data=bodies,
)
def test_nobody_changes_whom_he_does_not_see_or_without_the_right(
    caller: str, target: str, method: str, data: Any
) -> None:
    console = serve()
    who, whom = console.world.principal(caller), console.world.principal(target)
    assert who is not None
    assert whom is not None
    may_see = sees(console.world, who, whom)
    rights = {
        permission
        for grant in who.grants
        for permission in permissions_of(console.world.roles[grant.role_id])
    }
    before = export(console.world)
    kind = "users" if target in console.world.users else "service-users"
    answer = ask(console, caller, method, f"/{kind}/{target}", body={"data": data})
    if answer.status != 200:
        assert export(console.world) == before
        assert console.changes == []
        return
    assert may_see
    assert {"Users.edit", "Service Users.edit"} & rights
    after = console.world.principal(target)
    if after and not reaches_all(who):
        assert after.scope != "tenant" or not after.grants
    assert len(console.changes) == 1
