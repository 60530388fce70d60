"""Schemathesis asks the simulator everything its documentation allows, and much that it does not.

Runs once a week: `python -m pytest -m weekly`, with the dependency group `weekly` installed. What
it finds becomes an ordinary test in `tests/simulator/test_found.py`.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from conformance import DOCUMENT

from reconciler.simulator.serve import running

EXAMPLES = 20


@pytest.mark.weekly
@pytest.mark.parametrize("chosen", ["--exclude-path-regex", "--include-path-regex"])
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_schemathesis_finds_nothing(tmp_path: Path, mode: str, chosen: str) -> None:
    # Bulk deletions apart and last: they delete the caller, and all is 401 from then on.
    with running() as console:
        checks = (
            "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_schema_conformance,unsupported_method,ignored_auth"
        )
        extra = ",negative_data_rejection" if mode == "negative" else ""
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT),
                "--url", f"{console.url}/web/api/v2.1",
                "-H", f"Authorization: ApiToken {console.token}",
                "--mode", mode, "--phases", "examples,coverage,fuzzing",
                "--checks", checks + extra, "--max-examples", str(EXAMPLES), "--no-color",
                "--continue-on-failure", "--warnings", "off", "--suppress-health-check", "all",
                chosen, "delete-(service-)?users",
            ],
            capture_output=True, text=True, cwd=tmp_path, timeout=1800, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
