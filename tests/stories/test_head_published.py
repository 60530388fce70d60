"""The journal's head that was published stays where people read it, whatever runs again."""

from stories.office import Office
from stories.test_in_ci import SIEM


def test_a_run_that_is_started_again_leaves_the_head_that_was_published(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    applied = office.apply()
    office.publish(applied)
    plan, outcome = office.comments(pull)

    again = office.apply(
        commit, GITHUB_RUN_ID=applied.runner["GITHUB_RUN_ID"], GITHUB_RUN_ATTEMPT="2"
    )
    office.publish(again, GITHUB_RUN_ID=applied.runner["GITHUB_RUN_ID"])
    office.publish(applied)

    kept = office.comments(pull)
    assert applied.result["journal_head"] in outcome
    assert (again.result["number"], again.result["title"] != applied.result["title"]) == (
        str(pull.number), True,
    )  # fmt: skip
    assert kept[:2] == [plan, outcome]
    assert ["nothing was to be changed" in text for text in kept[2:]] == [True]
