"""Suites in TOML: what they ask for, and every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.league.suites import BadSuite, read_suite, shipped_suites

KNOWN = ("a", "b")


def code(_strategy: str) -> str:
    return "c"


GOOD = """
title = "T"
seconds = 2
strategies = "all"
[[block]]
instances = ["free:5,3,{0..1}"]
[[block]]
instances = ["trap:5,2"]
strategies = ["b"]
seeds = [3, 4]
work = 1000
seconds = 9.0
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_runs_of_a_suite(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, GOOD), KNOWN, code)
    assert (suite.name, suite.title) == ("mine", "T")
    assert suite.instances == ("free:5,3,0", "free:5,3,1", "trap:5,2")
    assert [(key.instance, key.strategy, key.seed) for key in suite.keys] == [
        ("free:5,3,0", "a", 0),
        ("free:5,3,0", "b", 0),
        ("free:5,3,1", "a", 0),
        ("free:5,3,1", "b", 0),
        ("trap:5,2", "b", 3),
        ("trap:5,2", "b", 4),
    ]
    assert {(key.seconds, key.work) for key in suite.keys} == {(2.0, None), (9.0, 1000)}
    assert {key.code for key in suite.keys} == {"c"}
    assert sum(key.seconds for key in suite.keys) == 4 * 2 + 2 * 9


def test_the_same_run_is_asked_for_once(tmp_path: Path) -> None:
    twice = GOOD + '[[block]]\ninstances = ["free:5,3,0"]\nstrategies = ["a"]\n'
    assert len(read_suite(written(tmp_path, twice), KNOWN, code).keys) == 6


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = [", "mine.toml: "),
        ("", "no [[block]]"),
        ('[[block]]\ninstances=["trap:5,2"]', "seconds and strategies are wanted"),
        (GOOD + "minutes = 3", "minutes: no such setting"),
        (GOOD.replace('"b"', '"z"'), "no strategy 'z'"),
        (GOOD.replace("seconds = 2", 'seconds = "long"'), "seconds = 'long'"),
        (GOOD.replace("seconds = 2", "seconds = true"), "seconds = True"),
        (GOOD.replace("seconds = 2", "seconds = -2"), "seconds: Input should be greater than 0"),
        (GOOD.replace("[3, 4]", "[-1]"), "seed: Input should be greater"),
        (GOOD.replace("trap:5,2", "trap:x,2"), "is no instance of trap"),
        (GOOD.replace("{0..1}", "{a..b}"), "is no range of whole numbers"),
        (GOOD.replace('["trap:5,2"]', "[]"), "block 2: no instances"),
        (GOOD.replace("[3, 4]", "[]"), "seeds = []"),
        (GOOD.replace("[3, 4]", "[true]"), "seed: Input should be a valid integer"),
        (GOOD.replace('["b"]', "[]"), "strategies = []"),
        (GOOD.replace('["b"]', "[[], {}]"), "no strategy []"),
        (GOOD.replace("work = 1000", "work = 0"), "work: Input should be greater"),
        (GOOD.replace("9.0", "inf"), "seconds: Input should be a finite number"),
        (GOOD.replace("9.0", "9" * 400), "seconds: Input should be a finite number"),
        (GOOD.replace("{0..1}", "{5..3}"), "is a range of 0 numbers"),
        (GOOD.replace("{0..1}", "{0..1000000000}"), "is a range of"),
        (GOOD.replace("trap:5,2", "trap:4,100000000000000000000000"), "is no instance of trap"),
        ("a = " + "[" * 5_000, "mine.toml: "),
        ("block = 3\nseconds = 1.0", "must be written [[block]]"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BadSuite) as raised:
        read_suite(written(tmp_path, text), KNOWN, code)
    assert fault in str(raised.value)


def test_unknown_suites(tmp_path: Path) -> None:
    with pytest.raises(BadSuite, match="smoke"):
        read_suite(str(tmp_path / "none.toml"), KNOWN, code)


@pytest.mark.parametrize("name", shipped_suites())
def test_shipped_suites(name: str) -> None:
    """Each is read with the strategies there are."""
    from benchmarks.league.strategies import all_strategies

    suite = read_suite(name, list(all_strategies()), code)
    assert suite.keys
