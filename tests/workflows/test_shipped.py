"""The shipped workflows, run step by step as a code host would, against a simulated console."""

import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from codehost import github
from runner.machine import Runner
from runner.origin import Origin
from runner.records import RunRecord
from runner.setting import Environment, Settings
from runner.site import Event, Site
from stories.desk import GUARDRAILS, POLICY, Desk, small_world

from reconciler.simulator.serve import running

ROOT = Path(__file__).resolve().parents[2]
INSTALL = f"""\
mkdir -p "$RUNNER_TEMP/reconciler-tool/bin"
ln -s "{Path(sys.executable).parent}/reconciler" "$RUNNER_TEMP/reconciler-tool/bin/reconciler"
"""
"""In place of the action's own step, which has a test of its own."""
LABELS = ("no change", "grants", "revokes", "refused", "failed", "not planned", "drift")
LESS = POLICY.replace("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")


class Company:
    """A repository with the shipped workflows, its settings as docs/ci.md has them, a console."""

    def __init__(self, site: Site, desk: Desk, folder: Path) -> None:
        self.site = site
        self.desk = desk
        self.console = console = desk.console
        reads = Environment({"SENTINELONE_TOKEN": console.token_for("reconciler-plan")})
        writes = {"SENTINELONE_TOKEN": console.token}
        self.settings = Settings(
            site,
            folder / "runs",
            environments={
                "s1-plan": Environment(reads.secrets, refs=("main", "refs/pull/*/merge")),
                "s1-drift": Environment(reads.secrets, refs=("main",)),
                "s1-apply": Environment(writes, refs=("main",)),
                "s1-windows": Environment(writes, refs=("main",)),
            },
            variables={"SENTINELONE_URL": console.url},
            replace={"install": INSTALL},
        )
        self.runner = Runner(self.settings)
        site.host.world.labels.update(f"access: {label}" for label in LABELS)
        site.origin.take("main", ROOT, ".github")
        policies = {"policies/access.yaml": POLICY, "policies/guardrails.yaml": GUARDRAILS}
        site.origin.commit("main", policies, "The policies")

    def run(self, name: str, event: Event) -> RunRecord:
        return self.runner.run(f".github/workflows/{name}.yml", event)

    def adopt(self) -> None:
        """Make the console what main says, as somebody does on the first day."""
        drift = self.run("drift", self.site.schedule())
        digest = drift.job("drift").step("run").outputs["digest"]
        first = self.run("apply", self.site.dispatch("cleo", {"digest": digest}))
        assert first.conclusion == "success", first.told
        self.console.changes.clear()

    def written(self) -> list[str]:
        return [change.method for change in self.console.changes if change.actor == "reconciler"]

    def comments(self, event: Event) -> list[Any]:
        return self.site.host.world.comments_on(event.number)

    def journal(self) -> list[dict[str, Any]]:
        text = self.site.origin.show("reconciler-journal", "journal.jsonl")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Company]:
    with github.running() as host, running(small_world()) as console:
        site = Site(host, Origin(tmp_path / "origin.git"))
        yield Company(site, Desk(console, tmp_path / "desk", capsys), tmp_path)


def test_from_pull_request_to_outcome(company: Company) -> None:
    company.adopt()
    site = company.site

    opened = site.open_pull("bea", "Less for the SIEM", {"policies/access.yaml": LESS})
    planned = company.run("plan", opened)

    assert planned.conclusion == "success", planned.told
    assert planned.job("plan").environment == "s1-plan"
    assert planned.job("outside").result == "skipped"
    [comment] = company.comments(opened)
    assert comment.author.login == "github-actions[bot]"
    assert "Plan: 0 to grant, 1 to revoke" in comment.body
    assert site.host.world.items[opened.number].labels == ["access: revokes"]
    assert company.written() == []

    more = LESS.replace("role: SOC", "role: Viewer")
    pushed = site.push(opened.number, {"policies/access.yaml": more})
    assert company.run("plan", pushed).conclusion == "success"
    [renewed] = company.comments(opened)
    assert renewed.id == comment.id
    assert "ana@acme.example" in renewed.body

    site.host.world.review(opened.number, "cleo", "APPROVED")
    merged = site.merge(opened.number, "cleo", "squash")
    applied = company.run("apply", merged)

    assert applied.conclusion == "success", applied.told
    assert applied.job("apply").environment == "s1-apply"
    _, outcome = company.comments(opened)
    assert "applied" in outcome.body
    assert company.written()
    [review] = [
        record["data"]["review"]
        for record in company.journal()
        if record["kind"] == "run-started" and record["data"]["review"].get("request")
    ]
    at = "2026-11-23T09:00:00Z"
    assert review["approvals"] == [{"by": "cleo", "commit": pushed.head, "at": at}]
    assert company.journal()[-1]["kind"] == "run-finished"
    assert tokens_shown(company, planned, applied) == []


def tokens_shown(company: Company, *records: RunRecord) -> list[str]:
    """Return every token that stands in a log, a summary, a comment or an artifact."""
    world = company.site.host.world
    jobs = [job for record in records for job in record.jobs.values()]
    shown = [step.stdout + step.stderr + step.summary for job in jobs for step in job.all()]
    shown += [comment.body for comment in world.comments]
    shown += [text for artifact in world.artifacts for text in unpacked(artifact.content)]
    tokens = [company.console.token, company.console.token_for("reconciler-plan"), *world.tokens]
    return [token for token in tokens for text in shown if token in text]


def test_drift_behind_the_back_is_an_issue_until_it_is_mended(company: Company) -> None:
    company.adopt()
    company.desk.make("siem", "SOC")

    found = company.run("drift", company.site.schedule())

    assert found.job("drift").result == "failure"
    assert found.job("report").result == "success", found.told
    [issue] = [item for item in company.site.host.world.items.values() if item.pull is None]
    assert issue.state == "open"
    assert "service:siem" in (issue.body or "")

    [digest] = re.findall(r"with the digest `(sha256:[0-9a-f]{64})`", issue.body or "")
    mended = company.run("apply", company.site.dispatch("cleo", {"digest": digest}))
    assert mended.conclusion == "success", mended.told
    assert company.run("drift", company.site.schedule()).job("report").result == "success"
    assert "service:siem" not in (issue.body or "")


def test_a_forged_plan_is_refused_and_nothing_is_written(company: Company) -> None:
    company.adopt()
    opened = company.site.open_pull("bea", "Less", {"policies/access.yaml": LESS})
    company.run("plan", opened)
    [kept] = [a for a in company.site.host.world.artifacts if a.name == "reconciler-plan"]
    company.site.host.world.artifacts.remove(kept)
    company.site.host.world.keep(
        kept.run, "reconciler-plan", {"plan.json": b"{}", "comment.md": b"x"}
    )

    refused = company.run("apply", company.site.merge(opened.number, "cleo", "merge"))

    assert refused.job("apply").result == "failure"
    assert refused.job("apply").step("run").exit_code == 3
    assert "forged" in refused.job("apply").summary
    assert company.written() == []
    assert "forged" in company.comments(opened)[-1].body


def test_a_fork_sees_no_secret_and_writes_nothing(company: Company) -> None:
    opened = company.site.open_pull(
        "mallory", "Again", {"policies/access.yaml": LESS}, branch="other", fork="mallory/access"
    )

    planned = company.run("plan", opened)

    assert planned.conclusion == "success", planned.told
    assert {name: job.result for name, job in planned.jobs.items()} == {
        "plan": "skipped",
        "comment": "skipped",
        "outside": "success",
    }
    assert "Not planned" in planned.job("outside").summary
    assert company.comments(opened) == []
    assert company.console.requests == []


def test_broken_policies_stand_on_their_lines_and_in_the_comment(company: Company) -> None:
    broken = {"policies/access.yaml": POLICY.replace("role: SOC", "rule: SOC")}
    opened = company.site.open_pull("bea", "Broken", broken)

    planned = company.run("plan", opened)

    assert planned.job("plan").result == "failure"
    files = {note.properties.get("file") for note in planned.job("plan").annotations}
    assert "policies/access.yaml" in files
    [comment] = company.comments(opened)
    assert "policies/access.yaml" in comment.body
    assert site_labels(company, opened) == ["access: failed"]


def site_labels(company: Company, event: Event) -> list[str]:
    return list(company.site.host.world.items[event.number].labels)


def unpacked(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]


@pytest.mark.weekly
def test_the_install_step_brings_the_tool_by_hash_and_from_the_actions_own_commit(
    company: Company,
) -> None:
    """The one step that the other tests replace; it fetches every package once more."""
    company.site.origin.take("main", ROOT, "pyproject.toml", "reconciler", "schemas", "policies")
    company.site.origin.take("main", ROOT, "README.md", "LICENSE")
    version = '"$RUNNER_TEMP/reconciler-tool/bin/reconciler" --version'
    settings = replace(company.settings, replace={"run": version})

    record = Runner(settings).run(".github/workflows/drift.yml", company.site.schedule())

    assert record.job("drift").step("install").outcome == "success", record.told
    assert record.job("drift").step("run").stdout.startswith("reconciler, version")


def test_a_plan_can_be_attested(company: Company) -> None:
    workflow = company.site.origin.show("main", ".github/workflows/plan.yml")
    asked = workflow.replace("command: plan\n", 'command: plan\n          attest: "true"\n')
    permitted = "    permissions:\n      id-token: write\n      attestations: write\n"
    asked = asked.replace("    permissions:\n", permitted, 1)
    company.site.origin.commit("main", {".github/workflows/plan.yml": asked}, "Attest")
    opened = company.site.open_pull("bea", "Less", {"policies/access.yaml": LESS})

    planned = company.run("plan", opened)

    assert planned.conclusion == "success", planned.told
    [subject] = planned.job("plan").attested
    [kept] = [a for a in company.site.host.world.artifacts if a.name == "reconciler-plan"]
    with zipfile.ZipFile(io.BytesIO(kept.content)) as archive:
        digest = hashlib.sha256(archive.read("plan.json")).hexdigest()
    assert subject["digest"].removeprefix("sha256:") == digest


DOCKER = f"""\
#!/usr/bin/env python3
# Stands for docker: hands over what it is told to, and nothing else, and starts the command.
import os, sys
words = sys.argv[2:]
names, volumes = [], []
while words[0].startswith("--"):
    option = words.pop(0)
    if option in ("--rm", "--read-only"):
        continue
    value = words.pop(0)
    names += [value] if option == "--env" else []
    volumes += [value] if option == "--volume" else []
given = dict(name.split("=", 1) if "=" in name else (name, os.environ[name]) for name in names)
assert [v.endswith(":ro") for v in volumes] == [True, False], volumes
given["PATH"] = os.environ["PATH"]
given.update((k, v) for k, v in os.environ.items() if k in ("GIT_SSL_CAINFO",) or "COVERAGE" in k)
given["HOME"] = os.environ["HOME"]
given["RECONCILER_STATE"] = os.environ["HOME"] + "/state"
os.execve({str(Path(sys.executable).parent / "reconciler")!r}, ["reconciler", *words[1:]], given)
"""


@pytest.mark.parametrize("digest", [f"@sha256:{'a' * 64}", ":latest"])
def test_the_tool_can_come_from_an_image_that_is_named_by_its_digest(
    company: Company, tmp_path: Path, digest: str
) -> None:
    """No image is built or started here: what stands for docker checks what it is told."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    workflow = company.site.origin.show("main", ".github/workflows/drift.yml")
    asked = workflow.replace(
        "command: drift\n", f"command: drift\n          image: acme/tool{digest}\n"
    )
    company.site.origin.commit("main", {".github/workflows/drift.yml": asked}, "An image")
    settings = replace(company.settings, path=f"{docker.parent}:{company.settings.path}")

    record = Runner(settings).run(".github/workflows/drift.yml", company.site.schedule())

    job = record.job("drift")
    if "latest" in digest:
        assert [note.properties.get("title") for note in job.annotations] == ["image"]
        assert job.step("run").outcome == "skipped"
    else:
        assert job.step("install").outcome == "skipped"
        assert job.step("run").exit_code == 2, record.told
