"""Published instances as a suite: what is run, for how long, and what is made of the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from benchmarks.instances import Published, gap_to_best
from benchmarks.measuring import Measurement, Point, within_seconds

#: Proved optima of so many items at most are to be reached in so many seconds.
SMALL, SMALL_SECONDS = 200, 10.0
#: Elsewhere: largest mean gap to the best known value, and largest gap of any instance.
MEAN_GAP, WORST_GAP = 0.0005, 0.005
#: Families without constraints; up to so many items optimality is to be proved, in so many
#: seconds, of so large a share.
FREE, PROVABLE, PROOF_SECONDS, PROOF_SHARE = ("cpp", "modularity", "wce"), 150, 60.0, 0.6
#: Time limit where the paper states none.
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """An instance, the seconds (or as much work) it was given, and what came out.

    Limited by work, it is judged by CPU seconds: the clock tells of the other work then.
    """

    instance: Published
    seconds: float
    found: Measurement
    by_work: bool = False

    @property
    def value(self) -> Decimal | None:
        """The published objective of the answer."""
        return None if self.found.objective is None else self._published(self.found.objective)

    @property
    def bound(self) -> Decimal | None:
        """The proved bound as a published objective (below the optimum for a cost)."""
        return None if self.found.bound is None else self._published(self.found.bound)

    @property
    def gap(self) -> float | None:
        """Share by which the answer is behind the best known value; below 0 when better."""
        if self.instance.best_known is None or self.value is None:
            return None
        return gap_to_best(self.instance, self.value)

    @property
    def reached(self) -> Point | None:
        """When the best known value was reached; ``None`` if it was not."""
        for point in self.found.trace:
            if point[2] is None or self.instance.best_known is None:
                continue
            if gap_to_best(self.instance, self._published(point[2])) <= 0:
                return point
        return None

    @property
    def fault(self) -> str:
        """What is wrong: the measurement's own fault, or a clash with a published optimum."""
        if self.found.fault:
            return self.found.fault
        if self.instance.best_known is None or not self.instance.usable:
            return ""
        tolerance = _last_digit(self.instance.best_known)
        sign = -1 if self.instance.minimise else 1
        best = sign * self.instance.best_known
        if self.bound is not None and sign * self.bound < best - tolerance:
            return f"bound {self.bound} excludes the published {self.instance.best_known}"
        if (
            self.instance.is_optimal
            and self.value is not None
            and sign * self.value > best + tolerance
        ):
            return f"{self.value} is better than the published optimum {self.instance.best_known}"
        return ""

    @property
    def proved(self) -> bool:
        """Optimality was proved."""
        return self.found.status == "OPTIMAL"

    def _published(self, objective: int) -> Decimal:
        scaled = objective if self.found.offset is None else self.found.offset - objective
        return Decimal(scaled) / self.found.scale


def _last_digit(value: Decimal) -> Decimal:
    """What a printed value may be off by; nothing where it is whole."""
    exponent = int(value.as_tuple().exponent)
    return Decimal(1).scaleb(exponent) if exponent < 0 else Decimal(0)


def limit_of(instance: Published, cap: float) -> float:
    """Seconds an instance is given: 10 for small proved optima, else the paper's, up to a cap."""
    if instance.is_optimal and instance.n <= SMALL:
        return min(SMALL_SECONDS, cap)
    return min(instance.paper_seconds or DEFAULT_SECONDS, cap)


def sampled(instances: Iterable[Published], number: int | None) -> list[Published]:
    """So many of each family, evenly spread over its instances by size; all without a number."""
    families: dict[str, list[Published]] = defaultdict(list)
    for instance in instances:
        families[instance.family].append(instance)
    out = []
    for members in families.values():
        ordered = sorted(members, key=lambda one: (one.n, one.name))
        if number is None or number >= len(ordered):
            out += ordered
        else:
            out += [ordered[(2 * at + 1) * len(ordered) // (2 * number)] for at in range(number)]
    return out


def fitted(
    instances: Sequence[Published], limit: Callable[[Published], float], minutes: float
) -> list[Published]:
    """The largest sample per family whose time limits add up to no more than so many minutes."""
    for number in range(len(instances), 1, -1):
        taken = sampled(instances, number)
        if sum(limit(one) for one in taken) <= 60 * minutes:
            return taken
    return sampled(instances, 1)


#: What was asked, how it came out, and whether it is met.
Score = Callable[[Sequence[Ran]], list[tuple[str, str, bool]]]


def scored(ran: Sequence[Ran]) -> list[tuple[str, str, bool]]:
    """The targets over published values."""
    out = []
    small = [r for r in ran if r.instance.is_optimal and r.instance.n <= SMALL]
    if small:
        reached = [r for r in small if within_seconds(r.reached, SMALL_SECONDS, r.by_work)]
        out.append(
            (
                f"proved optima, n ≤ {SMALL}, reached in {SMALL_SECONDS:g} s",
                f"{len(reached)} of {len(small)}",
                len(reached) == len(small),
            )
        )
    other = [
        r
        for r in ran
        if r.instance.usable and not (r.instance.is_optimal and r.instance.n <= SMALL)
    ]
    if other:
        gaps = [r.gap for r in other]
        known = [gap for gap in gaps if gap is not None]
        shown = f"{fmean(known):.4%}, {max(known):.4%}" if known else "no answers"
        lost = len(gaps) - len(known)
        out.append(
            (
                f"elsewhere mean gap ≤ {MEAN_GAP:.2%}, worst ≤ {WORST_GAP:.1%}",
                shown + (f", {lost} without an answer" if lost else ""),
                not lost and fmean(known) <= MEAN_GAP and max(known) <= WORST_GAP,
            )
        )
    return out


def proofs_scored(ran: Sequence[Ran]) -> list[tuple[str, str, bool]]:
    """Share of free partitions proved optimal."""
    free = [r for r in ran if _is_free(r.instance)]
    if not free:
        return []
    proved = sum(r.proved for r in free)
    return [
        (
            f"free partition, n ≤ {PROVABLE}, proved in {PROOF_SECONDS:g} s: {PROOF_SHARE:.0%}",
            f"{proved} of {len(free)} ({proved / len(free):.0%})",
            proved >= PROOF_SHARE * len(free),
        )
    ]


def provable(instances: Iterable[Published]) -> list[Published]:
    """Instances of which optimality is to be proved."""
    return [instance for instance in instances if _is_free(instance)]


def _is_free(instance: Published) -> bool:
    return instance.family.partition("/")[0] in FREE and instance.n <= PROVABLE


def new_best(ran: Iterable[Ran]) -> list[Ran]:
    """Answers better than the best known value (each was verified), where no optimum was proved."""
    return [
        r
        for r in ran
        if r.gap is not None and r.gap < 0 and not r.fault and not r.instance.is_optimal
    ]
