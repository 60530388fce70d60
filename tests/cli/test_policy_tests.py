"""`validate --tests` over real files and processes."""

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from reconciler.documents.load import load
from reconciler.resources import resource


@pytest.fixture
def company(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    shutil.copytree(resource("policies"), folder)
    return folder


def test_the_sample_company_meets_what_is_expected_of_it(shell: Any) -> None:
    done = shell("reconciler validate --tests --policies $POLICIES")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Policy tests: 7 passed, 0 failed.\n")


def test_a_failed_test_names_both_places_and_all_failures(shell: Any, company: Path) -> None:
    tenant = company / "tenant.yaml"
    line = len(tenant.read_text().splitlines()) + 1
    tenant.write_text(
        tenant.read_text()
        + "  - {members: [zed@acme.example, service:zed], role: Admin, tenant: true}\n"
        + "  - {members: [other@audit.example], role: SOC, account: Acme EMEA}\n"
    )
    done = shell("reconciler validate --tests --report junit=tests.xml --report sarif=t.sarif")
    assert done.returncode == 1
    assert "zed@acme.example has Admin on the tenant" in done.stdout
    assert "service:zed has Admin on the tenant" in done.stdout
    assert "other@audit.example has SOC on Acme EMEA" in done.stdout
    assert f"policies/tenant.yaml:{line}:16: zed@" in done.stdout
    assert "FAIL  auditors look and touch nothing  (policies/tests.yaml:13:11)" in done.stdout
    assert "5 passed, 2 failed" in done.stdout
    cases = ET.fromstring((company.parent / "tests.xml").read_text()).findall(".//testcase")  # noqa: S314 - our own output
    assert len(cases) == 7
    assert sum(case.find("failure") is not None for case in cases) == 2
    sarif = (company.parent / "t.sarif").read_text()
    assert "policies/tenant.yaml" in sarif
    assert '"policy-test"' in sarif


def test_without_a_file_of_tests_there_is_nothing_to_pass(shell: Any, company: Path) -> None:
    (company / "tests.yaml").unlink()
    done = shell("reconciler validate --tests --format json")
    assert done.returncode == 1
    assert "no-tests: there is no tests.yaml" in done.stderr


def test_with_a_snapshot_the_sites_of_the_console_count(shell: Any, company: Path) -> None:
    tests = company / "tests.yaml"
    tests.write_text(
        "version: 1\ntests:\n  - name: two SOC people everywhere\n"
        "    every: {sites: [Acme EMEA/*]}\n    has: {role: SOC, at_least: 3}\n"
    )
    offline = shell("reconciler validate --tests")
    online = shell(
        "reconciler snapshot --out s.json && reconciler validate --tests --snapshot s.json"
    )
    assert (offline.returncode, online.returncode) == (1, 1)
    assert "Acme EMEA/Branch-001" not in offline.stdout
    assert "Acme EMEA/Branch-001" in online.stdout


def test_only_what_can_be_judged_is_asked_for(shell: Any, company: Path) -> None:
    (company / "tests.yaml").unlink()
    assert "no tests.yaml" in shell("reconciler validate --tests").stderr
    done = shell("reconciler validate --snapshot s.json")
    assert done.returncode == 1
    assert "--snapshot is for --tests" in done.stderr


def test_the_policy_digest_does_not_change_with_the_tests(company: Path) -> None:
    before = load(company).policy.digest
    (company / "tests.yaml").write_text(
        "version: 1\ntests:\n  - {name: x, nobody: {longer_than: 1h}}\n"
    )
    assert load(company).policy.digest == before
    (company / "tests.yaml").unlink()
    assert load(company).policy.digest == before
