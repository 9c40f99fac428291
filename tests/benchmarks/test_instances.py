"""Readers of published instances, on hand-written files of each format and on the real ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.instances import (
    InstancesMissing,
    Published,
    Read,
    gap_to_best,
    instances_root,
    published,
    read,
    read_as,
    read_capacitated_clustering,
    read_clique_partitioning,
    read_cluster_editing,
    read_cplib_solution,
    read_diverse_grouping,
    read_handover,
    read_knapsack,
    read_tpsdp_solution,
)
from solver import Group, Grouping, verify


def worth(read_one: Read, *groups: tuple[int, ...], kinds: tuple[int, ...] = ()) -> Decimal:
    """Published value of a feasible grouping."""
    of = kinds or (0,) * len(groups)
    grouping = Grouping(Group(k, members) for k, members in zip(of, groups, strict=True))
    verdict = verify(read_one.problem, grouping)
    assert verdict.feasible, verdict.violations
    assert verdict.objective is not None
    return read_one.value(verdict.objective)


def rules_broken(read_one: Read, *groups: tuple[int, ...]) -> set[str]:
    verdict = verify(read_one.problem, Grouping(Group(0, members) for members in groups))
    return {violation.rule for violation in verdict.violations}


def test_clique_partitioning() -> None:
    found = read_clique_partitioning("4\n3 -1 0 \n2 -2\n-9999\n\n")
    assert worth(found, (0, 1, 2), (3,)) == 4
    assert worth(found, (0, 1), (2,), (3,)) == 3
    assert rules_broken(found, (0, 1), (2, 3)) == {"pair"}
    assert rules_broken(found, (0, 1), (2,)) == {"must_join"}
    assert found.problem.num_pairs == 5  # the pair worth 0 is not listed


def test_cluster_editing_is_a_cost() -> None:
    found = read_cluster_editing("3\n1 2 5\n1 3 -4\n2 3 2\n")
    assert worth(found, (0, 1, 2)) == 4  # one edge added
    assert worth(found, (0, 1), (2,)) == 2  # one edge deleted
    assert worth(found, (0,), (1,), (2,)) == 7


def test_diverse_grouping_scales_exactly() -> None:
    found = read_diverse_grouping(
        "4 2 ds 1 3 2 2 \n0 1 1.250\n0 2 0.5\n0 3 0\n1 2 10.000\n1 3 .125\n2 3 7\n".replace(
            " .", " 0."
        )
    )
    assert found.scale == 1000
    assert found.problem.kinds == ("1 to 3", "2 to 2")
    assert worth(found, (0, 3), (1, 2), kinds=(0, 1)) == 10
    assert worth(found, (0, 2), (1, 3), kinds=(0, 1)) == Decimal("0.625")
    assert rules_broken(found, (0, 1, 2, 3)) == {"num_groups", "size"}


def test_equal_bounds_are_one_kind() -> None:
    found = read_diverse_grouping("4 2 ss 2 2 2 2\n0 1 1\n0 2 2\n0 3 3\n1 2 4\n1 3 5\n2 3 6\n")
    assert found.problem.kinds == ("2 to 2",)
    assert worth(found, (0, 1), (2, 3)) == 7
    assert rules_broken(found, (0, 1)) == {"must_join", "num_groups"}


def test_capacitated_clustering_bounds_weights() -> None:
    found = read_capacitated_clustering(
        "3 2 ds 2 5 2 5 W 2 2 3\n0 1 1.5\n0 2 4.0\n1 2 6.03204\n",
    )
    assert worth(found, (1, 2), (0,)) == Decimal("6.03204")
    assert "resource" in rules_broken(found, (0, 1, 2))


def test_handover_minimises_the_cut_of_ordered_pairs() -> None:
    found = read_handover("3\n2\n4.5\n2\n2.25\n2.251\n0 1 2\n3 0 4\n5 6 0\n")
    assert worth(found, (0, 1), (2,)) == 2 + 4 + 5 + 6
    assert "resource" in rules_broken(found, (1, 2), (0,))  # 4.501 is above 4.5
    assert "num_groups" in rules_broken(found, (0,), (1,), (2,))


def test_handover_may_leave_groups_empty() -> None:
    found = read_handover("2\n2\n9\n1\n1\n0 1\n1 0\n")
    assert worth(found, (0, 1)) == 0


def test_knapsack() -> None:
    found = read_knapsack("r_3\n3\n4 5 6\n3 0\n1\n0\n2\n5 5\n2 3 4\n1.42\n")
    assert worth(found, (0, 1), (2,)) == 4 + 5 + 3 + 6
    assert worth(found, (2,)) == 6
    assert rules_broken(found, (1, 2)) == {"resource"}


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (read_clique_partitioning, "4\n1 2 3\n", "6 weights expected"),
        (read_clique_partitioning, "2\nnan\n", "plain decimal number expected, 'nan'"),
        (read_cluster_editing, "2\n1 2\n", "lines of three"),
        (read_diverse_grouping, "2 2 ss 1 1\n0 1 1\n", "2 pairs of bounds"),
        (read_capacitated_clustering, "2 1 ss 1 1 W 1\n0 1 1\n", "2 node weights"),
        (read_handover, "2\n1\n9\n1\n1\n0 1\n1\n", "matrix of 4"),
        (read_knapsack, "x\n2\n1 1\n1\n0\n1\n9\n1\n", "2 weights expected"),
        (read_knapsack, "x\n2\n1 1\n1\n7\n1\n9\n1 1\n", "number of knapsacks"),
    ],
)
def test_wrong_files_are_refused(reader: object, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reader(text)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("family", "text", "message"),
    [
        ("cpp/X", "3\n1 2\nx\n", "line 3: a plain decimal number expected, 'x'"),
        ("cpp/X", "3.5\n1\n", "line 1: a whole number expected, '3.5'"),
        ("cpp/X", "4\n1 2 3\n", "line 2, its last: 6 weights expected"),
        ("cpp/X", "", "line 1, its last: more numbers expected"),
        ("wce/X", "3\n1 2 1\n1 4 1\n", "line 3: two different nodes from 1 to 3 expected, 1 and 4"),
        ("wce/X", "3\n1 2 1\n2 2 1\n", "line 3: two different nodes"),
        ("wce/X", "3\n1 2 1\n2 b 1\n", "line 3: a whole number expected, 'b'"),
        ("mdgp/X", "3 1 ss 3 3\n0 1 1\n0 2 1e5\n", "line 3: a plain decimal number"),
        ("mdgp/X", "3 1 ss 3 3\n0 1 1\n0 3 1\n", "line 3: two different nodes from 0 to 2"),
        ("ccp/X", "3 1 ss 3 3\n0 1 1\n", "line 1: W expected"),
        ("ccp/X", "2 1 ss 1 4 W 1 -\n0 1 1\n", "line 1: a plain decimal number"),
        ("ccp/Handover", "2\n1\n9\n1\n1\n0 1\n1\n", "line 7, its last: a matrix of 4"),
        ("qmkp/X", "x\n2\n1 1\n?\n0\n1\n9\n1 1\n", "line 4: a plain decimal number"),
        ("qmkp/X", "x\n2\n1 1\n1\n", "line 4, its last: 0 and the number of knapsacks"),
    ],
)
def test_the_line_is_named(tmp_path: Path, family: str, text: str, message: str) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.txt") as raised:
        read_as(family, path)
    assert message in str(raised.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"wrong\.txt is no text"):
        read_as("cpp/X", path)


HEAD = (
    "instance,family,n,groups,lower,upper,best_known,is_optimal,source,paper_time_s,sense,grade,"
    "published_avg,published_worst,check,check_value,note,file\n"
)


def test_list_of_best_known_values(tmp_path: Path) -> None:
    (tmp_path / "cpp").mkdir()
    (tmp_path / "cpp" / "best_known.csv").write_text(
        HEAD + "a,cpp/X,2,free,1,2,7,1,src,3600,max,A,,,,,,cpp/a.txt\n"
        'b,cpp/X,2,free,1,2,9,0,src,7.5,max,W,,,,,"mean time, cut-off 500 s",cpp/b.txt\n'
        "c,cpp/X,2,free,1,2,9,0,src,,min cost,-,,,,,,cpp/c.txt\n"
        "absent,cpp/X,2,free,1,2,9,0,src,,max,A,,,,,,\n"
    )
    (tmp_path / "cpp" / "a.txt").write_text("2\n7\n")
    first, second, third = published(instances_root(tmp_path))
    assert (first.name, first.best_known, first.is_optimal, first.paper_seconds) == (
        "a",
        7,
        True,
        3600,
    )
    assert first.usable
    assert not second.usable
    assert second.paper_seconds == 500
    assert third.minimise
    assert worth(read(first), (0, 1)) == 7
    assert gap_to_best(first, Decimal(6)) == pytest.approx(1 / 7)
    assert gap_to_best(third, Decimal(12)) == pytest.approx(1 / 3)


def test_missing_folder_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(InstancesMissing, match="GROUPING_INSTANCES"):
        instances_root(tmp_path)


def _at_hand() -> Path:
    try:
        return instances_root()
    except InstancesMissing as missing:
        pytest.skip(str(missing))


def test_published_cliques_give_the_published_value() -> None:
    root = _at_hand()
    checked = 0
    for instance in published(root, ["cpp"]):
        for path in instance.path.parent.glob("Optimal/*_opt.txt"):
            # Names differ in case; the large ones add seconds, not formats.
            if path.name.lower() != f"{instance.path.stem.lower()}_opt.txt" or instance.n > 200:
                continue
            value, grouping = read_cplib_solution(path.read_text(encoding="utf-8"))
            found = read(instance)
            verdict = verify(found.problem, grouping)
            assert verdict.feasible, instance.name
            assert found.value(verdict.objective or 0) == value == instance.best_known
            checked += 1
    assert checked


def test_published_diverse_groupings_give_the_published_value() -> None:
    root = _at_hand()
    checked = 0
    for instance in published(root, ["mdgp"]):
        path = root / "mdgp" / "solutions" / f"{instance.path.stem}_tpsdp.txt"
        if not path.is_file():
            continue
        found = read(instance)
        value, grouping = read_tpsdp_solution(path.read_text(encoding="utf-8"), found.problem)
        verdict = verify(found.problem, grouping)
        assert verdict.feasible, instance.name
        # The authors add up in floating point.
        assert abs(found.value(verdict.objective or 0) - value) < Decimal("0.001")
        checked += 1
    assert checked


@pytest.mark.slow
def test_every_instance_at_hand_is_read() -> None:
    root = _at_hand()
    every = published(root)
    for instance in every:
        assert read(instance).problem.num_items == instance.n
    assert any(isinstance(instance, Published) and instance.usable for instance in every)
