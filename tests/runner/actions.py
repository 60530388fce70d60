"""Actions of GitHub's own that workflows use, done as they do it.

Each is emulated from its README and action.yml; an input that is not handled raises.
"""

import base64
import hashlib
import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from codehost.client import ask
from runner.globs import chosen, common_folder
from runner.records import StepRecord
from runner.setting import python_folder

if TYPE_CHECKING:
    from runner.job import JobMachine


class ActionError(Exception):
    """An action failed for this reason."""


@dataclass
class Call:
    """One use of an action."""

    machine: "JobMachine"
    record: StepRecord
    inputs: dict[str, str]

    def take(self, **defaults: str) -> dict[str, str]:
        """Return the inputs with their defaults; raise for others. `_` stands for `-`."""
        known = {name.replace("_", "-"): value for name, value in defaults.items()}
        unknown = set(self.inputs) - set(known)
        if unknown:
            raise NotImplementedError(f"{self.record.uses}: {sorted(unknown)} is not emulated")
        return known | self.inputs

    def warn(self, message: str) -> None:
        self.record.stdout += f"::warning::{message}\n"

    @property
    def workspace(self) -> Path:
        return self.machine.folders.workspace


Outputs = Mapping[str, str]


def checkout(call: Call) -> Outputs:
    """actions/checkout: fetch one commit (or all history) and stand on it."""
    machine = call.machine
    event, github = machine.run.event, machine.github
    given = call.take(
        repository=github["repository"], ref="", path=".", fetch_depth="1", token=machine.token,
        persist_credentials="true", fetch_tags="false", clean="true", show_progress="true",
        submodules="false", lfs="false", set_safe_directory="true",
    )  # fmt: skip
    if given["repository"] != github["repository"] or "true" in {given["submodules"], given["lfs"]}:
        raise NotImplementedError("checkout: another repository, submodules or lfs")
    folder = (call.workspace / given["path"]).resolve()
    if not folder.is_relative_to(call.workspace.resolve()):
        raise ActionError(f"Repository path '{folder}' is not under '{call.workspace}'")
    git = _Git(call, folder, given["token"])
    git("init", "--quiet", "--initial-branch=main", str(folder))
    git("remote", "add", "origin", f"{github['server_url']}/{github['repository']}")
    branch = git.fetch(given["ref"], event.ref, event.sha, int(given["fetch-depth"]))
    if given["persist-credentials"] == "true":
        git("config", f"http.{github['server_url']}/.extraheader", git.header)
    commit = git("rev-parse", "HEAD").strip()
    return {"commit": commit, "ref": given["ref"] or branch}


class _Git:
    """Runs git as the action does: with the token in a header."""

    def __init__(self, call: Call, folder: Path, token: str) -> None:
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        call.machine.record.masks.add(secret)
        self.header = f"AUTHORIZATION: basic {secret}"
        self._call = call
        self._folder = folder

    def __call__(self, *arguments: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        machine = self._call.machine
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(machine.folders.home),
            "GIT_SSL_CAINFO": str(machine.run.settings.site.host.web.trusted),
            "GIT_TERMINAL_PROMPT": "0",
        }
        run = subprocess.run(
            ["git", *arguments], cwd=self._folder, env=env, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if run.returncode:
            raise ActionError(f"git {arguments[-1]}: {run.stderr}")
        return run.stdout

    def fetch(self, wanted: str, event_ref: str, event_sha: str, depth: int) -> str:
        """Fetch what is wanted, or the event's commit, and check it out. Return the ref."""
        ref = wanted or event_ref
        is_commit = len(ref) == 40 and all(sign in "0123456789abcdef" for sign in ref)
        source = ref if is_commit else event_sha if not wanted else self._full(ref)
        fetch = ["-c", f"http.extraheader={self.header}", "fetch", "--quiet", "--no-tags"]
        if not depth:
            everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
            self(*fetch, "origin", *everything)
        # After all history once more: a branch may have moved on since the event.
        limits = [f"--depth={depth}"] if depth else []
        self(*fetch, *limits, "origin", source if is_commit else f"+{source}:{self._tracking(ref)}")
        if ref.startswith("refs/heads/") or not (is_commit or ref.startswith("refs/")):
            name = ref.removeprefix("refs/heads/")
            self("checkout", "--quiet", "--force", "-B", name, f"refs/remotes/origin/{name}")
        else:
            self("checkout", "--quiet", "--force", "--detach", event_sha if not wanted else (
                ref if is_commit else self._tracking(ref)
            ))  # fmt: skip
        return ref

    def _full(self, ref: str) -> str:
        return ref if ref.startswith("refs/") else f"refs/heads/{ref}"

    def _tracking(self, ref: str) -> str:
        """Return where the action keeps a ref: refs/remotes/pull/N/merge for a pull request."""
        for kind in ("refs/heads/", "refs/pull/", "refs/tags/"):
            if ref.startswith(kind):
                name = ref.removeprefix(kind)
                return {
                    "refs/heads/": f"refs/remotes/origin/{name}",
                    "refs/pull/": f"refs/remotes/pull/{name}",
                    "refs/tags/": ref,
                }[kind]
        return f"refs/remotes/origin/{ref}"


def setup_python(call: Call) -> Outputs:
    """actions/setup-python: puts the tests' own interpreter on PATH, whatever the version."""
    given = call.take(python_version="3", check_latest="false", cache="", architecture="x64")
    if given["cache"]:
        raise NotImplementedError("setup-python: cache")
    folder = python_folder(call.machine.folders)
    call.machine.path.insert(0, str(folder))
    return {"python-version": given["python-version"], "python-path": str(folder / "python")}


def upload_artifact(call: Call) -> Outputs:
    """actions/upload-artifact: hidden files stay out unless asked for."""
    given = call.take(
        name="artifact", path="", if_no_files_found="warn", retention_days="0",
        compression_level="6", overwrite="false", include_hidden_files="false",
    )  # fmt: skip
    patterns = [line.strip() for line in given["path"].splitlines() if line.strip()]
    if not patterns:
        raise ActionError("Input required and not supplied: path")
    hidden = given["include-hidden-files"] == "true"
    files = chosen(call.workspace, patterns, hidden=hidden)
    if not files:
        message = f"No files were found with the provided path: {given['path']}. "
        if given["if-no-files-found"] == "error":
            raise ActionError(message)
        if given["if-no-files-found"] == "warn":
            call.warn(message)
        return {}
    world, run = call.machine.run.settings.site.host.world, call.machine.run
    mine = [a for a in world.artifacts if a.run.id == run.id and a.name == given["name"]]
    if mine and given["overwrite"] != "true":
        raise ActionError("Failed to CreateArtifact: (409) Conflict: an artifact with this name "
                          "already exists on the workflow run")  # fmt: skip
    for artifact in mine:
        world.artifacts.remove(artifact)
    root = common_folder(call.workspace, patterns, files)
    content = {str(path.relative_to(root)): path.read_bytes() for path in files}
    kept = world.keep(world.runs[run.id], given["name"], content)
    url = f"{call.machine.github['server_url']}/artifacts/{kept.id}"
    digest = kept.digest.removeprefix("sha256:")
    return {"artifact-id": str(kept.id), "artifact-url": url, "artifact-digest": digest}


def download_artifact(call: Call) -> Outputs:
    """actions/download-artifact: of this run by itself, of another one with a token."""
    given = call.take(
        name="", path="", github_token="", run_id="", repository="", pattern="",
        merge_multiple="false", artifact_ids="",
    )  # fmt: skip
    if not given["name"] or given["pattern"] or given["artifact-ids"]:
        raise NotImplementedError("download-artifact: other than by one name")
    folder = call.workspace / (given["path"] or ".")
    content = _from_api(call, given) if given["github-token"] else _own(call, given["name"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return {"download-path": str(folder)}


def _own(call: Call, name: str) -> bytes:
    world, run = call.machine.run.settings.site.host.world, call.machine.run
    for artifact in reversed(world.artifacts):
        if artifact.run.id == run.id and artifact.name == name:
            return artifact.content
    raise ActionError(f"Unable to download artifact(s): Artifact not found for name: {name}")


def _from_api(call: Call, given: Mapping[str, str]) -> bytes:
    """Fetch through the API, with the permissions of the given token."""
    github = call.machine.github
    base = f"{github['api_url']}/repos/{given['repository'] or github['repository']}/actions"
    token = {"Authorization": f"Bearer {given['github-token']}"}
    run = given["run-id"] or github["run_id"]
    query = urlencode({"name": given["name"]})
    listed = ask("GET", f"{base}/runs/{run}/artifacts?{query}", **token)
    if listed.status != 200 or not listed.json["artifacts"]:
        raise ActionError(f"Unable to download artifact(s): {listed.status} {given['name']}")
    newest = max(listed.json["artifacts"], key=lambda each: int(each["id"]))
    sent = ask("GET", newest["archive_download_url"], **token)
    if sent.status != 302:
        raise ActionError(f"Unable to download artifact(s): {sent.status}")
    return ask("GET", sent.headers["location"]).body


def attest(call: Call) -> Outputs:
    """actions/attest and actions/attest-build-provenance: note the digests of the subjects."""
    given = call.take(
        subject_path="", subject_digest="", subject_name="", predicate_type="", predicate="",
        predicate_path="", push_to_registry="false", show_summary="true", github_token="",
    )  # fmt: skip
    missing = {"id-token", "attestations"} - {
        name for name, level in call.machine.record.permissions.items() if level == "write"
    }
    if missing:
        raise ActionError(f"Failed to get ID token: the job lacks {sorted(missing)}: write")
    patterns = [part.strip() for part in given["subject-path"].replace(",", "\n").splitlines()]
    files = chosen(call.workspace, [part for part in patterns if part], hidden=True)
    if not files:
        raise ActionError("Could not find subject at path " + given["subject-path"])
    for path in files:
        digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        call.machine.record.attested.append({"name": path.name, "digest": digest})
    return {"attestation-id": str(len(call.machine.record.attested))}


KNOWN: dict[str, Callable[[Call], Outputs]] = {
    "actions/checkout": checkout,
    "actions/setup-python": setup_python,
    "actions/upload-artifact": upload_artifact,
    "actions/download-artifact": download_artifact,
    "actions/attest": attest,
    "actions/attest-build-provenance": attest,
}
