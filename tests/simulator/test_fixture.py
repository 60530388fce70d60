"""The pytest plugin for customers, used the way its documentation says."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = 'pytest_plugins = ["reconciler.simulator.testing"]\n'
TESTS = """
import httpx
import pytest
from reconciler.simulator.generate import Size, generate

def delete_ana(console):
    url = console.url + "/web/api/v2.1/users"
    headers = {"Authorization": f"ApiToken {console.token}"}
    with httpx.Client(trust_env=False, headers=headers) as client:
        (ana,) = client.get(url + "?email=ana@acme.example").json()["data"]
        client.delete(f"{url}/{ana['id']}")

def test_a_lost_response(sentinelone_console):
    sentinelone_console.rehearse("reset-after@DELETE /users/*")
    with pytest.raises(httpx.HTTPError):
        delete_ana(sentinelone_console)
    assert [change.method for change in sentinelone_console.changes] == ["DELETE"]

def test_each_test_has_a_console_of_its_own(sentinelone_console):
    delete_ana(sentinelone_console)
    assert len(sentinelone_console.changes) == 1

class TestOfAnotherCompany:
    @pytest.fixture
    def sentinelone_world(self):
        return generate(1, Size(users=7))

    def test_it_is_served(self, sentinelone_console):
        assert len(sentinelone_console.world.users) == 7
"""


def test_customers_get_a_console_as_a_fixture(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_without_pytest_it_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").write_text("raise ImportError", encoding="utf-8")
    code = "import sys; sys.path.insert(0, '.'); import reconciler.simulator.testing"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "reconciler.simulator.testing is for pytest" in done.stderr
