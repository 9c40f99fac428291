"""The oracle and the generators themselves: whoever judges has to be judged first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given

from solver import GroupingProblem

from .judging import numbered_problem
from .oracle import (
    Optimum,
    PlainGroup,
    best_grouping,
    feasible_groupings,
    read,
    total_value,
    violated_rules,
)
from .problems import UNBOUNDED, build, from_toml, plain_fields, problems, random_problem, to_toml
from .reducing import reduced

SEED = 7

# All that may be left out, by their names in TOML.
FIELDS_TO_USE = (
    "item_values",
    "open_values",
    "pairs",
    "pair_values",
    "pair_allowed",
    "absent_pairs",
    "min_size",
    "max_size",
    "min_groups",
    "max_groups",
    "eligible",
    "resources",
    "resource_min",
    "resource_max",
    "[[curve]]",
    "shared_group_use",
    "shared_item_use",
    "shared_limit",
    "must_join",
    "together",
    "apart",
    "[[pinned]]",
    "pinned_may_grow",
)


def every_grouping(num_items: int, num_kinds: int) -> Iterator[list[PlainGroup]]:
    """All sets of disjoint groups: a label for every item (0 is out), a kind for every label."""
    for labels in product(range(num_items + 1), repeat=num_items):
        used = list(dict.fromkeys(label for label in labels if label))
        if used != list(range(1, len(used) + 1)):
            continue  # the same groups under other labels
        parts = [tuple(i for i in range(num_items) if labels[i] == label) for label in used]
        for kinds in product(range(num_kinds), repeat=len(parts)):
            yield list(zip(kinds, parts, strict=True))


@pytest.mark.parametrize("chunk", range(4))
def test_search_agrees_with_plain_enumeration(chunk: int) -> None:
    """Cutting branches loses nothing: judging each and every grouping finds the same."""
    for index in range(40 * chunk, 40 * (chunk + 1)):
        problem = random_problem(np.random.default_rng([SEED, index]), max_items=4)
        facts = read(problem)
        feasible = {
            tuple(sorted(groups)): total_value(facts, groups)
            for groups in every_grouping(facts.num_items, facts.num_kinds)
            if not violated_rules(facts, groups)
        }
        best = best_grouping(problem)
        assert (best and best.objective) == max(feasible.values(), default=None), to_toml(problem)
        found = feasible_groupings(problem)
        assert {tuple(sorted(o.groups)): o.objective for o in found} == feasible, to_toml(problem)
        assert len(found) == len(feasible), to_toml(problem)


def test_number_of_groupings() -> None:
    """With one kind and no rules there are as many as partitions of one more item: Bell numbers."""
    counts = [
        len(feasible_groupings(GroupingProblem(num_items=n, kinds=("A",)))) for n in range(1, 7)
    ]
    assert counts == [2, 5, 15, 52, 203, 877]


@given(problems())
def test_toml_round_trip(problem: GroupingProblem) -> None:
    """A problem read back from its TOML is the same, field by field."""
    text = to_toml(problem)
    assert plain_fields(from_toml(text)) == plain_fields(problem)
    assert to_toml(from_toml(text)) == text


def test_toml_leaves_out_neutral_fields() -> None:
    """What is neutral is not written, and no bound is written as infinite."""
    problem = build(
        {
            "num_items": 2,
            "kinds": ('a "quoted" name',),
            "item_values": [[0, 0]],
            "resources": [[1, 2], [0, 5]],
            "resource_max": [[UNBOUNDED, 4]],
            "pinned_may_grow": (),
        }
    )
    assert to_toml(problem).splitlines() == [
        "num_items = 2",
        'kinds = ["a \\"quoted\\" name"]',
        "resources = [[1, 2], [0, 5]]",
        "resource_max = [[inf, 4]]",
    ]


def _has_a_grown_pin(problem: GroupingProblem) -> bool:
    best = best_grouping(problem)
    pins = [set(pin.members) for pin in problem.pinned]
    return best is not None and any(
        pin < set(members) for _, members in best.groups for pin in pins
    )


def test_reducing_keeps_only_what_matters() -> None:
    """Problems whose best grouping grows a pin come down to one pin and one other item."""
    drawn = (numbered_problem(SEED, index)[0] for index in range(600))
    grown = [problem for problem in drawn if _has_a_grown_pin(problem)][:4]
    assert len(grown) == 4
    for problem in grown:
        small = reduced(problem, _has_a_grown_pin)
        assert _has_a_grown_pin(small)
        assert (small.num_items, len(small.kinds), len(small.pinned)) == (2, 1, 1)
        assert len(small.pairs) + len(small.resources) + len(small.shared_limit) == 0


def test_nothing_is_cut_where_nothing_else_fails() -> None:
    """A problem that fails only as it is comes back as it is, after cuts were tried."""
    for index in range(20):
        problem, _ = numbered_problem(SEED, index)
        tried: list[GroupingProblem] = []

        def never(smaller: GroupingProblem, tried: list[GroupingProblem] = tried) -> bool:
            tried.append(smaller)
            return False

        assert plain_fields(reduced(problem, never)) == plain_fields(problem)
        assert tried


def test_generator_repeats() -> None:
    """The same generator state gives the same problem."""
    first, second = (random_problem(np.random.default_rng(3), 6) for _ in range(2))
    assert plain_fields(first) == plain_fields(second)


def test_generator_mix() -> None:
    """Bulk problems are mostly feasible, mostly not trivial, and use every field."""
    drawn = [numbered_problem(SEED, index) for index in range(600)]
    answers: list[Optimum] = [best for _, best in drawn if best is not None]
    assert 0.6 <= len(answers) / len(drawn) <= 0.85
    assert sum(len(best.groups) > 1 for best in answers) / len(drawn) > 0.3
    assert sum(best.objective != 0 for best in answers) / len(drawn) > 0.5
    written = [to_toml(problem) for problem, _ in drawn]
    for name in FIELDS_TO_USE:
        assert sum(f"\n{name}" in text for text in written) >= 20, name
