"""What GitHub says and takes, over a server written from its documentation."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from codehost import exchange
from codehost.github import GitHub, secondary_limit
from codehost.github_world import packed

from reconciler.domain.review import Approval
from reconciler.forge.base import ForbiddenError, Forge, ForgeError

Opener = Callable[..., Forge]
READ = {"pull-requests": "read", "issues": "read", "actions": "read", "contents": "read"}
PUBLISH = {"pull-requests": "write"}
HEAD, BASE, MERGE = "a" * 40, "b" * 40, "c" * 40
RUN_FILES = {"plan.json": b"{}\n", "result.json": b'{"version":1}\n'}


def pull_of(hub: GitHub, **more: Any) -> int:
    return hub.world.open_pull("ada", "More", HEAD, "more", BASE, **more).number


# Comments


def test_every_comment_is_read_page_by_page(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    for number in range(230):
        hub.world.comment(pull, "ada", f"word {number}")

    found = open_hub(READ).comments(str(pull))

    assert [comment.body for comment in found] == [f"word {number}" for number in range(230)]
    assert len(hub.asked("GET", "comments$")) == 3


def test_only_what_the_bot_wrote_is_ours(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    forge = open_hub(PUBLISH)
    own = forge.add_comment(str(pull), "<!-- marker -->")
    hub.world.comment(pull, "mallory", "<!-- marker -->")
    hub.world.comment(pull, "github-actions", "<!-- marker -->")
    hub.world.comment(pull, "gone", "<!-- marker -->").author = None

    found = forge.comments(str(pull))

    assert own.is_ours
    assert own.url.endswith(f"/pull/{pull}#issuecomment-{own.id}")
    assert [comment.is_ours for comment in found] == [True, False, False, False]


def test_a_person_of_the_bots_name_is_not_the_bot(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    hub.world.comment(pull, "ada", "x")
    hub.world.comments[0].author = type(hub.world.account("ada"))("github-actions[bot]", 7, "User")

    assert [comment.is_ours for comment in open_hub(READ).comments(str(pull))] == [False]


def test_another_app_may_be_the_author(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    for login in ("Access-App[bot]", "github-actions[bot]", "access-app"):
        hub.world.comment(pull, login, "x")

    found = open_hub(READ, RECONCILER_COMMENT_AUTHOR="access-app[bot]").comments(str(pull))

    assert [comment.is_ours for comment in found] == [True, False, False]


def test_a_comment_is_edited(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    forge = open_hub(PUBLISH)
    own = forge.add_comment(str(pull), "before")

    forge.edit_comment(str(pull), own.id, "after \U0001f600")

    assert [comment.body for comment in hub.world.comments_on(pull)] == ["after \U0001f600"]


def test_a_comment_of_the_longest_kind_is_taken_and_one_more_character_is_told(
    hub: GitHub, open_hub: Opener
) -> None:
    pull = pull_of(hub)
    forge = open_hub(PUBLISH)
    forge.add_comment(str(pull), "ä" * forge.comment_limit)

    with pytest.raises(ForgeError, match="too long for GitHub") as told:
        forge.add_comment(str(pull), "ä" * (forge.comment_limit + 1))

    assert not isinstance(told.value, ForbiddenError)
    assert "maximum is 65536 characters" in told.value.message
    assert len(hub.world.comments_on(pull)) == 1


def test_the_token_of_a_fork_may_not_comment(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub, fork="mallory/access")
    forge = open_hub(READ)

    with pytest.raises(ForbiddenError) as told:
        forge.add_comment(str(pull), "x")

    assert "pull-requests: write" in told.value.remedy
    assert "fork" in told.value.remedy
    assert "Resource not accessible by integration" in told.value.message
    assert len(hub.asked("POST")) == 1


def test_a_comment_whose_answer_is_lost_is_not_written_twice(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    hub.fail(exchange.LOST, method="POST")

    with pytest.raises(ForgeError, match="may or may not have happened"):
        open_hub(PUBLISH).add_comment(str(pull), "x")

    assert [comment.body for comment in hub.world.comments_on(pull)] == ["x"]


@pytest.mark.parametrize(
    "fault", [exchange.RESET, exchange.LOST, exchange.CUT, exchange.answer(502)]
)
def test_an_edit_is_tried_again(
    hub: GitHub, open_hub: Opener, clock: Any, fault: exchange.Fault
) -> None:
    pull = pull_of(hub)
    forge = open_hub(PUBLISH)
    own = forge.add_comment(str(pull), "before")
    hub.fail(fault, method="PATCH", times=3)

    forge.edit_comment(str(pull), own.id, "after")

    assert hub.world.comments_on(pull)[0].body == "after"
    assert clock.slept == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for_even_by_a_new_comment(
    hub: GitHub, open_hub: Opener, clock: Any, status: int
) -> None:
    pull = pull_of(hub)
    hub.fail(secondary_limit(status, "17"), method="POST")

    open_hub(PUBLISH).add_comment(str(pull), "x")

    assert clock.slept == [17.0]
    assert len(hub.world.comments_on(pull)) == 1


def test_a_secondary_limit_that_says_no_time_takes_a_minute(
    hub: GitHub, open_hub: Opener, clock: Any
) -> None:
    pull = pull_of(hub)
    hub.fail(secondary_limit(403, None))

    assert open_hub(READ).comments(str(pull)) == ()
    assert clock.slept == [60.0]


def test_a_used_up_hour_is_not_waited_for(hub: GitHub, open_hub: Opener, clock: Any) -> None:
    pull = pull_of(hub)
    forge = open_hub(READ)
    for token in hub.world.tokens.values():
        token.remaining = 0
        token.reset = hub.now.replace(year=2099)

    with pytest.raises(ForgeError, match=r"rate limit exceeded.*too long") as told:
        forge.comments(str(pull))

    assert not isinstance(told.value, ForbiddenError)
    assert clock.slept == []


# Labels


def test_labels_are_added_and_removed_and_those_of_others_stay(
    hub: GitHub, open_hub: Opener
) -> None:
    pull = pull_of(hub)
    hub.world.labels |= {"access/no change", "access/grants", "access/±"}
    hub.world.items[pull].labels += ["bug", "access/no change", "access/±"]
    forge = open_hub(PUBLISH)

    forge.change_labels(
        str(pull),
        ["access/grants", "access/grants"],
        ["access/no change", "access/±", "never-there"],
    )

    assert forge.labels(str(pull)) == {"bug", "access/grants"}


def test_labelling_is_tried_again_since_twice_is_once(hub: GitHub, open_hub: Opener) -> None:
    pull = pull_of(hub)
    hub.world.items[pull].labels += ["documentation"]
    hub.fail(exchange.LOST, method="POST")
    hub.fail(exchange.LOST, method="DELETE")

    open_hub(PUBLISH).change_labels(str(pull), ["bug"], ["documentation"])

    assert hub.world.items[pull].labels == ["bug"]


def test_nothing_to_label_asks_nothing(hub: GitHub, open_hub: Opener) -> None:
    open_hub(PUBLISH).change_labels("1", [], [])
    assert hub.log == []


# Issues


def test_issues_of_a_label_are_the_newest_first_and_no_pull_requests(
    hub: GitHub, open_hub: Opener
) -> None:
    old = hub.world.open_issue("ada", "old", "by a person", labels=("drift",))
    old.state = "closed"
    hub.world.items[pull_of(hub)].labels.append("drift")
    forge = open_hub({"issues": "write"})
    new = forge.add_issue("Drift in 3 grants", "body", "Drift")

    found = forge.issues("drift")

    assert [issue.number for issue in found] == [new.number, str(old.number)]
    assert [(issue.is_open, issue.is_ours) for issue in found] == [(True, True), (False, False)]
    assert found[0].url.endswith(f"/issues/{new.number}")
    assert (found[0].title, found[0].body) == ("Drift in 3 grants", "body")


def test_an_issue_without_a_text_has_an_empty_one(hub: GitHub, open_hub: Opener) -> None:
    hub.world.open_issue("ada", "bare", labels=("drift",))
    assert [issue.body for issue in open_hub(READ).issues("drift")] == [""]


def test_an_issue_is_closed_with_a_note_and_opened_again(hub: GitHub, open_hub: Opener) -> None:
    forge = open_hub({"issues": "write"})
    number = forge.add_issue("Drift", "body", "drift").number

    forge.edit_issue(number, title="Drift", body="clean", is_open=False, note="Clean since today.")
    closed = hub.world.items[int(number)].state
    forge.edit_issue(number, title="Drift again", body="3 grants", is_open=True)

    item = hub.world.items[int(number)]
    assert (closed, item.state, item.title, item.body) == (
        "closed",
        "open",
        "Drift again",
        "3 grants",
    )
    assert [c.body for c in hub.world.comments_on(int(number))] == ["Clean since today."]


def test_an_issue_whose_label_was_left_out_is_closed_again(hub: GitHub, open_hub: Opener) -> None:
    forge = open_hub({"issues": "write"})

    def drop(asked: exchange.Asked) -> None:
        asked.body = asked.body.replace(b'"drift"', b"")

    hub.before_each = drop
    with pytest.raises(ForgeError, match="without the label 'drift'; closed again") as told:
        forge.add_issue("Drift", "body", "drift")

    assert "issues: write" in told.value.remedy
    assert [item.state for item in hub.world.items.values()] == ["closed"]
    assert hub.world.items[1].body == "body"


def test_an_issue_needs_its_permission(open_hub: Opener) -> None:
    with pytest.raises(ForbiddenError) as told:
        open_hub(PUBLISH).add_issue("Drift", "body", "drift")
    assert "issues: write" in told.value.remedy


# Which request was merged


def merged(hub: GitHub, *brought: str) -> int:
    pull = pull_of(hub)
    hub.world.merge(pull, "bea", MERGE, *brought)
    return pull


def test_each_commit_of_a_rebase_is_of_its_request(hub: GitHub, open_hub: Opener) -> None:
    pull = merged(hub, BASE)
    hub.world.open_pull("ada", "Open", "d" * 40, "open", BASE)
    hub.world.commits.add("e" * 40)
    forge = open_hub(READ)

    assert forge.requests_of(BASE, "main") == forge.requests_of(MERGE, "main") == {str(pull)}
    assert forge.requests_of(MERGE, "other") == frozenset()
    assert forge.requests_of("d" * 40, "main") == forge.requests_of("e" * 40, "main") == frozenset()


def test_the_merged_request_is_found(hub: GitHub, open_hub: Opener) -> None:
    pull = merged(hub)

    found = open_hub(READ).merged(MERGE, "main")

    assert found is not None
    assert (found.number, found.head, found.author, found.merged_by) == (
        str(pull), HEAD, "ada", "bea",
    )  # fmt: skip
    assert found.url.endswith(f"/pull/{pull}")
    assert found.approvals == ()


def test_of_a_rebase_only_the_last_commit_proves_a_merge(hub: GitHub, open_hub: Opener) -> None:
    merged(hub, "d" * 40, "e" * 40)
    forge = open_hub(READ)

    assert forge.merged(MERGE, "main") is not None
    assert forge.merged("d" * 40, "main") is None


def test_a_merge_into_another_branch_is_none(hub: GitHub, open_hub: Opener) -> None:
    merged(hub)
    assert open_hub(READ).merged(MERGE, "release") is None


def test_an_open_request_is_no_merge(hub: GitHub, open_hub: Opener) -> None:
    pull_of(hub)
    assert open_hub(READ).merged(HEAD, "main") is None


def test_a_commit_that_nobody_asked_for_has_no_request(
    hub: GitHub, open_hub: Opener, clock: Any
) -> None:
    hub.world.commits.add(MERGE)
    assert open_hub(READ).merged(MERGE, "main") is None
    assert clock.slept == [1.0, 2.0, 4.0, 8.0]


def test_a_merge_that_the_host_notes_late_is_found(
    hub: GitHub, open_hub: Opener, clock: Any
) -> None:
    pull = pull_of(hub)
    hub.world.commits.add(MERGE)

    def merge(asked: exchange.Asked) -> None:
        if asked.number == 3:
            hub.world.merge(pull, "bea", MERGE)

    hub.before_each = merge
    assert open_hub(READ).merged(MERGE, "main") is not None
    assert clock.slept == [1.0, 2.0]


def test_what_settles_late_is_not_waited_for_beyond_the_minute(
    hub: GitHub, open_hub: Opener, clock: Any
) -> None:
    hub.world.commits.add(MERGE)
    hub.fail(secondary_limit(403, "58"))
    assert open_hub(READ).merged(MERGE, "main") is None
    assert clock.slept == [58.0, 1.0]


def test_two_requests_for_one_commit_are_an_error(hub: GitHub, open_hub: Opener) -> None:
    merged(hub)
    merged(hub)
    with pytest.raises(ForgeError, match="several requests were merged as"):
        open_hub(READ).merged(MERGE, "main")


REVIEWS: list[tuple[list[tuple[str, str]], list[str]]] = [
    ([("bea", "APPROVED")], ["bea"]),
    ([("bea", "APPROVED"), ("bea", "COMMENTED")], ["bea"]),
    ([("bea", "APPROVED"), ("bea", "CHANGES_REQUESTED")], []),
    ([("bea", "APPROVED"), ("bea", "DISMISSED")], []),
    ([("bea", "CHANGES_REQUESTED"), ("bea", "APPROVED")], ["bea"]),
    ([("bea", "COMMENTED")], []),
    ([("bea", "PENDING")], []),
    ([("ada", "APPROVED"), ("cho", "APPROVED"), ("bea", "APPROVED")], ["bea", "cho"]),
]


@pytest.mark.parametrize(("reviews", "expected"), REVIEWS)
def test_who_approves_is_whose_latest_opinion_says_so(
    hub: GitHub, open_hub: Opener, reviews: list[tuple[str, str]], expected: list[str]
) -> None:
    pull = merged(hub)
    for login, state in reviews:
        hub.world.review(pull, login, state, BASE)

    found = open_hub(READ).merged(MERGE, "main")

    assert found is not None
    assert found.approvals == tuple(Approval(by, BASE, hub.now) for by in expected)


def test_an_approval_is_as_old_as_the_last_opinion(hub: GitHub, open_hub: Opener) -> None:
    pull, first = merged(hub), hub.now
    hub.world.review(pull, "bea", "APPROVED", BASE)
    hub.now += timedelta(minutes=5)
    hub.world.review(pull, "bea", "COMMENTED", BASE)
    hub.world.review(pull, "cho", "CHANGES_REQUESTED", BASE)
    hub.now += timedelta(minutes=5)
    hub.world.review(pull, "cho", "APPROVED", BASE)

    found = open_hub(READ).merged(MERGE, "main")

    assert found is not None
    assert [one.at for one in found.approvals] == [first, first + timedelta(minutes=10)]


def test_deleted_accounts_are_nobody(hub: GitHub, open_hub: Opener) -> None:
    pull = merged(hub)
    hub.world.review(pull, "bea", "APPROVED").author = None
    hub.world.items[pull].author = None
    hub.world.pull(pull).merged_by = None

    found = open_hub(READ).merged(MERGE, "main")

    assert found is not None
    assert (found.author, found.merged_by, found.approvals) == ("", "", ())


# Artifacts


def test_the_files_of_a_run_come_from_storage_that_never_sees_the_token(
    hub: GitHub, open_hub: Opener
) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    hub.world.keep(run, "reconciler-plan", {"plan.json": b"old"})
    hub.world.keep(run, "other", {"plan.json": b"other"})
    hub.world.keep(run, "reconciler-plan", RUN_FILES)

    found = open_hub(READ).artifact(str(run.id), "reconciler-plan")

    assert found == RUN_FILES
    assert [asked.status for asked in hub.shelf.log] == [200]
    assert not {"authorization", "private-token", "cookie"} & set(hub.shelf.log[0].headers)


def test_of_several_attempts_the_one_that_is_meant_is_found(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    for content in (b"other", b"meant", b"meant", b"again"):
        hub.world.keep(run, "reconciler-plan", {"plan.json": content, "of": content})
    hub.world.keep(run, "elsewhere", {"plan.json": b"gone"})
    forge, number = open_hub(READ), str(run.id)

    def found(content: bytes) -> Any:
        files = forge.artifact(number, "reconciler-plan", lambda each: each["plan.json"] == content)
        return files and files["plan.json"]

    assert [found(content) for content in (b"meant", b"again", b"other")] == [
        b"meant", b"again", b"other",
    ]  # fmt: skip
    # What nobody kept is told by the newest, which is not it.
    assert found(b"gone") == b"again"
    assert forge.artifact(number, "nothing", lambda _: True) is None

    def expire(asked: exchange.Asked) -> None:
        hub.world.artifacts[3].is_expired |= asked.path.endswith("/zip")

    hub.before_each = expire
    assert found(b"meant") == b"meant"


def test_what_was_not_kept_or_no_longer_is_none(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    forge = open_hub(READ)
    hub.world.keep(run, "expired", RUN_FILES).is_expired = True

    assert forge.artifact(str(run.id), "reconciler-plan") is None
    assert forge.artifact(str(run.id), "expired") is None
    assert forge.artifact("123456", "reconciler-plan") is None


def test_what_expires_just_before_the_download_is_none(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    kept = hub.world.keep(run, "reconciler-plan", RUN_FILES)

    def expire(asked: exchange.Asked) -> None:
        kept.is_expired = asked.path.endswith("/zip")

    hub.before_each = expire
    assert open_hub(READ).artifact(str(run.id), "reconciler-plan") is None
    assert hub.asked("GET", "/zip$")[0].status == 410


def test_artifacts_need_their_permission(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    with pytest.raises(ForbiddenError) as told:
        open_hub(PUBLISH).artifact(str(run.id), "reconciler-plan")
    assert "actions: read" in told.value.remedy


def test_the_newest_of_the_branch_is_chosen(hub: GitHub, open_hub: Opener) -> None:
    for content in (b"1", b"2"):
        run = hub.world.run("schedule", "main", BASE)
        hub.world.keep(run, "snapshot", {"snapshot.json": content})
    assert open_hub(READ).newest_artifact("snapshot", "main") == {"snapshot.json": b"2"}


NOT_TRUSTED: list[dict[str, Any]] = [
    {"event": "pull_request", "branch": "main"},
    {"event": "pull_request_target", "branch": "main"},
    {"event": "workflow_run", "branch": "main"},
    {"event": "push", "branch": "feature"},
    {"event": "push", "branch": "main", "repository": "mallory/access"},
    {"event": "push", "branch": "main", "path": "dynamic/evil"},
    # A tag whose name is the branch's.
    {"event": "push", "branch": "main"},
    {"event": "workflow_dispatch", "branch": "main"},
]


@pytest.mark.parametrize("how", NOT_TRUSTED)
def test_what_others_made_is_passed_over(
    hub: GitHub, open_hub: Opener, how: dict[str, Any]
) -> None:
    hub.world.branches = {"main": [BASE], "feature": [BASE, HEAD]}
    good = hub.world.run("push", "main", BASE)
    hub.world.keep(good, "snapshot", {"snapshot.json": b"good"})
    how = dict(how)
    bad = hub.world.run(how.pop("event"), how.pop("branch"), HEAD, **how)
    hub.world.keep(bad, "snapshot", {"snapshot.json": b"bad"})

    assert open_hub(READ).newest_artifact("snapshot", "main") == {"snapshot.json": b"good"}


@pytest.mark.parametrize("event", ["push", "workflow_dispatch"])
def test_a_run_of_the_branch_counts_when_the_branch_has_gone_on(
    hub: GitHub, open_hub: Opener, event: str
) -> None:
    hub.world.branches = {"main": [BASE, MERGE]}
    hub.world.keep(hub.world.run(event, "main", BASE), "snapshot", {"snapshot.json": b"1"})

    assert open_hub(READ).newest_artifact("snapshot", "main") == {"snapshot.json": b"1"}


def test_whether_a_commit_is_on_a_branch_takes_a_permission(hub: GitHub, open_hub: Opener) -> None:
    hub.world.branches = {"main": [BASE]}
    hub.world.keep(hub.world.run("push", "main", BASE), "snapshot", RUN_FILES)

    with pytest.raises(ForbiddenError) as told:
        open_hub({"actions": "read"}).newest_artifact("snapshot", "main")

    assert "contents: read" in told.value.remedy


def test_a_branch_without_any_has_none(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("push", "main", BASE)
    hub.world.keep(run, "snapshot", RUN_FILES).is_expired = True
    assert open_hub(READ).newest_artifact("snapshot", "main") is None


def test_a_forged_archive_is_refused(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    hub.world.keep(run, "reconciler-plan", {"../plan.json": b"{}"})
    with pytest.raises(ForgeError, match="is not plain"):
        open_hub(READ).artifact(str(run.id), "reconciler-plan")


def test_an_archive_that_is_not_the_recorded_one_is_refused(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    kept = hub.world.keep(run, "reconciler-plan", RUN_FILES)

    def swap(asked: exchange.Asked) -> None:
        if asked.path.endswith("/zip"):
            kept.content = packed({"plan.json": b"forged"})

    hub.before_each = swap
    with pytest.raises(ForgeError, match="is not what GitHub recorded"):
        open_hub(READ).artifact(str(run.id), "reconciler-plan")


# Ids


@pytest.mark.parametrize("bad", ["", "0", "-1", "1/../2", "1?x", "٣", "9" * 21])
def test_an_id_that_is_none_asks_nothing(hub: GitHub, open_hub: Opener, bad: str) -> None:
    forge = open_hub(PUBLISH)
    for call in (forge.comments, forge.labels, lambda text: forge.artifact(text, "x")):
        with pytest.raises(ForgeError, match="is no number"):
            call(bad)
    with pytest.raises(ForgeError, match="is no number"):
        forge.edit_comment("1", bad, "x")
    assert hub.log == []


@pytest.mark.parametrize("bad", ["", "main", "A" * 40, "a" * 39, "../" * 13 + "a"])
def test_a_commit_that_is_none_asks_nothing(hub: GitHub, open_hub: Opener, bad: str) -> None:
    with pytest.raises(ForgeError, match="whole name of a commit"):
        open_hub(READ).merged(bad, "main")
    assert hub.log == []
