"""The emulated actions do what their originals do."""

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from codehost.exchange import Asked, Refused
from runner.globs import chosen, common_folder
from runner.machine import Runner
from runner.records import JobRecord, RunRecord
from runner.setting import Settings
from runner.site import Event, Site

Go = Callable[..., RunRecord]
CHECKOUT = """\
jobs:
  a:
    runs-on: x
    permissions: {{contents: {level}}}
    steps:
      - {{id: out, uses: actions/checkout@v7, with: {{path: here{given}}}}}
      - id: look
        working-directory: here
        run: |
          git rev-parse HEAD
          git rev-parse --abbrev-ref HEAD
          git rev-list --count HEAD
          git for-each-ref --format='%(refname)'
      - {{id: push, working-directory: here, run: git push -q origin HEAD:refs/heads/journal}}
"""


def start_of(name: str) -> Callable[[Site], Event]:
    return {
        "pull_request": lambda site: site.open_pull("ada", "x", {"policies/a.yaml": "x"}),
        "push": lambda site: site.push_to_main("ada", {"policies/a.yaml": "y"}),
        "dispatch": lambda site: site.dispatch("ada"),
    }[name]


def look(go: Go, event: str, given: str = "", level: str = "read") -> tuple[JobRecord, list[str]]:
    text = CHECKOUT.format(level=level, given=given and f", {given}")
    job = go(text, start_of(event)).job("a")
    return job, job.step("look").stdout.splitlines()


def test_a_pull_request_is_checked_out_as_its_trial_merge_without_a_branch(
    go: Go, site: Site
) -> None:
    job, (commit, branch, count, *refs) = look(go, "pull_request")
    assert commit == site.origin.git("rev-parse", "refs/pull/1/merge")
    assert (branch, count) == ("HEAD", "1")
    assert refs == ["refs/remotes/pull/1/merge"]
    assert job.step("out").outputs["commit"] == commit


def test_a_push_is_checked_out_as_its_branch(go: Go, site: Site) -> None:
    _, (commit, branch, count, *refs) = look(go, "push")
    assert (commit, branch, count) == (site.head, "main", "1")
    assert refs == ["refs/heads/main", "refs/remotes/origin/main"]


def test_all_history_is_fetched_on_request(go: Go, site: Site) -> None:
    site.origin.commit("other", {"x": "y"}, parent=site.head)
    _, (_, branch, count, *refs) = look(go, "pull_request", "fetch-depth: 0")
    assert (branch, count) == ("HEAD", "4")
    assert {"refs/remotes/origin/main", "refs/remotes/origin/other"} < set(refs)
    assert "refs/remotes/pull/1/merge" in refs


def test_an_event_is_checked_out_as_it_was_even_when_the_branch_has_moved_on(
    go: Go, site: Site
) -> None:
    def late(site: Site) -> Event:
        event = site.push_to_main("ada", {"policies/a.yaml": "y"})
        site.push_to_main("noor", {"policies/a.yaml": "z"})
        return event

    for given in ("", ", fetch-depth: 0"):
        job = go(CHECKOUT.format(level="read", given=given), late).job("a")
        commit = job.step("look").stdout.splitlines()[0]
        assert commit == site.origin.git("rev-parse", f"{site.head}~1")


def test_a_commit_or_a_branch_can_be_named(go: Go, site: Site) -> None:
    first = site.head
    _, (commit, branch, *_) = look(go, "pull_request", f"ref: {first}")
    assert (commit, branch) == (first, "HEAD")
    _, (commit, branch, *_) = look(go, "dispatch", "ref: main")
    assert (commit, branch) == (site.head, "main")
    _, (commit, *_) = look(go, "dispatch", f"ref: {first}, fetch-depth: 0")
    assert commit == first


@pytest.mark.parametrize(
    ("given", "level", "pushed"),
    [
        ("", "write", True),
        ("", "read", False),
        ("persist-credentials: false", "write", False),
    ],
)
def test_a_push_needs_the_credentials_and_the_permission(
    go: Go, site: Site, given: str, level: str, pushed: bool
) -> None:
    job, _ = look(go, "push", given, level)
    assert (job.step("push").outcome == "success") is pushed, job.step("push").stderr
    assert (site.origin.resolve("journal") == site.head) is pushed
    basic = next(each for each in job.masks if each.startswith("eC1hY2"))
    assert base64.b64decode(basic).startswith(b"x-access-token:ghs_")


def test_a_protected_branch_takes_no_push(go: Go, site: Site) -> None:
    site.origin.protect("journal")
    job, _ = look(go, "push", "", "write")
    assert job.step("push").outcome == "failure"
    assert "protected branch" in job.step("push").stderr


def test_a_checkout_stays_in_the_workspace_and_needs_to_read(go: Go) -> None:
    job = go("""\
        jobs:
          a:
            runs-on: x
            steps: [{id: s, uses: actions/checkout@v7, with: {path: ../outside}}]
          b:
            runs-on: x
            permissions: {}
            steps: [{id: s, uses: actions/checkout@v7}]
        """)
    assert "is not under" in job.job("a").step("s").error
    assert "403" in job.job("b").step("s").error


@pytest.mark.parametrize(
    "uses",
    ["actions/checkout@v7, with: {submodules: true}", "actions/checkout@v7, with: {ssh-key: x}",
     "actions/setup-python@v7, with: {cache: pip}", "actions/download-artifact@v8"],
)  # fmt: skip
def test_what_is_not_emulated_is_an_error_of_the_test(go: Go, uses: str) -> None:
    with pytest.raises(NotImplementedError):
        go(f"jobs: {{a: {{runs-on: x, steps: [{{uses: {uses}}}]}}}}")


def test_the_repository_is_served_to_who_may_read_it(site: Site) -> None:
    def asks(url: str, secret: str = "") -> bool:
        basic = base64.b64encode(f"x:{secret}".encode()).decode()
        header = ["-c", f"http.extraheader=Authorization: basic {basic}"] if secret else []
        env = {"PATH": "/usr/bin:/bin", "GIT_SSL_CAINFO": str(site.host.web.trusted),
               "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null"}  # fmt: skip
        command = ["git", *header, "ls-remote", url]
        return subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0

    world, url = site.host.world, f"{site.host.web.url}/acme/access"
    assert asks(url, world.actions_token({"contents": "read"}))
    assert asks(f"{url}.git", world.actions_token({"contents": "write"}))
    assert not asks(url, world.actions_token({"issues": "write"}))
    assert not asks(url, "wrong")
    with pytest.raises(Refused):
        site.host.web.refs(
            Asked(1, "GET", "/x", {"authorization": "Basic %"}, b""), "acme", "access"
        )
    assert not asks(url)
    assert not asks(f"{site.host.web.url}/acme/other", world.actions_token({"contents": "read"}))
    world.is_private = False
    assert asks(url)


def test_python_is_that_of_the_tests(go: Go) -> None:
    job = go("""\
        jobs:
          a:
            runs-on: x
            steps:
              - {uses: actions/setup-python@v7, with: {python-version: "3.13"}}
              - {uses: actions/setup-python@v7}
              - {id: s, run: "python -c 'import sys; print(sys.version)'"}
        """).job("a")
    assert job.step("s").stdout.strip() == sys.version, job.step("s")
    assert job.step("s").outcome == "success", job.step("s").stderr


KEEP = """\
jobs:
  a:
    runs-on: x
    steps:
      - run: |
          mkdir -p out/deep out/.git .dot
          touch out/a out/deep/b out/.hidden out/.git/c .dot/d
      - {{id: keep, uses: actions/upload-artifact@v7, with: {{name: n, {given}}}}}
  b:
    needs: a
    runs-on: x
    steps:
      - {{id: get, uses: actions/download-artifact@v8, with: {{name: n, path: got}}}}
      - {{id: look, working-directory: got, run: find . -type f | sort}}
"""


@pytest.mark.parametrize(
    ("given", "files"),
    [
        ("path: out", ["./a", "./deep/b"]),
        ("path: out/, include-hidden-files: true", ["./.git/c", "./.hidden", "./a", "./deep/b"]),
        ("path: '${{ github.workspace }}/out/a'", ["./a"]),
        ('path: "out/**\\n!out/deep"', ["./a"]),
        ('path: "out/a\\n.dot/d"', ["./.dot/d", "./out/a"]),
        ("path: out/.hidden, include-hidden-files: true", ["./.hidden"]),
    ],
)
def test_a_job_keeps_these_files_for_another(go: Go, given: str, files: list[str]) -> None:
    record = go(KEEP.replace("{{", "{").replace("}}", "}").replace("{given}", given)
                if "${" not in given else KEEP.format(given=given))  # fmt: skip
    assert record.job("b").step("look").stdout.split() == files, record.told


@pytest.mark.parametrize(
    ("more", "outcome", "warnings"),
    [("", "success", 1), (", if-no-files-found: ignore", "success", 0),
     (", if-no-files-found: error", "failure", 0)],
)  # fmt: skip
@pytest.mark.parametrize("path", ["nothing", ".dot", "out/.hidden"])
def test_nothing_to_keep_is_a_warning_unless_told(
    go: Go, more: str, outcome: str, warnings: int, path: str
) -> None:
    job = go(KEEP.format(given=f"path: {path}{more}")).job("a")
    assert job.step("keep").outcome == outcome
    assert [a.level for a in job.annotations] == ["warning"] * warnings


def test_a_name_is_kept_once_unless_overwritten(go: Go, site: Site) -> None:
    record = go("""\
        jobs:
          a:
            runs-on: x
            steps:
              - run: touch a b
              - {uses: actions/upload-artifact@v7, with: {path: a}}
              - {id: over, uses: actions/upload-artifact@v7, with: {path: b, overwrite: true}}
              - {id: again, uses: actions/upload-artifact@v7, with: {path: a}}
              - {id: nothing, if: always(), uses: actions/upload-artifact@v7}
        """)
    job = record.job("a")
    assert job.step("over").outcome == "success"
    assert "409" in job.step("again").error
    assert "not supplied: path" in job.step("nothing").error
    (kept,) = site.host.world.artifacts
    assert job.step("over").outputs["artifact-id"] == str(kept.id)
    assert b"b" in kept.content


def test_what_another_run_kept_needs_a_token_that_may_read_it(site: Site, tmp_path: Path) -> None:
    text = """\
on: [push, workflow_dispatch]
jobs:
  a:
    runs-on: x
    permissions: {actions: %s}
    steps:
      - id: get
        uses: actions/download-artifact@v8
        with: {name: n, path: got, run-id: "${{ inputs.run }}", github-token: "${{ github.token }}"}
      - {id: look, run: cat got/x}
"""
    run = site.host.world.run("push", "main", site.head)
    site.host.world.keep(run, "n", {"x": b"old"})
    site.host.world.keep(run, "n", {"x": b"kept"})
    for level, outcome in (("read", "success"), ("none", "failure")):
        site.origin.commit("main", {".github/workflows/w.yml": text % level})
        event = site.dispatch("ada", {"run": str(run.id)})
        record = Runner(Settings(site, tmp_path / level)).run(".github/workflows/w.yml", event)
        assert record.job("a").step("get").outcome == outcome, record.told
        if level == "read":
            assert record.job("a").step("look").stdout == "kept"
    gone = site.dispatch("ada", {"run": "1"})
    record = Runner(Settings(site, tmp_path / "gone")).run(".github/workflows/w.yml", gone)
    assert record.job("a").step("get").outcome == "failure"


def test_what_this_run_did_not_keep_cannot_be_fetched(go: Go) -> None:
    job = go("jobs: {a: {runs-on: x, steps: [{id: s, uses: actions/download-artifact@v8, "
             "with: {name: n}}]}}").job("a")  # fmt: skip
    assert "not found for name: n" in job.step("s").error


@pytest.mark.parametrize(
    ("permissions", "path", "said"),
    [
        ("{id-token: write, attestations: write}", "x", ""),
        ("{id-token: write}", "x", "attestations"),
        ("{id-token: write, attestations: write}", "y", "Could not find subject"),
    ],
)
def test_an_attestation_needs_its_permissions_and_a_file(
    go: Go, permissions: str, path: str, said: str
) -> None:
    job = go(f"""\
        jobs:
          a:
            runs-on: x
            permissions: {permissions}
            steps:
              - run: printf plan > x
              - {{id: s, uses: actions/attest@v4, with: {{subject-path: "{path}"}}}}
        """).job("a")
    assert said in job.step("s").error
    assert (job.step("s").outcome == "success") is (not said)
    assert [each["name"] for each in job.attested] == ([] if said else ["x"])


def test_a_star_and_a_list_choose_files(tmp_path: Path) -> None:
    for name in ("a/x.txt", "a/y.md", "b/z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = chosen(tmp_path, ["a/*.txt", "b"], hidden=False)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a/x.txt", "b/z.txt"]
    assert common_folder(tmp_path, ["a/*.txt", "b"], found) == tmp_path
