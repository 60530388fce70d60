"""Schemathesis asks the simulator everything its documentation allows, and much that it does not.

Runs once a week: `python -m pytest -m weekly`, with the dependency group `weekly` installed. What
it finds becomes an ordinary test in `tests/simulator/test_found.py`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import DOCUMENT

from reconciler.simulator.serve import running

EXAMPLES = 60


@pytest.mark.weekly
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_schemathesis_finds_nothing(tmp_path: Path, mode: str) -> None:
    with running() as console:
        tree = json.loads(DOCUMENT.read_text(encoding="utf-8"))
        tree["servers"] = [{"url": f"{console.url}/web/api/v2.1"}]
        document = tmp_path / "openapi.json"
        document.write_text(json.dumps(tree), encoding="utf-8")
        checks = (
            "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_schema_conformance,unsupported_method,ignored_auth"
        )
        extra = ",negative_data_rejection" if mode == "negative" else ""
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", str(document),
                "--url", f"{console.url}/web/api/v2.1",
                "-H", f"Authorization: ApiToken {console.token}",
                "--mode", mode, "--phases", "examples,coverage,fuzzing",
                "--checks", checks + extra, "--max-examples", str(EXAMPLES), "--no-color",
            ],
            capture_output=True, text=True, cwd=tmp_path, timeout=1800, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
