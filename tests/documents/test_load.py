"""The whole room: a folder in, a policy and guardrails out."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.build import MAX_CLAIMS
from reconciler.documents.load import load
from reconciler.domain.access import Level
from reconciler.domain.digest import digest
from reconciler.domain.guardrails import Guardrails, NothingLeft, Park, Unlisted
from reconciler.domain.names import PrincipalName
from reconciler.errors import Place, PolicyError, Problem

Policies = Callable[[dict[str, str | bytes]], Path]
Problems = Callable[[dict[str, str | bytes]], tuple[Problem, ...]]

SAMPLE = """\
# yaml-language-server: $schema=../schemas/policy.schema.json
version: 1
owners: ["@acme/soc-leads"]    # informs CODEOWNERS and notices, authorises nothing

users:                         # only for inviting somebody new, or to pin an id
  ana@acme.example: {name: Ana Ruiz, id: "77"}

groups:
  soc-emea: [ana@acme.example, bo@acme.example]

assignments:
  - members: [group:soc-emea, service:siem-export]
    role: SOC
    sites: [Acme EMEA/Berlin, Acme EMEA/Lyon, Acme EMEA/Branch-*]
  - members: [cy@acme.example]
    role: Admin
    account: Acme EMEA
    from: 2026-11-22T08:00:00Z
    until: 2026-11-22T16:00:00+01:00
    reason: INC-4411 containment
  - members: [dee@acme.example]
    role: Viewer
    tenant: true

former: [eve@acme.example]     # must hold nothing
"""

GUARDRAILS = """\
version: 1
unlisted: revoke
nothing_left: {role: Viewer, site: Acme EMEA/Lobby}
max_revokes: 7
max_revoke_fraction: 1
min_admins: 3
protected: [breakglass@acme.example, service:reconciler]
privileged:
  - {roles: [Admin], max_duration: 8h, require_reason: true, standing: refuse}
  - {roles: [IT]}
allowed_domains: [acme.example]
separation_of_duties: [{name: deploy-and-approve, roles: [IT, SOC]}]
overrides: [{rule: max_revokes, value: 40, reason: merger, until: 2026-12-01}]
"""


def test_the_sample_of_the_contract_is_read_as_it_is_meant(policies: Policies) -> None:
    root = policies({"soc.yaml": SAMPLE})
    loaded = load(root)
    policy, guardrails = loaded.policy, loaded.guardrails
    first, second, third = policy.assignments
    file = f"{root}/soc.yaml"
    assert [(m.name.label, m.group, m.place) for m in first.members] == [
        ("ana@acme.example", "soc-emea", Place(file, 12, 15)),
        ("bo@acme.example", "soc-emea", Place(file, 12, 15)),
        ("service:siem-export", None, Place(file, 12, 31)),
    ]
    assert (first.role.text, first.role.place) == ("SOC", Place(file, 13, 11))
    assert [(s.text, s.is_glob, s.place.column) for s in first.scopes] == [
        ("Acme EMEA/Berlin", False, 13),
        ("Acme EMEA/Lyon", False, 31),
        ("Acme EMEA/Branch-*", True, 47),
    ]
    assert first.window is None
    assert second.window is not None
    assert second.window.start == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert second.window.end == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert (second.reason, second.replaces_standing) == ("INC-4411 containment", False)
    assert [a.scopes[0].level for a in policy.assignments] == [
        Level.SITE,
        Level.ACCOUNT,
        Level.TENANT,
    ]
    assert (third.place, third.scopes[0].text) == (Place(file, 21, 5), "")
    (user,) = policy.users
    assert (user.full_name, user.id, user.place) == ("Ana Ruiz", "77", Place(file, 6, 3))
    assert [entry.name.label for entry in policy.former] == ["eve@acme.example"]
    assert policy.warnings == ()
    assert guardrails == Guardrails(digest=digest({}))


def test_guardrails_are_read_as_they_are_meant(policies: Policies) -> None:
    root = policies({"soc.yaml": SAMPLE, "guardrails.yaml": GUARDRAILS})
    rules = load(root).guardrails
    file = f"{root}/guardrails.yaml"
    assert rules.unlisted is Unlisted.REVOKE
    assert rules.nothing_left == Park("Viewer", "Acme EMEA/Lobby", Place(file, 3, 15))
    assert (rules.max_revokes, rules.max_revoke_fraction, rules.min_admins) == (7, 1.0, 3)
    assert rules.protected == (
        PrincipalName.user("breakglass@acme.example"),
        PrincipalName.service("reconciler"),
    )
    admin, it = rules.privileged
    assert (admin.roles, admin.max_duration) == (("Admin",), timedelta(hours=8))
    assert (admin.require_reason, admin.standing_allowed) == (True, False)
    assert (it.max_duration, it.require_reason, it.standing_allowed) == (None, False, True)
    assert rules.allowed_domains == ("acme.example",)
    assert rules.separation_of_duties[0].roles == ("IT", "SOC")
    (override,) = rules.overrides
    assert (override.rule, override.value, override.reason) == ("max_revokes", 40, "merger")
    assert override.until == datetime(2026, 12, 2, tzinfo=UTC)
    assert rules.digest.startswith("sha256:")
    assert rules.digest != digest({})


def test_the_trusted_copy_replaces_the_guardrails_of_the_folder(policies: Policies) -> None:
    root = policies(
        {
            "policies/a.yaml": SAMPLE,
            "policies/guardrails.yaml": "version: 1\nmax_revokes: 900\n",
            "trusted.yaml": "version: 1\nmax_revokes: 2\nnothing_left: delete\n",
        }
    )
    rules = load(root / "policies", root / "trusted.yaml").guardrails
    assert (rules.max_revokes, rules.nothing_left) == (2, NothingLeft.DELETE)


def test_a_broken_trusted_copy_is_refused(policies: Policies) -> None:
    root = policies({"policies/a.yaml": SAMPLE, "trusted.yaml": "version: 3\n"})
    with pytest.raises(PolicyError) as caught:
        load(root / "policies", root / "trusted.yaml")
    assert str(caught.value.problems[0].place) == f"{root}/trusted.yaml:1:10"


def test_comments_and_formatting_do_not_change_the_digest(policies: Policies) -> None:
    first = load(policies({"a.yaml": "version: 1\nformer: [ana@acme.example]\n"})).policy
    second = load(policies({"a.yaml": "# x\nformer:\n  - 'ana@acme.example'\nversion: 1\n"})).policy
    third = load(policies({"a.yaml": "version: 1\nformer: [Ana@acme.example]\n"})).policy
    assert first.digest == second.digest != third.digest


def test_the_path_of_a_file_counts_in_the_digest(policies: Policies, tmp_path: Path) -> None:
    policies({"one/a.yaml": SAMPLE, "two/b.yaml": SAMPLE})
    assert load(tmp_path / "one").policy.digest != load(tmp_path / "two").policy.digest


_FILES = [f"{name}.yaml" for name in ("b", "a", "z/a", "a/z", "B")]


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(_FILES), seed=st.integers(0, 1000))
def test_the_order_of_files_and_keys_does_not_change_the_digest(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], seed: int
) -> None:
    digests = set()
    for names, shuffle in ((_FILES, None), (order, random.Random(seed))):  # noqa: S311 - a test
        root = tmp_path_factory.mktemp("policies")
        for name in names:
            lines = ["version: 1", "users: {}", f"owners: ['{name}']", "former: []"]
            if shuffle:
                shuffle.shuffle(lines)
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("\n".join(lines))
        digests.add(load(root).policy.digest)
    assert len(digests) == 1


def test_all_problems_of_all_files_are_told_at_once_and_sorted(problems_of: Problems) -> None:
    problems = problems_of(
        {
            "c.yaml": "version: 1\nformer: [eve@acme.example, eve@acme.example]\n",
            "b.yaml": "version: 2\nfrmer: []\n",
            "a.yaml": "version: [\n",
            "d.yml": "",
            "guardrails.yaml": "version: 1\nmin_admins: 0\n",
        }
    )
    assert [(p.place and Path(p.place.file).name, p.code) for p in problems] == [
        ("a.yaml", "yaml-syntax"),
        ("b.yaml", "bad-value"),
        ("b.yaml", "unknown-key"),
        ("c.yaml", "repeated-former"),
        ("d.yml", "yml-file"),
        ("guardrails.yaml", "bad-value"),
    ]


_ATOMS = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1.5,
        10**30,
        "",
        "x",
        "a@b",
        "group:g",
        "service:s",
        "A/B",
        "id:1",
        "2026-01-01",
    ]
)
_KEYS = st.sampled_from(
    [
        *["version", "owners", "users", "groups", "assignments", "former", "members", "role"],
        *["sites", "account", "tenant", "from", "until", "reason", "replaces_standing", "g", "a@b"],
        *["nothing_left", "min_admins", "overrides", "protected", "privileged", "rule", "value"],
    ]
)
_TREES = st.recursive(
    _ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(policy=st.dictionaries(_KEYS, _TREES, max_size=4), limits=_TREES)
def test_any_tree_loads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, policy: dict[str, object], limits: object
) -> None:
    root = tmp_path_factory.mktemp("policies")
    (root / "a.yaml").write_text(json.dumps({"version": 1, **policy}))
    (root / "guardrails.yaml").write_text(json.dumps(limits))
    try:
        places = [load(root).guardrails.digest]
    except PolicyError as error:
        places = [str(problem.place) for problem in error.problems]
    assert all(places)


def test_more_grants_than_can_be_planned_are_refused(problems_of: Problems) -> None:
    people = ", ".join(f"p{number}@acme.example" for number in range(2000))
    entry = "  - {members: [group:all], role: SOC, sites: [Acme/Berlin]}\n"
    many = entry * (MAX_CLAIMS // 2000 + 1)
    text = f"version: 1\ngroups: {{all: [{people}]}}\nassignments:\n{many}"
    (problem,) = problems_of({"a.yaml": text})
    assert problem.code == "too-many-grants"


def test_a_thousand_entries_keep_every_place(policies: Policies) -> None:
    entry = "  - members: [p{0}@acme.example]\n    role: SOC\n    sites: [Acme/S{0}]\n"
    text = "version: 1\nassignments:\n" + "".join(entry.format(n) for n in range(1000))
    policy = load(policies({"a.yaml": text})).policy
    assert [a.place.line for a in policy.assignments] == [3 + 3 * n for n in range(1000)]
