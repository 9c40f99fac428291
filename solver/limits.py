"""What ends a solve."""

from __future__ import annotations

from dataclasses import dataclass

from solver.errors import InvalidLimits

#: Work units per CP-SAT deterministic second. One unit is about a microsecond on a 2020s core;
#: CP-SAT documents its deterministic time as being of the order of seconds.
WORK_PER_DETERMINISTIC_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one solve; the first that is reached ends it.

    Attributes
    ----------
    seconds : wall-clock seconds for everything, ``None`` for no limit; ignored with ``work``.
    work : deterministic work units (about a microsecond each), ``None`` for no limit. When set,
        nothing but work stops any inner step and one worker is used, so the same problem, seed,
        strategy and work give the same grouping, byte for byte.
    gap : stop when (bound - objective) / max(|bound|, |objective|, 1) is at most this.
    workers : threads a strategy may use (1 when ``work`` is set).
    seed : seed of every random choice, 0..2**31-1.
    """

    seconds: float | None = 60.0
    work: int | None = None
    gap: float = 0.0
    workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.seconds is not None and not 0 < self.seconds < 1e9:
            faults.append(f"seconds = {self.seconds!r}: must be above 0 and below 1e9, or None")
        if self.work is not None and not (isinstance(self.work, int) and 0 < self.work <= 2**62):
            faults.append(f"work = {self.work!r}: must be a whole number from 1 to 2**62, or None")
        if not 0 <= self.gap < 1e9:
            faults.append(f"gap = {self.gap!r}: must be 0 or more")
        if not (isinstance(self.workers, int) and 1 <= self.workers <= 4096):
            faults.append(f"workers = {self.workers!r}: must be a whole number from 1 to 4096")
        if not (isinstance(self.seed, int) and 0 <= self.seed < 2**31):
            faults.append(f"seed = {self.seed!r}: must be a whole number from 0 to 2**31 - 1")
        if faults:
            raise InvalidLimits("; ".join(faults))

    @property
    def effective_workers(self) -> int:
        """Workers that may really run: one whenever the result must be deterministic."""
        return 1 if self.work is not None else self.workers
