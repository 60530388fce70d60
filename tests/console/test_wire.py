from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console import wire
from reconciler.console.grants import Directory
from reconciler.domain.access import TENANT, Grant, Level, Role, Scope
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.plan import Holding
from reconciler.domain.state import Account, Actual, Identity, Principal, Site
from reconciler.errors import IncompleteReadError, NotUnderstoodError, RefusedError

USER, SERVICE = PrincipalKind.USER, PrincipalKind.SERVICE
ACME = Account("201", "Acme", "active")
BERLIN = Site("101", "Berlin", "201", "Acme", "active")
LYON = Site("102", "Lyon", "201", "Acme", "deleted")
SOC = Role("902", "SOC", "tenant", "", predefined=True)
VIEWER = Role("903", "Viewer", "tenant", "", predefined=True)
TRIAGE = Role("904", "Triage", "account", "201")
ROLES = (SOC, VIEWER, TRIAGE)


def directory(level: Level = Level.TENANT) -> Directory:
    return Directory.of((ACME,), (BERLIN, LYON), ROLES, level)


def entry(scope: str, role: str = "902") -> dict[str, Any]:
    return {"id": scope, "name": "any", "accountName": "any", "roleId": role, "roleName": "any"}


def user(**fields: Any) -> dict[str, Any]:
    base = {"id": "11", "email": "jane@acme.example", "scope": "site", "scopeRoles": [entry("101")]}
    return {**base, **fields}


def read(record: Any, kind: PrincipalKind = USER, level: Level = Level.TENANT) -> Principal:
    return wire.read_principal(kind, record, directory(level))


def test_the_users_example_of_the_reference_is_read() -> None:
    record = user(
        fullName="Jane Doe",
        source="mgmt",
        scopeRoles=[entry("102", "903"), entry("101")],
        siteRoles=[{"id": "101", "name": "Berlin"}, {"id": "102", "name": "Lyon"}],
        tenantRoles=[],
        emailVerified=True,
        twoFaEnabled=True,
        twoFaConfigured=True,
        twoFaStatus="configured",
        lastLogin="2026-05-11T06:40:02.554871Z",
    )
    principal = read(record)
    assert principal == Principal(
        id="11",
        name=PrincipalName.user("jane@acme.example"),
        full_name="Jane Doe",
        level=Level.SITE,
        grants=(Grant(BERLIN.scope, SOC), Grant(LYON.scope, VIEWER)),
        last_login="2026-05-11T06:40:02.554871Z",
        email_verified=True,
        two_factor="configured",
    )
    assert [grant.scope.name for grant in principal.grants] == ["Acme/Berlin", "Acme/Lyon"]
    assert [grant.role.name for grant in principal.grants] == ["SOC", "Viewer"]


def test_the_service_users_example_of_the_reference_is_read() -> None:
    record = {
        "id": "51",
        "name": "siem-export",
        "description": None,
        "scope": "account",
        "scopeRoles": [entry("201", "904")],
        "lastActivation": "2026-05-11T07:00:00.000001Z",
    }
    assert read(record, SERVICE) == Principal(
        id="51",
        name=PrincipalName.service("siem-export"),
        full_name="siem-export",
        level=Level.ACCOUNT,
        grants=(Grant(ACME.scope, TRIAGE),),
        can_log_in=False,
        last_login="2026-05-11T07:00:00.000001Z",
    )


def test_every_field_but_id_scope_and_scope_roles_may_be_missing_or_null() -> None:
    bare = {"id": "11", "scope": "site", "scopeRoles": []}
    nothing = dict.fromkeys(
        ["email", "fullName", "source", "isSystem", "lastLogin", "siteRoles", "tenantRoles", "name",
         "emailVerified", "twoFaEnabled", "twoFaConfigured", "twoFaStatus", "lastActivation"]
    )  # fmt: skip
    for kind in PrincipalKind:
        assert read(bare, kind) == read({**nothing, **bare}, kind)
    assert read(bare).name.text == "id:11"
    assert read(bare).grants == ()
    assert not read(bare).is_partial
    assert read(bare, SERVICE).name.label == "service:id:11"


@pytest.mark.parametrize("word", ["Site", "SITE", "site"])
def test_letter_case_of_the_level_does_not_matter(word: str) -> None:
    assert read(user(scope=word)).level is Level.SITE


def test_a_whole_number_is_an_id_too() -> None:
    record = user(id=1640000000000000011, scopeRoles=[{"id": 101, "roleId": 902}])
    assert read(record).id == "1640000000000000011"
    assert read(record).grants == (Grant(BERLIN.scope, SOC),)


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": None},
        {"scope": "group"},
        {"scope": 3},
        {"id": None},
        {"id": "x"},
        {"id": 1.0},
        {"id": "1" * 21},
        {"scopeRoles": None},
        {"scopeRoles": {}},
        {"scopeRoles": ["101"]},
        {"scopeRoles": [{"roleId": "902"}]},
        {"scopeRoles": [{"id": "101"}]},
        {"scopeRoles": [{"id": None, "roleId": "902"}]},
        {"scopeRoles": [{"id": "101", "roleId": None}]},
        {"scopeRoles": [{"id": "101", "roleId": 9.02e2}]},
        {"siteRoles": [{"id": None}]},
        {"siteRoles": "101"},
        {"email": 7},
        {"isSystem": "yes"},
        {"emailVerified": 1},
        {"scope": "tenant", "scopeRoles": [{"roleId": "902"}, {"roleId": "903"}]},
        {"scope": "tenant", "scopeRoles": [{"id": None}]},
    ],
)
def test_a_record_of_another_form_is_not_understood(fields: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstoodError) as failure:
        read(user(**fields))
    assert failure.value.remedy


@pytest.mark.parametrize("kind", PrincipalKind)
def test_a_principal_without_scope_roles_is_refused(kind: PrincipalKind) -> None:
    record = user()
    del record["scopeRoles"]
    with pytest.raises(NotUnderstoodError, match=r"11 has no `scopeRoles` list"):
        read(record, kind)


@pytest.mark.parametrize(
    "fields",
    [
        {"scopeRoles": [entry("101", "999")]},
        {"scope": "tenant", "scopeRoles": [{"roleId": "999"}]},
        {"scope": "tenant", "scopeRoles": [], "tenantRoles": ["Nobody"]},
        {"scope": "tenant", "scopeRoles": [], "tenantRoles": [7]},
        {"scope": "tenant", "scopeRoles": [], "tenantRoles": ["Triage"]},
    ],
)
def test_a_role_that_the_role_list_lacks_is_an_incomplete_read(fields: dict[str, Any]) -> None:
    with pytest.raises(IncompleteReadError):
        read(user(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"scopeRoles": [{"roleId": "903"}]},
        {"scopeRoles": [{"roleId": "903", "id": None, "name": "Global"}]},
        {"scopeRoles": [{"roleId": "903", "id": "", "name": None}]},
        {"scopeRoles": [{"roleId": "903", "id": "77", "accountName": "x"}]},
        {"scopeRoles": [], "tenantRoles": ["Viewer"]},
        {"scopeRoles": [], "tenantRoles": ["903"]},
    ],
)
def test_a_tenant_principal_is_read_in_all_its_forms(fields: dict[str, Any]) -> None:
    principal = read(user(scope="tenant", **fields))
    assert principal.grants == (Grant(TENANT, VIEWER),)
    assert not principal.is_partial


@pytest.mark.parametrize("older", [None, [], "Viewer"])
def test_a_tenant_principal_that_names_no_role_is_partial(older: Any) -> None:
    principal = read(user(scope="tenant", scopeRoles=[], tenantRoles=older))
    assert principal.grants == ()
    assert principal.is_partial


def test_an_entry_out_of_sight_makes_the_principal_partial() -> None:
    sites = read(user(scopeRoles=[entry("101"), {**entry("777", "999"), "roleName": "Theirs"}]))
    assert sites.is_partial
    assert sites.grants[1].scope == Scope(Level.SITE, "777", "any/any")
    assert sites.grants[1].role.name == "Theirs"
    accounts = read(user(scope="account", scopeRoles=[entry("888")]))
    assert accounts.is_partial
    assert accounts.grants[0].scope == Scope(Level.ACCOUNT, "888", "any", "888")
    assert accounts.grants[0].role.name == "SOC"


def test_an_entry_on_a_deleted_site_is_in_sight() -> None:
    assert not read(user(scopeRoles=[entry("102")])).is_partial


@pytest.mark.parametrize(
    ("fields", "is_partial"),
    [
        ({"siteRoles": [{"id": "101"}]}, False),
        ({"siteRoles": []}, False),
        ({"siteRoles": [{"id": "101"}, {"id": "102"}]}, True),
        ({"siteRoles": [{"id": "777"}]}, True),
        ({"scopeRoles": [], "siteRoles": [{"id": "101"}]}, True),
        ({"scope": "account", "scopeRoles": [entry("201")], "siteRoles": [{"id": "101"}]}, False),
        ({"scope": "account", "scopeRoles": [entry("201")], "siteRoles": [{"id": "777"}]}, True),
        ({"scope": "tenant", "scopeRoles": [entry("1")], "siteRoles": [{"id": "777"}]}, False),
    ],
)
def test_an_older_list_that_says_more_makes_the_principal_partial(
    fields: dict[str, Any], *, is_partial: bool
) -> None:
    assert read(user(**fields)).is_partial is is_partial


@pytest.mark.parametrize("token", Level)
@pytest.mark.parametrize("level", Level)
def test_a_principal_above_the_token_is_partial(token: Level, level: Level) -> None:
    scope = {"tenant": "1", "account": "201", "site": "101"}[level]
    record = user(scope=level.value, scopeRoles=[entry(scope)])
    assert read(record, level=token).is_partial is (level.rank < token.rank)


def test_the_same_entry_twice_is_one_grant_and_two_roles_are_two() -> None:
    assert len(read(user(scopeRoles=[entry("101"), entry("101")])).grants) == 1
    assert len(read(user(scopeRoles=[entry("101"), entry("101", "903")])).grants) == 2


@pytest.mark.parametrize(
    ("fields", "can_log_in"),
    [
        ({}, True),
        ({"emailVerified": True}, True),
        ({"emailVerified": False}, False),
        ({"twoFaEnabled": True}, False),
        ({"twoFaEnabled": True, "twoFaStatus": "not_configured"}, False),
        ({"twoFaEnabled": True, "twoFaStatus": "enrollment_expired"}, False),
        ({"twoFaConfigured": True, "twoFaStatus": "enrollment_expired"}, False),
        ({"twoFaEnabled": True, "twoFaStatus": "Enrolled"}, True),
        ({"twoFaEnabled": True, "twoFaStatus": "configured"}, True),
        ({"twoFaEnabled": True, "twoFaConfigured": True}, True),
        ({"twoFaEnabled": False, "twoFaStatus": "not_configured"}, True),
        ({"emailVerified": False, "twoFaEnabled": True, "twoFaConfigured": True}, False),
    ],
)
def test_who_can_log_in(fields: dict[str, Any], *, can_log_in: bool) -> None:
    assert read(user(**fields)).can_log_in is can_log_in
    assert not read(user(**fields), SERVICE).can_log_in


def test_owner_and_system_mark_are_read() -> None:
    principal = read(user(source="SSO_SAML", isSystem=True))
    assert principal.is_external
    assert principal.source == "sso_saml"
    assert principal.is_system
    assert read(user(source="sso_saml"), SERVICE).source == "mgmt"


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    assert read(user(fullName="a\ud800b")).full_name == "a�b"
    assert read(user(fullName="a\U0001f600b")).full_name == "a\U0001f600b"


def test_accounts_and_sites_are_read() -> None:
    assert wire.read_account({"id": "201", "name": "Acme", "state": "Active"}) == ACME
    assert wire.read_account({"id": "1"}) == Account("1", "", "unknown")
    record = {
        "id": 101, "name": "Berlin", "accountId": "201", "accountName": "Acme", "state": "active",
    }  # fmt: skip
    assert wire.read_site(record) == BERLIN
    assert wire.read_site({"id": "1", "accountId": None}) == Site("1", "", "", "", "unknown")


@pytest.mark.parametrize(
    ("fields", "owner_level", "owner_id"),
    [
        ({"scope": "Account", "scopeId": "201"}, "account", "201"),
        ({"scope": "SITE", "scopeId": "101"}, "site", "101"),
        ({"scope": "Group", "scopeId": None}, "group", ""),
        ({"scope": "Tenant", "scopeId": "77"}, "tenant", ""),
        ({"scope": "tenant", "scopeId": "not an id"}, "tenant", ""),
        ({"predefinedRole": True}, "tenant", ""),
        ({"predefinedRole": True, "scope": None}, "tenant", ""),
    ],
)
def test_the_owner_of_a_role_is_read(
    fields: dict[str, Any], owner_level: str, owner_id: str
) -> None:
    role = wire.read_role({"id": "904", "name": "Triage", **fields})
    assert (role.owner_level, role.owner_id, role.name) == (owner_level, owner_id, "Triage")
    assert role.predefined is bool(fields.get("predefinedRole"))


@pytest.mark.parametrize(
    "fields", [{}, {"scope": "planet"}, {"scope": 1}, {"scope": "site", "scopeId": "x"}]
)
def test_a_role_without_an_owner_is_not_understood(fields: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstoodError):
        wire.read_role({"id": "904", **fields})


def test_only_the_consoles_own_admin_role_is_admin() -> None:
    tenant = {"id": "1", "name": "Admin", "scope": "tenant"}
    assert wire.read_role({**tenant, "predefinedRole": True}).is_admin
    assert not wire.read_role({**tenant, "predefinedRole": False}).is_admin


def test_the_owner_of_the_token_is_read() -> None:
    record = user(scope="account", fullName="R", scopeRoles=[entry("202"), entry("201")])
    assert wire.read_identity(record) == Identity(
        "11", "jane@acme.example", "R", Level.ACCOUNT, ("201", "202")
    )
    tenant = {"id": "11", "scope": "tenant"}
    assert wire.read_identity(tenant) == Identity("11", "", "", Level.TENANT, ())
    with pytest.raises(NotUnderstoodError):
        wire.read_identity({"id": "11", "scope": "site"})


def test_a_body_holds_scope_and_the_whole_list_and_nothing_else() -> None:
    holding = Holding(Level.SITE, (Grant(LYON.scope, VIEWER), Grant(BERLIN.scope, SOC)))
    entries = [{"id": "101", "roleId": "902"}, {"id": "102", "roleId": "903"}]
    assert wire.update_body(holding) == {"data": {"scope": "site", "scopeRoles": entries}}
    assert wire.invite_body("a@b.example", "A B", holding) == {
        "data": {
            "email": "a@b.example", "fullName": "A B", "scope": "site", "scopeRoles": entries,
        }
    }  # fmt: skip


def test_a_tenant_entry_has_no_id() -> None:
    holding = Holding(Level.TENANT, (Grant(TENANT, SOC),))
    body = {"data": {"scope": "tenant", "scopeRoles": [{"roleId": "902"}]}}
    assert wire.update_body(holding) == body


@pytest.mark.parametrize(
    "holding",
    [
        Holding(Level.SITE, ()),
        Holding(Level.TENANT, ()),
        Holding(Level.SITE, (Grant(ACME.scope, SOC),)),
        Holding(Level.ACCOUNT, (Grant(ACME.scope, SOC), Grant(BERLIN.scope, SOC))),
        Holding(Level.TENANT, (Grant(TENANT, SOC), Grant(TENANT, VIEWER))),
        Holding(Level.SITE, (Grant(BERLIN.scope, SOC), Grant(BERLIN.scope, VIEWER))),
    ],
)
def test_a_list_the_console_could_misread_is_never_written(holding: Holding) -> None:
    with pytest.raises(RefusedError, match="nothing was sent"):
        wire.update_body(holding)
    with pytest.raises(RefusedError, match="nothing was sent"):
        wire.invite_body("a@b.example", "A B", holding)


def test_a_forged_id_is_never_written() -> None:
    forged = Scope(Level.SITE, "../1", "x")
    with pytest.raises(NotUnderstoodError):
        wire.update_body(Holding(Level.SITE, (Grant(forged, SOC),)))


@given(st.sets(st.sampled_from(["101", "102"]), min_size=1), st.sampled_from(["902", "903"]))
def test_what_is_written_reads_back_the_same(scopes: set[str], role: str) -> None:
    principal = read(user(scopeRoles=[entry(scope, role) for scope in scopes]))
    holding = Holding(principal.level, principal.grants)
    assert read(user(**wire.update_body(holding)["data"])).grants == principal.grants


def test_a_directory_comes_from_what_was_read() -> None:
    identity = Identity("1", "", "", Level.ACCOUNT, ("201",))
    actual = Actual("https://a.example", identity, (ACME,), (BERLIN, LYON), ROLES, ())
    assert Directory.of_actual(actual) == directory(Level.ACCOUNT)
    assert directory().knows(Grant(TENANT, SOC))
    assert not directory().knows(Grant(Scope(Level.SITE, "1", ""), SOC))
    assert not directory().knows(Grant(BERLIN.scope, Role("1", "x")))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["101", "201", "902", "site", "tenant", "account", "Viewer", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "roleId", "name", "scope", "roleName"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ENTRIES = st.lists(
    st.fixed_dictionaries({}, optional={"id": JSON, "roleId": JSON, "name": JSON}), max_size=3
)
FIELDS = (
    "email", "fullName", "source", "isSystem", "emailVerified", "twoFaEnabled", "twoFaStatus",
    "lastLogin", "name", "scopeId", "predefinedRole", "accountId", "accountName", "state",
)  # fmt: skip
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("1") | JSON,
        "scope": st.sampled_from(["tenant", "account", "site", "Group"]) | JSON,
        "scopeRoles": ENTRIES | JSON,
        "siteRoles": ENTRIES | JSON,
        "tenantRoles": st.lists(JSON, max_size=2) | JSON,
        **dict.fromkeys(FIELDS, JSON),
    },
)


@given(RECORDS, st.sampled_from(list(Level)))
def test_any_record_gives_a_value_or_one_of_our_errors(record: Any, level: Level) -> None:
    for reading in (
        wire.read_account,
        wire.read_site,
        wire.read_role,
        wire.read_identity,
        lambda record: read(record, USER, level),
        lambda record: read(record, SERVICE, level),
    ):
        try:
            value = reading(record)
        except (NotUnderstoodError, IncompleteReadError) as error:
            assert error.message  # noqa: PT017 - either end is right, a third is not
        else:
            assert value.id.isdigit()
