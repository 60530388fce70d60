"""Scenarios: in short, in full, from a file, from options; and what is no scenario."""

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.faults import Act, Fault
from reconciler.simulator.scenario import (
    SCHEMA,
    Scenario,
    add_arguments,
    from_arguments,
    in_full,
    load,
    parse,
    parse_short,
)
from reconciler.simulator.throttle import LIMITS, RateLimits


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503@7", Fault("503", "", 7, 7)),
        ("503@7-9", Fault("503", "", 7, 9)),
        ("503@7-", Fault("503", "", 7)),
        ("500@*", Fault("500")),
        ("500@5%", Fault("500", chance=0.05)),
        ("500@2.5%", Fault("500", chance=0.025)),
        ("500@/users", Fault("500", path="/users")),
        ("500@GET /users", Fault("500", method="GET", path="/users")),
        ("500@PUT /users/*#2", Fault("500", None, 2, 2, "PUT", "/users/*")),
        ("500@PUT /users/*#2-", Fault("500", None, 2, None, "PUT", "/users/*")),
        ("500@PUT /users/*#*", Fault("500", None, 1, None, "PUT", "/users/*")),
        ("500@PUT /users/*#50%", Fault("500", method="PUT", path="/users/*", chance=0.5)),
        ("500@DELETE *", Fault("500", method="DELETE")),
        ("504+effect@3", Fault("504", None, 3, 3, effect=True)),
        ("429=30@1", Fault("429", "30", 1, 1)),
        ("429=date@1", Fault("429", "date", 1, 1)),
        ("429=date+30@1", Fault("429", "date+30", 1, 1)),
        ("302=https://other.example/x@1", Fault("302", "https://other.example/x", 1, 1)),
        ("302@1", Fault("302", "same", 1, 1)),
        ("latency=0.5@1", Fault("latency", 0.5, 1, 1)),
        ("latency@1", Fault("latency", 5, 1, 1)),
        ("missing-field=scope@1", Fault("missing-field", "scope", 1, 1)),
        (
            "change=petra@acme.example DELETE /users/{ana@acme.example}@12",
            Fault("change", None, 12, 12, requests=(
                Act("petra@acme.example", "DELETE", "/users/{ana@acme.example}"),)),
        ),
        (
            'change=soar PUT /users/7 {"data": {"scope": "tenant"}}@*',
            Fault("change", requests=(
                Act("soar", "PUT", "/users/7", {"data": {"scope": "tenant"}}),)),
        ),
    ],
)  # fmt: skip
def test_a_fault_in_short(text: str, fault: Fault) -> None:
    assert parse_short(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("503", "write KIND[=VALUE]@WHERE"),
        ("503@", "write KIND[=VALUE]@WHERE"),
        ("@7", "write KIND[=VALUE]@WHERE"),
        ("503@seven", "write KIND[=VALUE]@WHERE"),
        ("503@users", "write KIND[=VALUE]@WHERE"),
        ("503@7#8", "write KIND[=VALUE]@WHERE"),
        ("503@/users7-", "no operation of the console has a path like '/users7-'"),
        ("503@GET /usrs#1", "path: no operation of the console has a path like '/usrs'"),
        ("503@/web/api/v2.1", "path: no operation of the console has a path"),
        ("503@/**/users/1", "path: no operation"),
        ("503@/users/1/2", "path: no operation"),
        ("reset-after@PTU /users#1", "method: 'PTU' is none of GET, POST, PUT, DELETE"),
        ("503@PUT /users", "method: '/users' knows no PUT, only GET, POST"),
        ("wrong-total=-1000001@1", "is no number from -1000000 to 1000000"),
        ("503@0", "at: '0' does not match"),
        ("503@9-7", "at: 9-7 ends before it begins"),
        ("503@150%", "chance: 1.5 is greater than the maximum of 1"),
        ("50@7", "unknown kind '50'; did you mean"),
        ("trunkated@7", "did you mean 'truncated'?"),
        ("xyzzy-plugh@7", "unknown kind 'xyzzy-plugh'; known are 400, 401"),
        ("html=5@7", "html takes no value"),
        ("latency=soon@7", "latency: the value 'soon' is no number from 0"),
        ("gzip-bomb=5000@7", "is no number from 0 to 4096"),
        ("latency=-1@7", "is no number from 0"),
        ("latency=nan@7", "is no number from 0"),
        ("429=soon@7", "429: the value 'soon' is none of Retry-After"),
        ("302=elsewhere@7", "302: the value 'elsewhere' is none of `same`"),
        ("latency+effect@7", "`effect` is for faults that answer instead"),
        ("change@7", "'' does not match"),
        ("change=petra@7", "'' does not match"),
        ("change=petra GET /users {@7", "Expecting property name"),
    ],
)
def test_what_is_no_fault_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        parse_short(text)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "where",
    ["/users/*", "PUT /users/18*", "GET /web/api/v2.1/users", "/**", "GET /**s", "/users/**",
     "POST /users/delete-*", "/*/*/policy", "GET /export/**", "PUT /users/*1*", "/**/{id}"],
)  # fmt: skip
def test_what_some_operation_could_meet_is_accepted(where: str) -> None:
    method, _, path = where.rpartition(" ")
    fault = parse_short(f"503@{where}")
    assert (fault.method, fault.path) == (method, path)


@pytest.mark.parametrize(
    "text",
    ["503@7", "503@7-9", "429=30@7-", "wrong-total=-1@GET /users", "500@5%",
     "504+effect@PUT /*/*#2", 'change=soar PUT /users/7 {"data": {}}@*', "change=soar GET /user@1"],
)  # fmt: skip
def test_a_fault_is_written_as_it_is_read(text: str) -> None:
    fault = parse_short(text)
    assert parse({"faults": [in_full(fault)]}).faults == (fault,)


def test_a_total_may_be_too_low() -> None:
    assert parse_short("wrong-total=-1@1").value == -1


def test_a_scenario_in_full() -> None:
    tree = {
        "about": "A bad morning",
        "seed": 7,
        "clock": "2026-11-23T09:00:00+01:00",
        "rate_limits": {"retry_after": "date", "limits": {"/users": [1, 2]}},
        "faults": [
            "503@7",
            {"kind": "429", "value": 30, "at": "2-4", "method": "GET", "path": "/users",
             "chance": 0.5, "count": 2, "effect": True},
            {"kind": "change", "about": "Petra is quicker", "at": 3, "when": "after",
             "requests": [{"as": "petra", "method": "PUT", "path": "/users/1", "body": {}}]},
        ],
    }  # fmt: skip
    assert parse(tree) == Scenario(
        (
            Fault("503", "", 7, 7),
            Fault("429", "30", 2, 4, "GET", "/users", 0.5, 2, effect=True),
            Fault("change", None, 3, 3, when="after",
                  requests=(Act("petra", "PUT", "/users/1", {}),)),
        ),
        7,
        RateLimits({"/users": (1, 2)}, "date"),
        datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    )  # fmt: skip


def test_an_empty_scenario_does_nothing() -> None:
    assert parse({}) == Scenario()
    assert parse({"rate_limits": False}).rate_limits is None
    assert parse({"rate_limits": True}).rate_limits == RateLimits(LIMITS, "none")
    assert parse({"clock": "2026-11-23T09:00"}).frozen == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "the scenario: [] is not of type 'object'"),
        ({"fault": []}, "the scenario: Additional properties are not allowed ('fault'"),
        ({"seed": "x"}, "seed: 'x' is not of type 'integer'"),
        ({"clock": "noon"}, "clock: 'noon' is no instant"),
        ({"clock": "0001-01-01T00:00:00+23:00"}, "clock: "),
        ({"rate_limits": {"retry_after": "never"}}, "rate_limits.retry_after: 'never' is not one"),
        ({"rate_limits": {"limits": {"users": [1, 1]}}}, "rate_limits.limits"),
        ({"rate_limits": {"limits": {"/users": [0, 1]}}}, "rate_limits.limits./users[0]: 0 is"),
        ({"faults": [5]}, "faults[0]: 5 is not of type"),
        ({"faults": ["503@7", {"at": 7}]}, "faults[1]: 'kind' is a required property"),
        ({"faults": ["503"]}, "faults[0]: '503' is no fault"),
        ({"faults": ["503@1", "503@0"]}, "faults[1]: at: '0' does not match"),
        ({"faults": [{"kind": "503", "path": "/usrs"}]}, "faults[0]: path: no operation"),
        ({"faults": [{"kind": "503", "at": 0}]}, "faults[0].at: 0 is less than"),
        ({"faults": [{"kind": "503", "nth": 1}]}, "('nth' was unexpected)"),
        ({"faults": [{"kind": "change"}]}, "faults[0]: a change, and nothing else"),
        ({"faults": [{"kind": "500", "requests": [
            {"as": "x", "method": "GET", "path": "/"}]}]}, "a change, and nothing else"),
        ({"faults": [{"kind": "change", "requests": []}]}, "faults[0].requests: [] "),
    ],
)  # fmt: skip
def test_what_is_no_scenario_is_told_with_its_place(tree: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        parse(tree)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_scenario_is_named(tmp_path: Path) -> None:
    path = tmp_path / "storm.json"
    for content in ("{", '{"seed": "x"}', "[" * 100_000):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"storm\.json: "):
            load(path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"seed": 1, "seed": 1}', "seed"),
        ('{"faults": ["503@1", {"kind": "503", "at": 1, "at": 2}]}', "faults[1].at"),
        ('{"faults": [{"requests": [{"body": {"a": {"b": 1, "b": 2}}}]}]}',
         "faults[0].requests[0].body.a.b"),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_is_named(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "storm.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r".") as told:
        load(path)
    assert str(told.value).startswith(f"{path}: {place}: stands twice")


def test_options_add_to_the_file_and_win_over_it(tmp_path: Path) -> None:
    path = tmp_path / "storm.json"
    tree = {"seed": 1, "rate_limits": True, "faults": ["503@7"]}
    path.write_text(json.dumps(tree), encoding="utf-8")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert from_arguments(parser.parse_args([])) == Scenario()
    assert parser.parse_args([]).log is True
    assert parser.parse_args(["--no-log"]).log is False
    from_file = from_arguments(parser.parse_args(["--scenario", str(path)]))
    assert from_file == parse(tree)
    both = from_arguments(
        parser.parse_args(
            ["--scenario", str(path), "--fault", "html@1", "--fault", "nan@2",
             "--fault-seed", "0", "--rate-limits", "seconds"]
        )
    )  # fmt: skip
    assert both == replace(
        from_file,
        faults=(*from_file.faults, Fault("html", None, 1, 1), Fault("nan", None, 2, 2)),
        seed=0,
        rate_limits=RateLimits(retry_after="seconds"),
    )
    plain = from_arguments(parser.parse_args(["--rate-limits"]))
    assert plain.rate_limits == RateLimits()


def test_the_schema_is_one_and_every_kind_can_be_written_in_short() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for name in KINDS:
        value = "=soar GET /users" if name == "change" else ""
        assert parse_short(f"{name}{value}@1").kind == name


def test_every_kind_that_the_reliability_reference_lists_is_there() -> None:
    wanted = {
        "400", "401", "403", "404", "409", "429", "500", "502", "503", "504", "301", "302", "307",
        "308", "html", "empty", "truncated", "truncated-no-length", "bad-gzip", "gzip-bomb",
        "drip", "reset-before", "reset-after", "duplicate-key", "nan", "missing-field",
        "wrong-type", "extra-field", "cursor-loop", "wrong-total", "short-page", "stale",
        "latency", "length-too-long", "length-too-short", "deep", "id-number", "missing-page",
        "repeated-row", "errors", "lag", "change",
    }  # fmt: skip
    assert wanted <= set(KINDS)
    assert len(KINDS) >= 50
