"""States of simulated annealing: cells, and what they are worth and break together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.league.rivals.units import UNIT, Cell, Units
from solver import Grouping


class State:
    """Cells with numbers, and what they are worth and break together.

    Attributes
    ----------
    cells, ids : the cells by number; their numbers in a list, to draw from.
    home : number of each unit's cell, -1 outside.
    value, broken : exact value, and how much of the rules is broken.
    """

    def __init__(self, units: Units) -> None:
        self.units = units
        problem = units.problem
        self._least, self._most = problem.min_groups.tolist(), problem.max_groups.tolist()
        self._limit = problem.shared_limit.tolist()
        self._scale = [max(1, abs(limit)) for limit in self._limit]
        self._any_must = any(units.must)
        pins = []
        for p, pin in enumerate(problem.pinned):
            cell = units.cell(pin.kind, [units.unit_of[pin.members[0]]], p)
            if cell is None:
                units.flaw = "a pin breaks a rule"
                continue
            pins.append(cell)
        self.restore(pins)

    def restore(self, cells: Sequence[Cell]) -> None:
        """Become the state of these cells."""
        self.cells: dict[int, Cell] = {}
        self.ids: list[int] = []
        self._place: dict[int, int] = {}
        self._next = 0
        self.home = [-1] * len(self.units.items)
        self._counts = [0] * self.units.num_kinds
        self._used = [0] * len(self._limit)
        self._missing = sum(self.units.must)
        self._inside_broken = 0
        self.value, self.broken = 0, 0
        self.apply([], list(cells))

    def after(self, gone: Sequence[int], come: Sequence[Cell]) -> tuple[int, int]:
        """Value and broken after a change."""
        value, inside = self.value, self._inside_broken
        counts, used, missing = self._counts, self._used, self._missing
        old = [self.cells[at] for at in gone]
        for cell in old:
            value -= cell.value
            inside -= cell.broken
        for cell in come:
            value += cell.value
            inside += cell.broken
        if [cell.kind for cell in old] != [cell.kind for cell in come]:
            counts = list(counts)
            for cell in old:
                counts[cell.kind] -= 1
            for cell in come:
                counts[cell.kind] += 1
        if used:
            used = list(used)
            for sign, cells in ((-1, old), (1, come)):
                for cell in cells:
                    for s, amount in enumerate(cell.use):
                        used[s] += sign * amount
        if self._any_must:
            missing += self._musts(old) - self._musts(come)
        return value, inside + self._between(counts, used, missing)

    def apply(self, gone: Sequence[int], come: Sequence[Cell]) -> None:
        """Make a change."""
        self.value, self.broken = self.after(gone, come)
        for at in gone:
            self._count(self.cells.pop(at), -1, -1)
            place, last = self._place.pop(at), self.ids.pop()
            if last != at:
                self.ids[place], self._place[last] = last, place
        for cell in come:
            self._next += 1
            self.cells[self._next] = cell
            self._place[self._next] = len(self.ids)
            self.ids.append(self._next)
            self._count(cell, 1, self._next)

    def grouping(self) -> Grouping:
        """The solver's grouping of this state."""
        return self.units.grouping(self.cells.values())

    def _count(self, cell: Cell, sign: int, home: int) -> None:
        self._counts[cell.kind] += sign
        self._inside_broken += sign * cell.broken
        for s, amount in enumerate(cell.use):
            self._used[s] += sign * amount
        for u in cell.members:
            self.home[u] = home
        self._missing -= sign * self._musts([cell])

    def _musts(self, cells: Iterable[Cell]) -> int:
        must = self.units.must
        return sum(must[u] for cell in cells for u in cell.members) if self._any_must else 0

    def _between(self, counts: Sequence[int], used: Sequence[int], missing: int) -> int:
        """How much is broken of the rules on all groups together."""
        broken = float(missing)
        for k, count in enumerate(counts):
            if count > self._most[k]:
                broken += count - self._most[k]
            elif count < self._least[k]:
                broken += self._least[k] - count
        for s, use in enumerate(used):
            if use > self._limit[s]:
                broken += 0.3 + (use - self._limit[s]) / self._scale[s]
        return round(UNIT * broken)
