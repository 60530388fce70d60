"""Facts of GitHub's API that the host of the tests keeps."""

import contextlib
import hashlib
import io
import re
import zipfile
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pytest
from codehost import github
from codehost.client import Answer, ask
from codehost.exchange import CUT, HANG, LOST, RESET, answer
from codehost.github import GitHub, secondary_limit
from codehost.github_world import Item

HEAD, BASE, SQUASH = "a" * 40, "b" * 40, "c" * 40


def pull_of(hub: GitHub) -> Item:
    return hub.world.open_pull("ada", "More for Bo", HEAD, "more", BASE)


class Caller:
    """Asks as whoever holds a token."""

    def __init__(self, hub: GitHub, token: str) -> None:
        self.hub = hub
        self.token = token

    def __call__(self, method: str, path: str, content: Any = None) -> Answer:
        url = path if path.startswith("http") else f"{self.hub.api}/repos/acme/access{path}"
        return ask(method, url, content, Authorization=f"Bearer {self.token}")


@pytest.fixture
def bot(hub: GitHub) -> Caller:
    return Caller(hub, hub.world.actions_token({"pull-requests": "write", "actions": "read"}))


def test_a_comment_of_a_job_is_the_bots_and_is_listed_after_the_others(
    hub: GitHub, bot: Caller
) -> None:
    number = pull_of(hub).number
    hub.world.comment(number, "eve", "first")
    made = bot("POST", f"/issues/{number}/comments", {"body": "second"})
    assert made.status == 201
    assert made.json["user"]["login"] == "github-actions[bot]"
    assert made.json["user"]["type"] == "Bot"
    listed = bot("GET", f"/issues/{number}/comments").json
    assert [each["body"] for each in listed] == ["first", "second"]
    assert [bool(each["performed_via_github_app"]) for each in listed] == [False, True]


def test_another_app_is_another_bot(hub: GitHub) -> None:
    other = Caller(hub, hub.world.app_token("renovate[bot]", {"pull-requests": "write"}))
    made = other("POST", f"/issues/{pull_of(hub).number}/comments", {"body": "x"}).json
    assert (made["user"]["login"], made["user"]["type"]) == ("renovate[bot]", "Bot")
    assert made["performed_via_github_app"]["slug"] == "renovate"
    assert other("GET", f"{hub.api}/user").status == 403


def test_a_comment_is_changed_and_it_is_known_by_whom(hub: GitHub, bot: Caller) -> None:
    comment = hub.world.comment(pull_of(hub).number, "eve", "hers")
    assert bot("GET", f"/issues/comments/{comment.id}").json["body"] == "hers"
    assert bot("PATCH", f"/issues/comments/{comment.id}", {"body": "ours"}).status == 200
    assert (comment.body, comment.edited_by) == ("ours", ["github-actions[bot]"])
    assert bot("DELETE", f"/issues/comments/{comment.id}").status == 204
    assert bot("PATCH", f"/issues/comments/{comment.id}", {"body": "ours"}).status == 404


@pytest.mark.parametrize(("size", "status"), [(65_536, 201), (65_537, 422)])
def test_a_comment_has_65536_characters_at_most(
    hub: GitHub, bot: Caller, size: int, status: int
) -> None:
    path = f"/issues/{pull_of(hub).number}/comments"
    found = bot("POST", path, {"body": "é" * size})
    assert found.status == status
    if status == 422:
        assert found.json["message"] == "Validation Failed"
        assert found.json["errors"][0]["message"] == (
            "Body is too long (maximum is 65536 characters)"
        )


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_refused(hub: GitHub, bot: Caller, body: bytes) -> None:
    assert bot("POST", f"/issues/{pull_of(hub).number}/comments", body).status == 400


def test_an_empty_comment_is_refused(hub: GitHub, bot: Caller) -> None:
    assert bot("POST", f"/issues/{pull_of(hub).number}/comments", {"body": " "}).status == 422


def test_a_locked_conversation_takes_no_comment(hub: GitHub, bot: Caller) -> None:
    item = pull_of(hub)
    item.is_locked = True
    assert bot("POST", f"/issues/{item.number}/comments", {"body": "x"}).status == 403


def links(found: Answer) -> dict[str, str]:
    text = found.headers.get("link", "")
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', text)}


def test_pages_are_of_30_and_of_100_at_most_and_link_by_the_repositorys_number(
    hub: GitHub, bot: Caller
) -> None:
    number = pull_of(hub).number
    for index in range(205):
        hub.world.comment(number, "eve", str(index))
    assert len(bot("GET", f"/issues/{number}/comments").json) == 30
    url, seen = f"{hub.api}/repos/acme/access/issues/{number}/comments?per_page=500", []
    while url:
        found = bot("GET", url)
        seen += [len(found.json)]
        url = links(found).get("next", "")
        assert not url or f"/repositories/{hub.world.id}/issues/" in url
    assert seen == [100, 100, 5]
    assert links(bot("GET", f"/issues/{number}/comments?page=7"))["prev"].endswith("page=6")
    assert bot("GET", f"/issues/{number}/comments?page=8").json == []


def test_a_forks_job_may_read_and_not_write(hub: GitHub) -> None:
    number = pull_of(hub).number
    fork = Caller(hub, hub.world.actions_token({"pull-requests": "read", "contents": "read"}))
    assert fork("GET", f"/issues/{number}/comments").status == 200
    for refused in (
        fork("POST", f"/issues/{number}/comments", {"body": "x"}),
        fork("POST", f"/issues/{number}/labels", {"labels": ["bug"]}),
        fork("POST", "/issues", {"title": "x"}),
    ):
        assert refused.status == 403
        assert refused.json["message"] == "Resource not accessible by integration"


def test_reading_a_private_repository_needs_the_permission_too(hub: GitHub) -> None:
    nothing = Caller(hub, hub.world.actions_token({"contents": "read"}))
    path = f"/issues/{pull_of(hub).number}/comments"
    assert nothing("GET", path).status == 403
    hub.world.is_private = False
    assert nothing("GET", path).status == 200
    assert ask("GET", f"{hub.api}/repos/acme/access{path}").status == 200
    assert ask("POST", f"{hub.api}/repos/acme/access{path}", {"body": "x"}).status == 401


def test_pull_request_permissions_do_not_reach_an_issue(hub: GitHub, bot: Caller) -> None:
    issue = hub.world.open_issue("ada", "Drift")
    assert bot("POST", f"/issues/{issue.number}/comments", {"body": "x"}).status == 403


def test_a_label_the_repository_does_not_know_needs_more(hub: GitHub, bot: Caller) -> None:
    path = f"/issues/{pull_of(hub).number}/labels"
    found = bot("POST", path, {"labels": ["access: grants"]})
    assert found.status == 403
    assert found.json["errors"] == [
        {"resource": "Repository", "field": "label", "code": "unauthorized"}
    ]
    assert bot("POST", path, {"labels": ["BUG"]}).json[0]["name"] == "bug"
    more = Caller(hub, hub.world.actions_token({"issues": "write"}))
    assert more("POST", path, {"labels": ["access: grants"]}).status == 200
    assert {each["name"] for each in bot("GET", path).json} == {"bug", "access: grants"}


def test_a_label_is_removed_whatever_its_case_and_once(hub: GitHub, bot: Caller) -> None:
    item = pull_of(hub)
    item.labels += ["access: grants", "bug"]
    path = f"/issues/{item.number}/labels/access%3A%20Grants"
    assert [each["name"] for each in bot("DELETE", path).json] == ["bug"]
    gone = bot("DELETE", path)
    assert (gone.status, gone.json["message"]) == (404, "Label does not exist")


@pytest.mark.parametrize("labels", [["x" * 51], [""], "bug", None])
def test_impossible_labels_are_refused(hub: GitHub, bot: Caller, labels: Any) -> None:
    found = bot("POST", f"/issues/{pull_of(hub).number}/labels", {"labels": labels})
    assert found.status == 422


def test_the_list_of_issues_holds_pull_requests_too_and_open_ones_only(
    hub: GitHub, bot: Caller
) -> None:
    old = hub.world.open_issue("ada", "Old", labels=("drift",))
    old.state = "closed"
    hub.now += timedelta(hours=1)
    pull_of(hub).labels.append("drift")
    hub.now += timedelta(hours=1)
    hub.world.open_issue("ada", "Another")
    listed = bot("GET", "/issues?labels=Drift&state=all").json
    assert [each["number"] for each in listed] == [2, 1]
    assert ["pull_request" in each for each in listed] == [True, False]
    assert [each["number"] for each in bot("GET", "/issues").json] == [3, 2]
    oldest = bot("GET", "/issues?state=all&direction=asc&sort=updated&creator=ada").json
    assert [each["number"] for each in oldest] == [1, 2, 3]


def test_an_issue_is_opened_closed_and_opened_again(hub: GitHub) -> None:
    desk = Caller(hub, hub.world.actions_token({"issues": "write"}))
    made = desk("POST", "/issues", {"title": "Drift", "body": "3", "labels": ["drift"]})
    number = made.json["number"]
    assert (made.status, hub.world.items[number].labels) == (201, ["drift"])
    closed = desk("PATCH", f"/issues/{number}", {"state": "closed", "title": "No drift"})
    assert (closed.json["state"], closed.json["state_reason"]) == ("closed", "completed")
    opened = desk("PATCH", f"/issues/{number}", {"state": "open", "body": "4", "labels": []})
    assert (opened.json["state"], opened.json["state_reason"]) == ("open", "reopened")
    assert desk("GET", f"/issues/{number}").json["body"] == "4"
    assert desk("PATCH", f"/issues/{number}", {"state": "shut"}).status == 422
    assert desk("POST", "/issues", {"title": ""}).status == 422
    assert desk("POST", "/issues", {"title": "x" * 256}).status == 201
    assert desk("PATCH", f"/issues/{number}", {"title": "x" * 257}).status == 422
    assert desk("GET", "/issues/99").status == 404


def test_a_merged_request_is_found_by_its_squash_and_without_who_merged_it(
    hub: GitHub, bot: Caller
) -> None:
    number = pull_of(hub).number
    assert [p["number"] for p in bot("GET", f"/commits/{HEAD}/pulls").json] == [number]
    hub.world.merge(number, "noor", SQUASH)
    (found,) = bot("GET", f"/commits/{SQUASH}/pulls").json
    assert found["merge_commit_sha"] == SQUASH
    assert found["head"]["sha"] == HEAD
    assert "merged_by" not in found
    whole = bot("GET", f"/pulls/{number}").json
    assert (whole["merged"], whole["merged_by"]["login"]) == (True, "noor")
    assert bot("GET", f"/commits/{HEAD}/pulls").json == []
    assert bot("GET", f"/commits/{'d' * 40}/pulls").status == 422


def test_the_newer_version_of_the_api_does_not_say_which_commit_a_merge_made(
    hub: GitHub, bot: Caller
) -> None:
    number = pull_of(hub).number
    hub.world.merge(number, "noor", SQUASH)
    url = f"{hub.api}/repos/acme/access/commits/{SQUASH}/pulls"
    token = f"Bearer {bot.token}"
    (found,) = ask("GET", url, Authorization=token, X_GitHub_Api_Version="2026-03-10").json
    assert found["number"] == number
    assert "merge_commit_sha" not in found


def test_a_commit_pushed_by_itself_belongs_to_no_request(hub: GitHub, bot: Caller) -> None:
    hub.world.commits.add(BASE)
    assert bot("GET", f"/commits/{BASE}/pulls").json == []


@pytest.mark.parametrize(
    ("base", "head", "status"),
    [
        (BASE, HEAD, "ahead"),
        (HEAD, BASE, "behind"),
        (HEAD, HEAD, "identical"),
        (HEAD, SQUASH, "diverged"),
        (HEAD, "e" * 40, None),
    ],
)
def test_commits_are_compared_by_what_one_has_and_the_other_has_not(
    hub: GitHub, bot: Caller, base: str, head: str, status: str | None
) -> None:
    hub.world.branches = {"main": [BASE, SQUASH], "more": [BASE, HEAD]}
    bot.token = hub.world.actions_token({"contents": "read"})
    assert bot("GET", "/branches/main").json["commit"]["sha"] == SQUASH
    assert bot("GET", "/branches/other").status == 404
    found = bot("GET", f"/compare/{base}...{head}")
    if status is None:
        assert found.status == 404
    else:
        assert found.json["status"] == status


def test_reviews_files_and_commits_are_listed_oldest_first(hub: GitHub, bot: Caller) -> None:
    item = hub.world.open_pull("ada", "x", HEAD, "x", BASE, files=("policies/a.yaml",))
    hub.world.review(item.number, "noor", "APPROVED")
    hub.world.push(item.number, SQUASH)
    hub.world.review(item.number, "noor", "CHANGES_REQUESTED").author = None
    listed = bot("GET", f"/pulls/{item.number}/reviews").json
    assert [(each["state"], each["commit_id"]) for each in listed] == [
        ("APPROVED", HEAD),
        ("CHANGES_REQUESTED", SQUASH),
    ]
    assert listed[1]["user"] is None
    files = bot("GET", f"/pulls/{item.number}/files").json
    assert [each["filename"] for each in files] == ["policies/a.yaml"]
    commits = bot("GET", f"/pulls/{item.number}/commits").json
    assert [each["sha"] for each in commits] == [HEAD, SQUASH]
    assert bot("GET", f"/pulls/{hub.world.open_issue('ada', 'x').number}").status == 404


def test_artifacts_are_listed_newest_first_with_the_run_they_are_from(
    hub: GitHub, bot: Caller
) -> None:
    fork = hub.world.run("pull_request", "main", HEAD, repository="eve/access")
    own = hub.world.run("push", "main", BASE)
    hub.world.keep(fork, "plan", {"a": b"fork"})
    hub.world.keep(own, "plan", {"a": b"own"})
    hub.world.keep(own, "other", {})
    listed = bot("GET", "/actions/artifacts?name=plan").json
    runs = [each["workflow_run"] for each in listed["artifacts"]]
    assert (listed["total_count"], [run["id"] for run in runs]) == (2, [own.id, fork.id])
    assert [run["head_repository_id"] == run["repository_id"] for run in runs] == [True, False]
    assert bot("GET", f"/actions/runs/{fork.id}").json["event"] == "pull_request"
    of_run = bot("GET", f"/actions/runs/{own.id}/artifacts?per_page=1")
    assert of_run.json["total_count"] == 2
    assert links(of_run)["next"]
    pushed = bot("GET", "/actions/runs?event=push&branch=main&status=success").json
    assert [each["id"] for each in pushed["workflow_runs"]] == [own.id]
    assert bot("GET", "/actions/runs/1").status == 404


def test_a_run_has_no_conclusion_until_it_is_over(hub: GitHub, bot: Caller) -> None:
    run = hub.world.run("push", "main", BASE, path=".github/workflows/apply.yml")
    run.status, run.conclusion = "in_progress", "success"
    going = bot("GET", f"/actions/runs/{run.id}").json
    run.status = "completed"
    ended = bot("GET", f"/actions/runs/{run.id}").json
    assert (going["status"], going["conclusion"]) == ("in_progress", None)
    assert (ended["conclusion"], ended["path"]) == ("success", ".github/workflows/apply.yml")


def test_an_archive_is_elsewhere_where_the_token_is_refused(hub: GitHub, bot: Caller) -> None:
    run = hub.world.run("push", "main", BASE)
    artifact = hub.world.keep(run, "plan", {"plan.json": b"{}"})
    sent = bot("GET", f"/actions/artifacts/{artifact.id}/zip")
    url = sent.headers["location"]
    assert sent.status == 302
    assert not url.startswith(hub.url)
    assert bot("GET", url).status == 401
    found = ask("GET", url)
    with zipfile.ZipFile(io.BytesIO(found.body)) as archive:
        assert archive.read("plan.json") == b"{}"
    digest = bot("GET", f"/actions/artifacts/{artifact.id}").json["digest"]
    assert digest == "sha256:" + hashlib.sha256(found.body).hexdigest()
    assert ask("GET", url.partition("?")[0]).status == 403
    hub.now += timedelta(minutes=2)
    assert ask("GET", url).status == 403
    artifact.is_expired = True
    assert bot("GET", f"/actions/artifacts/{artifact.id}/zip").status == 410
    assert bot("GET", "/actions/artifacts/1/zip").status == 404
    assert ask("GET", f"{hub.api}/repos/acme/access/actions/artifacts/1/zip").status == 404
    hub.world.is_private = False
    assert ask("GET", f"{hub.api}/repos/acme/access/actions/artifacts/1/zip").status == 401


def test_strangers_are_told_nothing_and_wrong_tokens_are_refused(hub: GitHub, bot: Caller) -> None:
    url = f"{hub.api}/repos/acme/access"
    assert ask("GET", url).status == 404
    assert bot("GET", f"{hub.api}/repos/acme/other").status == 404
    assert bot("GET", f"{hub.api}/repos/ACME/Access").json["full_name"] == "acme/access"
    assert ask("GET", url, Authorization="Bearer wrong").json["message"] == "Bad credentials"
    assert ask("GET", url, Authorization=f"Basic {bot.token}").status == 401
    nobody = ask("GET", url, User_Agent="", Authorization=f"Bearer {bot.token}")
    assert (nobody.status, b"User-Agent" in nobody.body) == (403, True)
    old = ask("GET", url, Authorization=f"Bearer {bot.token}", X_GitHub_Api_Version="2000-01-01")
    assert old.status == 400


def test_behind_a_jobs_token_is_no_user(hub: GitHub, bot: Caller) -> None:
    assert bot("GET", f"{hub.api}/user").status == 403
    person = Caller(hub, hub.world.token("ada", {"pull-requests": "write"}))
    assert person("GET", f"{hub.api}/user").json["login"] == "ada"
    assert ask("GET", f"{hub.api}/user").status == 401
    issue = hub.world.open_issue("ada", "x").number
    refused = person("POST", f"/issues/{issue}/comments", {"body": "x"})
    assert "personal access token" in refused.json["message"]


def test_the_primary_limit_says_when_it_ends_and_then_does(hub: GitHub, bot: Caller) -> None:
    token = hub.world.tokens[bot.token]
    token.remaining = 1
    assert bot("GET", "").headers["x-ratelimit-remaining"] == "0"
    refused = bot("GET", "")
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert int(refused.headers["x-ratelimit-reset"]) == int(token.reset.timestamp())
    hub.now = token.reset
    assert bot("GET", "").headers["x-ratelimit-remaining"] == "999"


def test_a_fault_strikes_the_request_it_was_planned_for(hub: GitHub, bot: Caller) -> None:
    hub.fail(answer(502, b"<html>"), at=2)
    hub.fail(secondary_limit(429, "7"), method="POST", times=2)
    hub.fail(secondary_limit(retry_after=None), path=r"/labels$")
    number = pull_of(hub).number
    path = f"/issues/{number}/comments"
    assert [bot("GET", path).status for _ in range(3)] == [200, 502, 200]
    posted = [bot("POST", path, {"body": "x"}) for _ in range(3)]
    assert [each.status for each in posted] == [429, 429, 201]
    assert posted[0].headers["retry-after"] == "7"
    limited = bot("GET", f"/issues/{number}/labels")
    assert (limited.status, "retry-after" in limited.headers) == (403, False)
    assert "secondary rate limit" in limited.json["message"]
    assert [asked.status for asked in hub.log] == [200, 502, 200, 429, 429, 201, 403]


@pytest.mark.parametrize(("fault", "comments"), [(RESET, 0), (LOST, 1), (CUT, 1)])
def test_an_answer_can_be_lost_before_and_after_the_effect(
    hub: GitHub, bot: Caller, fault: Any, comments: int
) -> None:
    number = pull_of(hub).number
    hub.fail(fault)
    with pytest.raises((HTTPException, OSError)):
        bot("POST", f"/issues/{number}/comments", {"body": "x"})
    assert len(hub.world.comments_on(number)) == comments


def test_an_error_can_follow_the_effect(hub: GitHub, bot: Caller) -> None:
    number = pull_of(hub).number
    hub.fail(answer(502, is_after=True))
    assert bot("POST", f"/issues/{number}/comments", {"body": "x"}).status == 502
    assert [each.body for each in hub.world.comments_on(number)] == ["x"]


def test_others_act_in_between(hub: GitHub, bot: Caller) -> None:
    number = pull_of(hub).number
    hub.before_each = lambda asked: (
        hub.world.comment(number, "eve", "quick") if asked.method == "POST" else None
    )
    bot("POST", f"/issues/{number}/comments", {"body": "slow"})
    assert [each.body for each in hub.world.comments_on(number)] == ["quick", "slow"]


def test_what_no_host_knows_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="unknown: PUT /zen"), github.running() as host:
        assert ask("PUT", f"{host.api}/zen").status == 404


def test_a_defect_of_the_host_fails_the_test(hub: GitHub, bot: Caller) -> None:
    hub.world.items[1] = pull_of(hub)
    hub.world.items[1].labels = None  # type: ignore[assignment]
    assert bot("GET", "/issues/1/labels").status == 500
    assert "TypeError" in hub.errors.pop()


def test_a_request_can_hang_until_the_host_stops() -> None:
    with github.running() as host:
        host.fail(HANG)
        parts = urlsplit(host.api)
        connection = HTTPConnection(parts.netloc)
        connection.request("GET", "/user", headers={"User-Agent": "test"})
        while not host.log:
            pass
    with pytest.raises((HTTPException, OSError)), contextlib.closing(connection):
        connection.getresponse()


def test_a_body_may_come_in_chunks(hub: GitHub, bot: Caller) -> None:
    number = pull_of(hub).number
    connection = HTTPConnection(urlsplit(hub.api).netloc)
    headers = {"User-Agent": "test", "Authorization": f"Bearer {bot.token}"}
    path = f"/repos/acme/access/issues/{number}/comments"
    with contextlib.closing(connection):
        chunks = iter([b'{"body": ', b'"x"}'])
        connection.request("POST", path, chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 201
    assert [each.body for each in hub.world.comments_on(number)] == ["x"]


def test_a_server_of_ones_own_has_a_prefix() -> None:
    with github.running(prefix="/api/v3") as host:
        caller = Caller(host, host.world.actions_token({}))
        assert caller("GET", "").status == 200
        assert ask("GET", f"{host.url}/repos/acme/access").status == 404
        assert host.errors == ["not below /api/v3: /repos/acme/access"]
        host.errors.clear()


def test_the_log_can_be_asked_and_forgotten(hub: GitHub, bot: Caller) -> None:
    bot("GET", "")
    bot("GET", "/issues")
    hub.fail(RESET)
    assert [asked.who for asked in hub.asked("GET", "issues$")] == ["github-actions[bot]"]
    hub.start_over()
    assert bot("GET", "").status == 200
    assert len(hub.log) == 1
