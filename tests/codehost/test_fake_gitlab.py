"""Facts of GitLab's API that the host of the tests keeps."""

import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from codehost import gitlab
from codehost.client import Answer, ask
from codehost.gitlab import GitLab
from codehost.gitlab_world import GUEST, MAINTAINER, Item

HEAD, BASE, SQUASH, MERGE = "a" * 40, "b" * 40, "c" * 40, "d" * 40


def request_of(lab: GitLab) -> Item:
    return lab.world.open_request("ada", "More for Bo", HEAD, "more", BASE)


class Caller:
    """Asks as whoever holds a token."""

    def __init__(self, lab: GitLab, token: str) -> None:
        self.lab = lab
        self.token = token

    def __call__(self, method: str, path: str, content: Any = None) -> Answer:
        url = f"{self.lab.api}/projects/{self.lab.world.id}{path}"
        return ask(method, url, content, PRIVATE_TOKEN=self.token)


@pytest.fixture
def bot(lab: GitLab) -> Caller:
    return Caller(lab, lab.world.project_token())


def test_a_token_tells_whose_it_is(lab: GitLab, bot: Caller) -> None:
    found = ask("GET", f"{lab.api}/user", PRIVATE_TOKEN=bot.token).json
    assert (found["bot"], found["username"][:16]) == (True, "project_4711_bot")
    bearer = ask("GET", f"{lab.api}/user", Authorization=f"Bearer {bot.token}")
    assert bearer.json["id"] == found["id"]
    assert ask("GET", f"{lab.api}/user").status == 401
    assert ask("GET", f"{lab.api}/user", PRIVATE_TOKEN=bot.token[:-1]).status == 401


def test_the_newest_note_comes_first_and_system_notes_are_among_them(
    lab: GitLab, bot: Caller
) -> None:
    item = request_of(lab)
    lab.world.note(item, "eve", "hers")
    lab.world.push(item.iid, SQUASH)
    made = bot("POST", "/merge_requests/1/notes", {"body": "ours"})
    assert (made.status, made.json["noteable_type"]) == (201, "MergeRequest")
    listed = bot("GET", "/merge_requests/1/notes").json
    assert [(each["body"], each["system"]) for each in listed] == [
        ("ours", False),
        ("added 1 commit", True),
        ("hers", False),
    ]
    oldest = bot("GET", "/merge_requests/1/notes?sort=asc&activity_filter=only_comments").json
    assert [each["body"] for each in oldest] == ["hers", "ours"]


def test_a_note_of_somebody_else_is_for_maintainers(lab: GitLab, bot: Caller) -> None:
    item = request_of(lab)
    hers = lab.world.note(item, "eve", "hers")
    path = f"/merge_requests/1/notes/{hers.id}"
    assert bot("PUT", path, {"body": "ours"}).status == 403
    maintainer = Caller(lab, lab.world.project_token(role=MAINTAINER))
    assert maintainer("PUT", path, {"body": "ours"}).status == 200
    assert (hers.body, len(hers.edited_by)) == ("ours", 1)
    assert bot("PUT", "/merge_requests/1/notes/1", {"body": "x"}).status == 404


def test_order_by_the_last_change(lab: GitLab, bot: Caller) -> None:
    item = request_of(lab)
    first = lab.world.note(item, "eve", "1")
    lab.world.note(item, "eve", "2")
    first.updated += timedelta(hours=1)
    listed = bot("GET", "/merge_requests/1/notes?order_by=updated_at&sort=asc").json
    assert [each["body"] for each in listed] == ["2", "1"]


@pytest.mark.parametrize(
    ("body", "status"), [("é" * 1_000_000, 201), ("é" * 1_000_001, 400), (" ", 400), (None, 400)]
)
def test_a_note_has_a_million_characters_at_most(
    lab: GitLab, bot: Caller, body: Any, status: int
) -> None:
    request_of(lab)
    assert bot("POST", "/merge_requests/1/notes", {"body": body}).status == status


def test_a_line_can_be_a_command(lab: GitLab, bot: Caller) -> None:
    request_of(lab)
    fenced = "text\n```text\n/merge\n````\n\n/Acme/Berlin"
    assert bot("POST", "/merge_requests/1/notes", {"body": fenced}).json["body"] == fenced
    assert lab.world.commands == []
    obeyed = bot("POST", "/merge_requests/1/notes", {"body": "text\n/merge\n"})
    assert (obeyed.status, obeyed.json["body"]) == (201, "text")
    assert bot("POST", "/merge_requests/1/notes", {"body": "/close"}).status == 202
    assert lab.world.commands == [(1, "/merge"), (1, "/close")]


def links(found: Answer) -> dict[str, str]:
    text = found.headers.get("link", "")
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', text)}


def test_pages_are_of_20_and_of_100_at_most(lab: GitLab, bot: Caller) -> None:
    item = request_of(lab)
    for index in range(205):
        lab.world.note(item, "eve", str(index))
    first = bot("GET", "/merge_requests/1/notes")
    assert (len(first.json), first.headers["x-total-pages"]) == (20, "11")
    page, seen, found = "1", [], first
    while page:
        found = bot("GET", f"/merge_requests/1/notes?per_page=999&page={page}")
        seen.append(len(found.json))
        page = found.headers["x-next-page"]
    assert seen == [100, 100, 5]
    assert links(found)["prev"].endswith("page=2")
    assert bot("GET", "/merge_requests/1/notes?pagination=keyset").status == 405


def test_more_than_ten_thousand_are_not_counted(lab: GitLab, bot: Caller) -> None:
    item = request_of(lab)
    item.notes = [lab.world.note(item, "eve", "x")] * 10_001
    found = bot("GET", "/merge_requests/1/notes")
    assert "x-total" not in found.headers
    assert found.headers["x-next-page"] == "2"


def test_with_a_keyset_only_the_link_leads_on(lab: GitLab, bot: Caller) -> None:
    for index in range(3):
        lab.world.open_issue("ada", str(index))
    found = bot("GET", "/issues?pagination=keyset&per_page=2&sort=asc")
    assert "x-next-page" not in found.headers
    more = ask("GET", links(found)["next"], PRIVATE_TOKEN=bot.token)
    titles = [each["title"] for each in found.json + more.json]
    assert titles == ["0", "1", "2"]
    assert links(more) == {}


def test_labels_are_a_field_of_the_merge_request(lab: GitLab, bot: Caller) -> None:
    request_of(lab).labels.append("old")
    sent = {"add_labels": "access::grants,bug", "remove_labels": "old,absent"}
    assert bot("PUT", "/merge_requests/1", sent).json["labels"] == ["access::grants", "bug"]
    assert bot("PUT", "/merge_requests/1", {"labels": ["one"]}).json["labels"] == ["one"]
    assert bot("PUT", "/merge_requests/1", {}).status == 400
    assert bot("PUT", "/merge_requests/9", sent).status == 404


def test_an_issue_is_opened_closed_and_opened_again(bot: Caller) -> None:
    made = bot("POST", "/issues", {"title": "Drift", "description": "3", "labels": "drift"})
    assert (made.status, made.json["labels"]) == (201, ["drift"])
    shut = bot("PUT", "/issues/1", {"state_event": "close", "title": "No drift"}).json
    assert (shut["state"], shut["title"]) == ("closed", "No drift")
    assert [e["iid"] for e in bot("GET", "/issues?labels=drift").json] == [1]
    assert bot("GET", "/issues?labels=drift&state=opened").json == []
    assert bot("PUT", "/issues/1", {"state_event": "reopen"}).json["state"] == "opened"
    assert bot("PUT", "/issues/1", {"description": "4\n/close"}).json["description"] == "4"
    assert bot("PUT", "/issues/1", {"state_event": "open"}).status == 400
    assert bot("POST", "/issues", {"title": ""}).status == 400
    assert bot("PUT", "/issues/1", {"title": "x" * 256}).status == 400
    assert bot("PUT", "/issues/1", {"description": "x" * 1_048_577}).status == 400
    assert bot("POST", "/issues/1/notes", {"body": "x"}).json["noteable_type"] == "Issue"
    assert bot("GET", "/issues/1").json["iid"] == 1
    assert bot("GET", "/issues/2").status == 404


@pytest.mark.parametrize(
    ("scope", "role", "said"),
    [("read_api", MAINTAINER, "insufficient_scope"), ("api", GUEST, "403 Forbidden")],
)
def test_who_may_only_read_is_told_so(lab: GitLab, scope: str, role: int, said: str) -> None:
    request_of(lab)
    reader = Caller(lab, lab.world.project_token(scope, role))
    assert reader("GET", "/merge_requests/1/notes").status == 200
    refused = reader("POST", "/merge_requests/1/notes", {"body": "x"})
    assert refused.status == 403
    assert said in refused.body.decode()
    assert reader("PUT", "/merge_requests/1", {"add_labels": "x"}).status == 403


def test_a_project_has_a_number_and_a_path_and_strangers_see_neither(
    lab: GitLab, bot: Caller
) -> None:
    for name in ("4711", "acme%2Faccess"):
        url = f"{lab.api}/projects/{name}"
        assert ask("GET", url, PRIVATE_TOKEN=bot.token).json["id"] == 4711
        assert ask("GET", url).status == 404
    other = f"{lab.api}/projects/1"
    assert ask("GET", other, PRIVATE_TOKEN=bot.token).json["message"] == "404 Project Not Found"
    lab.world.is_private = False
    request_of(lab)
    url = f"{lab.api}/projects/4711/merge_requests/1/notes"
    assert [ask("GET", url).status, ask("POST", url, {"body": "x"}).status] == [200, 401]


@pytest.mark.parametrize("way", ["merge", "squash", "both", "fast forward"])
def test_a_merged_request_is_found_by_what_landed(lab: GitLab, bot: Caller, way: str) -> None:
    item = request_of(lab)
    merge = MERGE if way in {"merge", "both"} else None
    squash = SQUASH if way in {"squash", "both"} else None
    lab.world.merge(item.iid, "noor", merge=merge, squash=squash)
    commit = merge or squash or HEAD
    (found,) = bot("GET", f"/repository/commits/{commit}/merge_requests").json
    assert (found["state"], found["merge_user"]["username"]) == ("merged", "noor")
    assert (found["merge_commit_sha"], found["squash_commit_sha"]) == (merge, squash)
    assert (found["sha"], found["diff_refs"]["base_sha"]) == (HEAD, BASE)


def test_a_commit_belongs_also_to_what_is_only_proposed(lab: GitLab, bot: Caller) -> None:
    request_of(lab)
    (found,) = bot("GET", f"/repository/commits/{HEAD}/merge_requests").json
    assert (found["state"], found["merge_user"]) == ("opened", None)
    assert bot("GET", f"/repository/commits/{MERGE}/merge_requests").status == 404
    lab.world.commits.add(MERGE)
    assert bot("GET", f"/repository/commits/{MERGE}/merge_requests").json == []


def test_an_approval_names_no_commit_and_falls_with_a_push(lab: GitLab, bot: Caller) -> None:
    item = lab.world.open_request("ada", "x", HEAD, "x", BASE, files=("policies/a.yaml",))
    lab.world.approve(item.iid, "noor")
    (approval,) = bot("GET", "/merge_requests/1/approvals").json["approved_by"]
    assert approval["user"]["username"] == "noor"
    assert set(approval) == {"user", "approved_at"}
    lab.says_when = False
    (approval,) = bot("GET", "/merge_requests/1/approvals").json["approved_by"]
    assert set(approval) == {"user"}
    lab.world.push(item.iid, SQUASH, resets_approvals=False)
    assert len(bot("GET", "/merge_requests/1/approvals").json["approved_by"]) == 1
    lab.world.push(item.iid, MERGE)
    assert bot("GET", "/merge_requests/1/approvals").json["approved_by"] == []
    assert bot("GET", "/merge_requests/1").json["sha"] == MERGE
    commits = bot("GET", "/merge_requests/1/commits").json
    assert [each["id"] for each in commits] == [MERGE, SQUASH, HEAD]
    assert bot("GET", "/merge_requests/1/diffs").json[0]["new_path"] == "policies/a.yaml"


def test_what_a_job_kept_is_fetched_here_or_elsewhere(lab: GitLab, bot: Caller) -> None:
    job = lab.world.job("plan", "main", BASE, {"plan.json": b"{}"})
    direct = bot("GET", f"/jobs/{job.id}/artifacts")
    assert direct.status == 200
    lab.sends_elsewhere = True
    sent = bot("GET", f"/jobs/{job.id}/artifacts")
    url = sent.headers["location"]
    assert (sent.status, url.startswith(lab.url)) == (302, False)
    assert ask("GET", url, PRIVATE_TOKEN=bot.token).status == 400
    assert ask("GET", url.partition("?")[0]).status == 403
    assert ask("GET", url).body == direct.body
    with zipfile.ZipFile(io.BytesIO(direct.body)) as archive:
        assert archive.read("plan.json") == b"{}"


def test_a_jobs_own_token_fetches_artifacts_and_writes_no_note(lab: GitLab, bot: Caller) -> None:
    request_of(lab)
    job = lab.world.job("plan", "main", BASE, {"a": b""})
    url = f"{lab.api}/projects/4711"
    assert ask("GET", f"{url}/jobs/{job.id}/artifacts", JOB_TOKEN=bot.token).status == 200
    refused = ask("POST", f"{url}/merge_requests/1/notes", {"body": "x"}, JOB_TOKEN=bot.token)
    assert refused.status == 401


def test_the_newest_of_a_branch_is_not_that_of_a_merge_request(lab: GitLab, bot: Caller) -> None:
    kept = lab.world.job("drift", "main", BASE, {"a": b"1"}, pipeline=1)
    lab.world.job("drift", "main", BASE, pipeline=2)
    lab.world.job("drift", "main", BASE, {"a": b"2"}).status = "failed"
    ref = "refs/merge-requests/1/head"
    asked = lab.world.job("drift", ref, HEAD, {"a": b"3"}, source="merge_request_event")
    found = bot("GET", "/jobs/artifacts/main/download?job=drift")
    assert found.body == kept.archive
    assert bot("GET", "/jobs/artifacts/main/download?job=plan").status == 404
    listed = bot("GET", "/jobs?scope[]=success").json
    assert [each["ref"] for each in listed] == [ref, "main", "main"]
    assert [each["artifacts_file"] is None for each in listed] == [False, True, False]
    assert bot("GET", f"/jobs/{asked.id}").json["pipeline"]["source"] == "merge_request_event"
    assert bot("GET", "/jobs/1").status == 404
    assert bot("GET", f"/jobs/{list(lab.world.jobs)[1]}/artifacts").status == 404
    pushed = bot("GET", "/pipelines?ref=main&status=success&source=push").json
    assert [each["id"] for each in pushed] == [2, 1]
    assert [each["id"] for each in bot("GET", "/pipelines/1/jobs").json] == [kept.id]
    assert bot("GET", "/pipelines/3/jobs").status == 404


def test_asking_too_fast_is_429_with_a_time_to_wait(lab: GitLab, bot: Caller) -> None:
    request_of(lab)
    lab.fail(gitlab.too_many("7"))
    refused = bot("GET", "/merge_requests/1/notes")
    assert (refused.status, refused.headers["retry-after"]) == (429, "7")
    assert bot("GET", "/merge_requests/1/notes").status == 200


def test_below_another_prefix_is_nothing(lab: GitLab) -> None:
    assert ask("GET", f"{lab.url}/api/v3/user").status == 404
    assert lab.errors == ["not below /api/v4: /api/v3/user"]
    lab.errors.clear()


def test_a_pipeline_ends_with_its_last_job(lab: GitLab, bot: Caller) -> None:
    lab.world.job("plan", "main", BASE, pipeline=7)
    last = lab.world.job("publish", "main", BASE, pipeline=7)
    last.status = "running"
    going = bot("GET", "/pipelines/7").json
    last.status, last.finished = "failed", lab.now + timedelta(minutes=1)
    ended = bot("GET", "/pipelines/7").json

    assert (going["status"], going["finished_at"]) == ("running", None)
    assert (ended["status"], ended["source"], ended["sha"]) == ("failed", "push", BASE)
    assert ended["finished_at"] > ended["created_at"]
    assert bot("GET", "/pipelines/8").status == 404


def test_a_commit_names_its_parents(lab: GitLab, bot: Caller) -> None:
    lab.world.parents[MERGE] = [BASE, HEAD]
    assert bot("GET", f"/repository/commits/{MERGE}").json["parent_ids"] == [BASE, HEAD]
    assert bot("GET", f"/repository/commits/{SQUASH}").status == 404
