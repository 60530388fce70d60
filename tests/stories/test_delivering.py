"""The record goes to a sink: at least once, never with a gap, and before the first write (T67)."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stories.desk import PATIENCE
from stories.sink import SinkServer

from reconciler.cli.writing.delivery import Delivery
from reconciler.resources import resource
from reconciler.sinks.address import SinkAddress

JOURNAL = ".reconciler/journal.jsonl"
APPLY = ("apply", "--auto-approve")
EXPORT = ("audit", "export")


@pytest.fixture
def applied(desk: Any) -> Any:
    assert desk.run(*APPLY).code == 0
    return desk


def uids(events: list[dict[str, Any]]) -> list[str]:
    return [event["metadata"]["uid"] for event in events]


def printed(desk: Any) -> list[str]:
    """The uids of all events of the journal, in order."""
    return uids([json.loads(line) for line in desk.run(*EXPORT).out.splitlines()])


def cursors(desk: Any) -> list[Path]:
    return sorted((Path(desk.folder) / ".reconciler").glob("journal.jsonl.sink-*"))


def test_an_export_delivers_what_it_would_print_and_then_nothing(
    applied: Any, sink: SinkServer
) -> None:
    first = applied.run(*EXPORT, "--to", sink.url + "/events")
    again = applied.run(*EXPORT, "--to", sink.url + "/events")

    assert (first.code, again.code) == (0, 0)
    assert first.out == f"Delivered: {len(sink.events)} events, up to record 10.\n"
    assert again.out == "Delivered: 0 events, up to record 10.\n"
    assert uids(sink.events) == printed(applied)
    assert {taken.path for taken in sink.taken} == {"/events"}


def test_the_cursor_is_private_and_fits_its_schema(applied: Any, sink: SinkServer) -> None:
    applied.run(*EXPORT, "--to", sink.url)

    [cursor] = cursors(applied)
    assert cursor.stat().st_mode & 0o777 == 0o600
    tree = json.loads(cursor.read_text("utf-8"))
    schema = json.loads((resource("schemas") / "cursor.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(tree)
    assert tree["head"] == applied.run("audit", "head").out.strip()


def test_after_a_crash_it_may_deliver_again_and_leaves_nothing_out(
    applied: Any, sink: SinkServer
) -> None:
    applied.run(*EXPORT, "--to", sink.url)
    [cursor] = cursors(applied)
    cursor.unlink()  # died between the sink's answer and the note of it

    applied.run(*EXPORT, "--to", sink.url)

    assert uids(sink.events) == printed(applied) * 2


def test_killed_before_the_note_of_it_delivers_again(
    applied: Any, sink: SinkServer, end: Callable[[Any], None]
) -> None:
    sink.when_taken = lambda: process.kill()  # noqa: PLW0108 - it is not there yet
    process = applied.start(*EXPORT, "--to", sink.url)
    end(process)
    process.communicate(timeout=PATIENCE)
    assert (process.returncode, cursors(applied)) == (-signal.SIGKILL, [])
    sink.when_taken = lambda: None

    assert applied.run(*EXPORT, "--to", sink.url).code == 0

    assert uids(sink.events) == printed(applied) * 2


@pytest.mark.parametrize("content", ["", "{}", '{"version": 1, "record": 99}'])
def test_a_cursor_that_is_no_use_delivers_again(
    applied: Any, sink: SinkServer, content: str
) -> None:
    applied.run(*EXPORT, "--to", sink.url)
    cursors(applied)[0].write_text(content, encoding="utf-8")

    applied.run(*EXPORT, "--to", sink.url)

    assert uids(sink.events) == printed(applied) * 2


def test_another_journal_in_the_same_place_is_delivered_whole(desk: Any, sink: SinkServer) -> None:
    assert desk.run(*APPLY).code == 0
    desk.run(*EXPORT, "--to", sink.url)
    sink.taken.clear()
    (Path(desk.folder) / JOURNAL).unlink()
    desk.make("bo@acme.example", "Viewer")
    assert desk.run(*APPLY).code == 0

    desk.run(*EXPORT, "--to", sink.url)

    assert uids(sink.events) == printed(desk)


def test_each_sink_has_a_cursor_of_its_own(applied: Any, sink: SinkServer) -> None:
    applied.run(*EXPORT, "--to", sink.url + "/a")
    applied.run(*EXPORT, "--to", sink.url + "/b")
    applied.run(*EXPORT, "--to", sink.url + "/a", "--format", "ocsf-1.9")

    assert len(cursors(applied)) == 3
    assert len(sink.events) == 3 * len(printed(applied))


def test_what_is_left_out_on_demand_counts_as_not_delivered(applied: Any, sink: SinkServer) -> None:
    applied.run(*EXPORT, "--to", sink.url, "--after", "5")
    assert min(event["metadata"]["sequence"] for event in sink.events) > 5

    applied.run(*EXPORT, "--to", sink.url)

    assert set(uids(sink.events)) == set(printed(applied))


def test_the_data_lake_takes_flat_events_at_its_own_path(
    applied: Any, sink: SinkServer, tmp_path: Path
) -> None:
    token = tmp_path / "sink-token"
    token.write_text("canary-token\n", encoding="utf-8")
    token.chmod(0o600)
    sink.answers.append(200)

    told = applied.run(
        *(*EXPORT, "--format", "sdl", "--to", sink.url),
        RECONCILER_SINK_TOKEN_FILE=str(token),
        RECONCILER_SINK_SCOPE="1820000000000000101:1820000000000000201",
    )

    assert told.code == 0
    [taken] = sink.taken
    assert taken.path == "/services/collector/event?isParsed=true"
    assert taken.headers["Authorization"] == "Bearer canary-token"
    assert taken.headers["S1-Scope"] == "1820000000000000101:1820000000000000201"
    assert not any(isinstance(value, dict | list) for value in taken.events[0].values())
    assert "canary-token" not in told.text


def test_cloud_events_go_as_a_batch(applied: Any, sink: SinkServer) -> None:
    applied.run(*EXPORT, "--format", "cloudevents", "--to", sink.url)

    assert sink.taken[0].headers["Content-Type"] == "application/cloudevents-batch+json"
    assert {event["specversion"] for event in sink.events} == {"1.0"}


def test_no_token_no_header(applied: Any, sink: SinkServer) -> None:
    applied.run(*EXPORT, "--to", sink.url)

    assert "Authorization" not in sink.taken[0].headers
    assert "S1-Scope" not in sink.taken[0].headers
    assert applied.token not in str(sink.taken[0].headers)


@pytest.mark.parametrize("answers", [[503], [429, 500], ["drop"]])
def test_a_sink_that_stumbles_is_asked_again(
    applied: Any, sink: SinkServer, answers: list[Any]
) -> None:
    sink.answers.extend(answers)

    assert applied.run(*EXPORT, "--to", sink.url).code == 0
    assert uids(sink.events) == printed(applied)


@pytest.mark.parametrize(
    ("answers", "word", "asked"),
    [
        ([503] * 3, "answered 503", 3),
        (["drop"] * 3, "gave no answer (RemoteProtocolError)", 3),
        ([401], "answered 401", 1),
        ([307], "answered 307; redirects are not followed", 1),
    ],
)
def test_a_sink_that_does_not_take_them_is_an_error_and_they_wait(
    applied: Any, sink: SinkServer, answers: list[Any], word: str, asked: int
) -> None:
    sink.answers.extend(answers)

    told = applied.run(*EXPORT, "--to", sink.url)

    assert (told.code, len(sink.asked)) == (1, asked)
    assert word in told.err
    remedy = "RECONCILER_SINK_TOKEN_FILE" if answers == [401] else "The next apply delivers"
    assert remedy in told.err
    assert applied.run(*EXPORT, "--to", sink.url).code == 0
    assert uids(sink.events) == printed(applied)


def test_a_data_lake_that_says_no_with_a_yes_is_not_believed(
    applied: Any, sink: SinkServer
) -> None:
    sink.answers.append(b'{"text": "Invalid token", "code": 4}')
    told = applied.run(*EXPORT, "--format", "sdl", "--to", sink.url)
    assert told.code == 1
    assert "but with the code 4" in told.err

    sink.answers.append(b'{"text": "Success", "code": 0}')
    assert applied.run(*EXPORT, "--format", "sdl", "--to", sink.url).code == 0


def test_an_apply_delivers_its_start_before_and_the_rest_after(desk: Any, sink: SinkServer) -> None:
    told = desk.run(*APPLY, "--sink", sink.url, "--require-sink")

    assert told.code == 0
    assert [event["activity_name"] for event in sink.taken[0].events] == ["Start"]
    assert uids(sink.events) == printed(desk)


HARM: list[list[Any]] = [[500] * 3, ["hang"] * 3, ["drop"] * 3, [403]]


@pytest.mark.parametrize("harm", HARM, ids=["5xx", "hang", "drop", "no"])
def test_a_required_sink_that_fails_lets_nothing_be_written(
    desk: Any, sink: SinkServer, harm: list[Any]
) -> None:
    sink.answers.extend(harm)

    told = desk.run(
        *(*APPLY, "--require-sink"), RECONCILER_SINK=sink.url, RECONCILER_SINK_TIMEOUT="0.2"
    )

    assert (told.code, desk.written()) == (3, [])
    assert "Nothing was written, because --require-sink is given." in told.err
    assert [record["kind"] for record in desk.journal()] == ["run-started", "run-finished"]


@pytest.mark.parametrize("harm", HARM, ids=["5xx", "hang", "drop", "no"])
def test_an_optional_sink_that_fails_only_warns(
    desk: Any, sink: SinkServer, harm: list[Any]
) -> None:
    sink.answers.extend(harm * 2)

    told = desk.run(*APPLY, RECONCILER_SINK=sink.url, RECONCILER_SINK_TIMEOUT="0.2")

    assert told.code == 0
    assert told.err.count("Not delivered: The sink") == 2
    assert len(desk.written()) == 4
    assert desk.run(*EXPORT, "--to", sink.url).code == 0
    assert uids(sink.events) == printed(desk)


def test_what_was_not_delivered_goes_with_the_next_apply_even_an_empty_one(
    desk: Any, sink: SinkServer
) -> None:
    sink.answers.extend([403, 403])
    assert desk.run(*APPLY, "--sink", sink.url).code == 0
    assert sink.events == []

    told = desk.run(*APPLY, "--sink", sink.url)

    assert "No changes." in told.out
    assert uids(sink.events) == printed(desk)


def test_a_required_sink_that_fails_at_the_end_is_told_by_the_exit_code(
    desk: Any, sink: SinkServer
) -> None:
    sink.answers.extend([200] * 5 + [500] * 3)  # the start and four intents

    told = desk.run(*APPLY, "--sink", sink.url, "--require-sink")

    assert (told.code, len(desk.written())) == (4, 4)
    assert "Not delivered: The sink" in told.err


def activities(taken: Any) -> list[str]:
    return [event["activity_name"] for event in taken.events]


def test_a_required_sink_has_each_intent_before_the_console_is_asked(
    desk: Any, sink: SinkServer
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look() -> None:
        record = sink.taken[-1].events[-1]
        seen.append((record.get("entity", {}).get("name", ""), desk.written()))

    sink.when_taken = look

    assert desk.run(*APPLY, "--sink", sink.url, "--require-sink").code == 0

    whom = [words.split()[1] for words in desk.written()]
    assert [name for name, _ in seen[1:5]] == desk.recorded("intent")
    assert len(whom) == 4
    # When the sink had the n-th intent, n - 1 were written.
    assert [len(written) for _, written in seen] == [0, 0, 1, 2, 3, 4]
    assert uids(sink.events) == printed(desk)


def test_what_a_required_sink_got_on_the_way_is_not_delivered_again(
    desk: Any, sink: SinkServer
) -> None:
    assert desk.run(*APPLY, "--sink", sink.url, "--require-sink").code == 0
    [cursor] = cursors(desk)
    assert json.loads(cursor.read_text("utf-8"))["head"] == desk.run("audit", "head").out.strip()

    assert desk.run(*EXPORT, "--to", sink.url).out.startswith("Delivered: 0 events")


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9", "sdl", "cloudevents"])
def test_on_the_way_a_sink_is_told_just_what_an_export_tells(
    desk: Any, sink: SinkServer, form: str
) -> None:
    desk.edit("guardrails.yaml", "nothing_left: delete", "nothing_left: refuse")
    assert desk.run(*APPLY).code == 3  # a journal that has a past
    desk.edit("guardrails.yaml", "nothing_left: refuse", "nothing_left: delete")
    options = ("--sink", sink.url, "--sink-format", form, "--require-sink")

    assert desk.run(*APPLY, *options).code == 0

    told = desk.run(*EXPORT, "--format", form).out.splitlines()
    assert sink.events == [json.loads(line) for line in told]


@pytest.mark.parametrize("harm", HARM, ids=["5xx", "hang", "drop", "no"])
def test_a_required_sink_that_fails_on_the_way_stops_the_run(
    desk: Any, sink: SinkServer, harm: list[Any]
) -> None:
    sink.answers.extend([200, 200, 200, *harm])  # the start and two intents

    told = desk.run(
        *(*APPLY, "--require-sink"), RECONCILER_SINK=sink.url, RECONCILER_SINK_TIMEOUT="0.2"
    )

    assert (told.code, len(desk.written())) == (4, 2)
    results = [each["data"]["result"] for each in desk.journal() if each["kind"] == "outcome"]
    assert results == ["applied", "applied", "not attempted", "not attempted"]
    assert told.out.count("the required sink does not take the record: The sink") == 2
    assert len(desk.recorded("intent")) == 3
    # The sink was not asked about the fourth; once more about all at the end.
    assert len(sink.asked) == 3 + len(harm) + 1
    assert uids(sink.events) == printed(desk)


def test_after_a_sink_that_failed_on_the_way_the_next_run_goes_on(
    desk: Any, sink: SinkServer
) -> None:
    sink.answers.extend([200, 200, 200, 403])
    assert desk.run(*APPLY, "--sink", sink.url, "--require-sink").code == 4

    told = desk.run(*APPLY, "--sink", sink.url, "--require-sink")

    assert (told.code, len(desk.written())) == (0, 4)
    assert "An earlier run ended" not in told.text
    assert uids(sink.events) == printed(desk)


def test_with_many_at_a_time_no_write_is_earlier_than_its_intent(
    desk: Any, proxy: Any, sink: SinkServer
) -> None:
    early: list[str] = []

    def look(exchange: Any) -> None:
        ids = [event["entity"].get("uid") for event in sink.events if "entity" in event]
        whom = exchange.path.rpartition("/")[2]
        early.extend([whom] if whom.isdigit() and whom not in ids else [])
        exchange.answer(exchange.forward())

    for method in ("POST", "PUT", "DELETE"):
        proxy.when(look, method=method, times=9)

    told = desk.run(*APPLY, "--concurrency", "4", "--sink", sink.url, "--require-sink")

    assert (told.code, len(desk.written()), early) == (0, 4, [])
    assert uids(sink.events) == printed(desk)


def test_who_changes_somebody_while_the_sink_takes_its_time_is_not_overwritten(
    desk: Any, sink: SinkServer
) -> None:
    def change() -> None:
        record = sink.taken[-1].events[-1]
        if record.get("entity", {}).get("name") == "bo@acme.example":
            desk.make("bo@acme.example", "Admin")

    sink.when_taken = change

    assert desk.run(*APPLY, "--sink", sink.url, "--require-sink").code == 4

    assert desk.results()["bo@acme.example"] == "conflict"
    assert desk.holds("bo@acme.example") == ["Admin Berlin"]


def test_a_sink_that_is_not_required_is_not_waited_for(desk: Any, sink: SinkServer) -> None:
    assert desk.run(*APPLY, "--sink", sink.url).code == 0

    assert len(sink.taken) == 2


def test_nobody_listens_at_a_required_sink(desk: Any) -> None:
    told = desk.run(*APPLY, "--sink", "http://127.0.0.1:9", "--require-sink")

    assert (told.code, desk.written()) == (3, [])
    assert "gave no answer (ConnectError: [Errno 111] Connection refused)" in told.err


def test_a_required_sink_that_is_away_is_told_though_there_is_nothing_to_do(applied: Any) -> None:
    told = applied.run(*APPLY, "--sink", "http://127.0.0.1:9", "--require-sink")

    assert told.code == 4
    assert "Not delivered: The sink http://127.0.0.1:9 gave no answer" in told.err
    assert applied.run(*APPLY, "--sink", "http://127.0.0.1:9").code == 0


def test_a_refused_plan_is_delivered_too(desk: Any, sink: SinkServer) -> None:
    desk.edit("guardrails.yaml", "nothing_left: delete", "nothing_left: refuse")

    assert desk.run(*APPLY, "--sink", sink.url).code == 3
    assert [event["activity_name"] for event in sink.events] == ["Refuse"]


def test_the_form_is_chosen_by_option_or_environment(desk: Any, sink: SinkServer) -> None:
    form = {"RECONCILER_SINK": sink.url, "RECONCILER_SINK_FORMAT": "cloudevents"}

    assert desk.run(*APPLY, **form).code == 0
    assert sink.events[0]["specversion"] == "1.0"


def test_a_long_answer_is_not_read_to_its_end(applied: Any, sink: SinkServer) -> None:
    sink.answers.append(b'{"code": 0}' + b" " * 1_000_000)

    assert applied.run(*EXPORT, "--format", "sdl", "--to", sink.url).code == 0


def test_a_journal_that_went_away_meanwhile_is_told(
    desk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    address = SinkAddress("http://127.0.0.1:9", "sdl")
    delivery = Delivery(desk.clock.runtime({}), Path("gone.jsonl"), address, is_required=True)

    assert delivery.after() == 4
    assert "Not delivered: The journal cannot be read again" in capsys.readouterr().err


def test_a_required_sink_must_be_named(desk: Any) -> None:
    told = desk.run(*APPLY, "--require-sink")

    assert (told.code, desk.written()) == (1, [])
    assert "Name it with --sink or RECONCILER_SINK." in told.err
