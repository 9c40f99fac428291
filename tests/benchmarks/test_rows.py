"""The table of results: whole lines whatever happens, one writer, the first row of a key stands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.league.rows import Answered, Key, Measured, Row, RowsInUse, Table, read_rows


def row(seed: int, objective: int = 7, strategy: str = "greedy") -> Row:
    key = Key("free:5,3,0", strategy, seed, 1.0, 1_000, 4_000, 1, "abc")
    answer = Answered(
        "ok",
        objective=objective,
        groups=[[0, [1, 2]]],
        notes=["<é\n>", "a\u2028b\x85c\r"],
    )
    return Row(key, answer, Measured(seconds=0.5, when="2026-01-01T00:00:00Z"), True)


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.jsonl"
    with Table(path) as table:
        for seed in range(5):
            table.append(row(seed))
        assert row(3).key in table
        assert row(9).key not in table
    assert list(read_rows(path)) == [row(seed) for seed in range(5)]


def test_the_first_row_of_a_key_stands(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with Table(path) as table:
        table.append(row(1, 7))
        table.append(row(1, 8))
        assert table.rows[row(1).key.text].answer.objective == 7
    line = row(1, 9).to_line() + "\n"
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    with Table(path) as table:
        assert table.rows[row(1).key.text].answer.objective == 7


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 10_000))
def test_cut_anywhere_the_whole_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """A kill in mid-write leaves a torn last line at most: it is cut off, the rest goes on."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    whole = "".join(row(seed).to_line() + "\n" for seed in range(4)).encode()
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    assert len(list(read_rows(path))) == kept
    with Table(path) as table:
        assert len(table.rows) == kept
        for seed in range(4):
            table.append(row(seed))
    assert path.read_bytes() == whole


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row(1).to_line() + "\nnonsense\n" + row(2).to_line() + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2"):
        Table(path)
    path.write_text('{"key": {}, "answer": {}, "measured": {}}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: not a row"):
        list(read_rows(path))


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with Table(path), pytest.raises(RowsInUse):
        Table(path)
    with Table(path) as table:  # the lock went with the first
        table.append(row(1))


def test_what_is_fixed_leaves_out_what_is_measured() -> None:
    slow = dataclasses.replace(row(1), measured=Measured(seconds=99.0))
    assert slow.fixed() == row(1).fixed()
    assert slow.fixed() != row(1, 8).fixed()
    assert slow.fixed() != row(2).fixed()
