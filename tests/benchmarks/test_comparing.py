"""Two tables of results: real changes are told, noise is not."""

from __future__ import annotations

import pytest

from benchmarks.league.comparing import compare
from benchmarks.league.rows import Answered, Key, Measured, Row


def row(
    objective: int | None,
    bound: int | None = None,
    *,
    at: int = 0,
    verdict: str = "ok",
    work: int | None = 1_000,
    seconds: float = 1.0,
    code: str = "old",
) -> Row:
    key = Key(f"free:9,9,{at}", "ours", 0, 5.0, work, 4_000, 1, code)
    answer = Answered(verdict, "why" if verdict == "disqualified" else "", objective, bound)
    return Row(key, answer, Measured(seconds=seconds), work is not None)


def test_nothing_changed() -> None:
    (change,), gone, new = compare([row(5)], [row(5, code="new")])
    assert (change.same, change.mean, gone, new) == (1, 0.0, 0, 0)
    assert not change.is_worse()


@pytest.mark.parametrize(
    ("before", "now", "field", "words"),
    [
        (row(100), row(110), "better", "100 became 110"),
        (row(100), row(90), "worse", "100 became 90"),
        (row(100, 120), row(100, 110), "better", "bound 120 became 110"),
        (row(100, 110), row(100, 120), "worse", "bound 110 became 120"),
        (row(100), row(100, 120), "better", "bound none became 120"),
        (row(100, 120), row(100), "worse", "bound 120 became none"),
        (row(100, 100), row(100, 101), "lost", "100 is not proved any more"),
        (row(100, 101), row(100, 100), "gained", "100 is proved"),
        (row(100), row(None, verdict="disqualified"), "faults", "disqualified: why"),
        (row(100), row(None, verdict="none"), "faults", "none"),
        (row(100), row(None, verdict="refused"), "faults", "refused"),
        (row(None, verdict="none"), row(3), "better", "was none"),
    ],
)
def test_each_change_is_named(before: Row, now: Row, field: str, words: str) -> None:
    (change,), _, _ = compare([before], [now])
    told = getattr(change, field)
    assert len(told) == 1
    assert words in told[0]
    assert change.same == 0


def test_what_is_worse() -> None:
    (change,), _, _ = compare([row(1_000)], [row(990)])
    assert change.mean == pytest.approx(-0.01)
    assert change.is_worse()
    assert not change.is_worse(0.02)
    (change,), _, _ = compare([row(100, 100)], [row(100, 105)])
    assert change.is_worse(0.5)  # a lost proof is no matter of shares
    (change,), _, _ = compare([row(100)], [row(None, verdict="disqualified")])
    assert change.is_worse(0.5)


def test_every_row_counts_where_nothing_is_noise() -> None:
    """A gain elsewhere does not make up for a loss, and a bound is as good as a value."""
    before = [row(100, at=0), row(100, at=1)]
    (change,), _, _ = compare(before, [row(50, at=0), row(160, at=1)])
    assert change.mean > 0
    assert change.deepest == pytest.approx(0.5)
    assert change.is_worse(0.4)
    (change,), _, _ = compare([row(100, 110)], [row(100, 132)])
    assert change.is_worse(0.19)
    assert not change.is_worse(0.21)
    (change,), _, _ = compare([row(100, 110)], [row(100)])
    assert change.is_worse(1e9)


def test_by_the_clock_a_bad_moment_is_no_fault() -> None:
    """No answer or a lost proof may be the machine's; a disqualification is the strategy's."""
    old = [row(1_000, 1_000, at=at, work=None) for at in range(3)]
    none = [row(None, at=0, verdict="none", work=None), *old[1:]]
    (change,), _, _ = compare(old, none)
    assert change.faults
    assert not change.is_worse()
    lost = [row(1_000, 1_001, at=0, work=None), *old[1:]]
    (change,), _, _ = compare(old, lost)
    assert change.lost
    assert not change.is_worse()
    out = [row(None, at=0, verdict="disqualified", work=None), *old[1:]]
    (change,), _, _ = compare(old, out)
    assert change.is_worse()


def test_by_the_clock_only_what_is_beyond_noise() -> None:
    """Half up and half down by as much is noise; all down is not."""
    before = [row(1_000, at=at, work=None) for at in range(20)]
    noisy = [row(1_000 + (10 if at % 2 else -10), at=at, work=None) for at in range(20)]
    (change,), _, _ = compare(before, noisy)
    assert not change.by_work
    assert change.low < 0 < change.high
    assert not change.is_worse()
    down = [row(980 + at % 3, at=at, work=None) for at in range(20)]
    (change,), _, _ = compare(before, down)
    assert change.high < 0
    assert change.is_worse()
    (change,), _, _ = compare(before[:2], down[:2])
    assert change.high < 0
    assert not change.is_worse()


def test_seconds_are_ratios_and_decide_nothing() -> None:
    before = [row(5, at=0, seconds=1.0), row(5, at=1, seconds=2.0)]
    now = [row(5, at=0, seconds=4.0), row(5, at=1, seconds=2.0)]
    (change,), _, _ = compare(before, now)
    assert change.seconds == pytest.approx(2.0)
    assert not change.is_worse()


def test_what_has_no_match_is_counted() -> None:
    changes, gone, new = compare([row(1, at=0), row(1, at=1)], [row(1, at=1), row(1, at=2)])
    assert (len(changes), gone, new) == (1, 1, 1)
    assert compare([row(1, at=0)], [row(1, at=3)])[0] == []
