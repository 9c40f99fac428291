"""A grouping that is being written: moves of single atoms, undone at will, rules priced exactly.

Groups of a draft never hold an atom that may not be in their kind, nor a banned pair, and pins
never leave: those rules are kept. All others may be broken on the way (sizes, amounts, numbers of
groups, shared limits, must-join); ``off`` says by how much. Plain Python integers, for the light
strategies and ``repair``; the annealing search has its own state of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from solver.grouping import Grouping
from solver.search.atoms import FREE, FROZEN_PIN, Atoms

#: ``off`` of one item too many or missing, one group too many or missing.
UNIT = 1000


@dataclass(slots=True)
class Held:
    """One group of a draft: its atoms and its sums."""

    kind: int
    frozen: bool = False
    pinned: bool = False
    atoms: list[int] = field(default_factory=list)
    size: int = 0
    amounts: list[int] = field(default_factory=list)
    linear: int = 0
    curved: int = 0
    off: int = 0


class Draft:
    """See the module docstring.

    Attributes
    ----------
    groups : the groups by number.
    home : number of each atom's group, -1 outside.
    value : total value of the groups.
    off : how far the rules are from being kept; 0 exactly when the draft is feasible.
    """

    def __init__(self, atoms: Atoms) -> None:
        problem = atoms.problem
        self.atoms = atoms
        self.groups: dict[int, Held] = {}
        self.home = [-1] * atoms.num_atoms
        self.value = 0
        self.counts = [0] * problem.num_kinds
        self.use = [0] * problem.num_shared_limits
        self._next = 0
        self._rows: dict[int, dict[int, int]] = {}
        self._log: list[Callable[[], None]] = []
        self._size = atoms.size.tolist()
        self._must = atoms.must.tolist()
        self._own = atoms.own.tolist()
        self._amount = atoms.amount.tolist()
        self._least, self._most = problem.resource_min.tolist(), problem.resource_max.tolist()
        self._low, self._high = problem.min_size.tolist(), problem.max_size.tolist()
        self._fewest, self._greatest = problem.min_groups.tolist(), problem.max_groups.tolist()
        self._curves: list[list[tuple[int, Any]]] = [[] for _ in problem.kinds]
        for k, r, curve in problem.curve_items():
            self._curves[k].append((r, curve))
        self._limit = problem.shared_limit.tolist()
        self._group_use = problem.shared_group_use.T.tolist()
        # What one unit of ``off`` means where amounts are not counted in items.
        sums = atoms.amount.sum(axis=0, dtype=object).tolist()
        self._amount_unit = [max(1, int(s) // max(1, atoms.num_atoms)) for s in sums]
        uses = abs(atoms.use).max(axis=(0, 1), initial=0).tolist()
        group_uses = abs(problem.shared_group_use).max(axis=1, initial=0).tolist()
        self._use_unit = [max(1, a, b) for a, b in zip(uses, group_uses, strict=True)]
        self.off = sum(UNIT for m in self._must if m)
        self.off += sum(self._count_off(k) for k in range(problem.num_kinds))
        self.off += sum(self._use_off(s) for s in range(problem.num_shared_limits))
        for a in range(atoms.num_atoms):
            if atoms.role[a] != FREE:
                self.open(int(atoms.home_kind[a]), [a])
                held = self.groups[self.home[a]]
                held.pinned, held.frozen = True, bool(atoms.role[a] == FROZEN_PIN)
        self._log.clear()

    # -- questions ----------------------------------------------------------------------------

    def row(self, a: int) -> dict[int, int]:
        """Stored neighbours of an atom, each with its position in ``pair_value``."""
        row = self._rows.get(a)
        if row is None:
            start, end = int(self.atoms.ptr[a]), int(self.atoms.ptr[a + 1])
            row = dict(zip(self.atoms.adj[start:end].tolist(), range(start, end), strict=True))
            self._rows[a] = row
        return row

    def joint(self, a: int, members: Iterable[int], kind: int) -> tuple[int, list[int]]:
        """Value of an atom's pairs with others in a kind, and those it may not be with."""
        atoms = self.atoms
        values = atoms.pair_value[kind if len(atoms.pair_value) > 1 else 0]
        bad = atoms.pair_bad[kind if len(atoms.pair_bad) > 1 else 0]
        row, total, against = self.row(a), 0, []
        for b in members:
            if b == a:
                continue
            e = row.get(b)
            if e is None:
                if atoms.absent_bad:
                    against.append(b)
            elif bad[e]:
                against.append(b)
            else:
                total += int(values[e])
        return total, against

    def admits(self, g: int, a: int) -> bool:
        """Whether the rules that are always kept let an atom join a group."""
        held = self.groups[g]
        if held.frozen or not self.atoms.fit[held.kind, a] or self.atoms.role[a] != FREE:
            return False
        return not self.joint(a, held.atoms, held.kind)[1]

    def movable(self, a: int) -> bool:
        """Whether an atom is no pin."""
        return bool(self.atoms.role[a] == FREE)

    def missing(self) -> list[int]:
        """Atoms outside that must join."""
        return [a for a, g in enumerate(self.home) if g < 0 and self._must[a]]

    def shared_off(self) -> list[int]:
        """Shared limits used beyond what they allow."""
        return [s for s, limit in enumerate(self._limit) if self.use[s] > limit]

    def room_for(self, kind: int, members: Iterable[int]) -> bool:
        """Whether one more group would leave its kind's number and the shared limits no worse."""
        if self.counts[kind] >= self._greatest[kind]:
            return False
        more = list(self._group_use[kind])
        for a in members:
            for s, u in enumerate(self.atoms.use[kind, a].tolist()):
                more[s] += u
        return all(
            m <= 0 or u + m <= limit
            for m, u, limit in zip(more, self.use, self._limit, strict=True)
        )

    def grouping(self) -> Grouping:
        """The grouping as it stands."""
        return self.atoms.grouping((held.kind, held.atoms) for held in self.groups.values())

    # -- moves --------------------------------------------------------------------------------

    def open(self, kind: int, members: Iterable[int]) -> int:
        """Make a group of atoms that are outside; returns its number."""
        g = self._next
        self._next += 1
        held = Held(kind, amounts=[0] * len(self._amount_unit))
        self.groups[g] = held
        self._number(kind, 1)
        self.value += int(self.atoms.problem.open_values[kind])
        self._refresh(held)
        self._log.append(lambda: self._close(g))
        for a in members:
            self.put(a, g)
        return g

    def put(self, a: int, g: int) -> None:
        """Put an atom that is outside into a group."""
        held = self.groups[g]
        link = self.joint(a, held.atoms, held.kind)[0] + self._own[held.kind][a]
        self._add(a, held, g, link, 1)
        self._log.append(lambda: self._add(a, held, g, -link, -1))

    def take(self, a: int) -> None:
        """Take an atom out of its group; a group left empty closes."""
        g = self.home[a]
        held = self.groups[g]
        link = self.joint(a, held.atoms, held.kind)[0] + self._own[held.kind][a]
        self._add(a, held, g, -link, -1)
        self._log.append(lambda: self._add(a, held, g, link, 1))
        if not held.atoms:
            self._close(g)
            self._log.append(lambda: self._reopen(g, held))

    def dissolve(self, g: int) -> None:
        """Take all atoms out of a group."""
        for a in list(self.groups[g].atoms):
            self.take(a)

    def move(self, a: int, g: int) -> None:
        """Put an atom into a group, wherever it is."""
        if self.home[a] >= 0:
            self.take(a)
        self.put(a, g)

    def mark(self) -> int:
        """A point ``undo`` can return to."""
        return len(self._log)

    def undo(self, mark: int) -> None:
        """Return to a point; the order of atoms inside groups may differ."""
        while len(self._log) > mark:
            self._log.pop()()

    def commit(self) -> None:
        """Forget how to undo."""
        self._log.clear()

    # -- sums ---------------------------------------------------------------------------------

    def _add(self, a: int, held: Held, g: int, link: int, sign: int) -> None:
        if sign > 0:
            held.atoms.append(a)
            self.home[a] = g
        else:
            held.atoms.remove(a)
            self.home[a] = -1
        if self._must[a]:
            self.off -= sign * UNIT
        held.size += sign * self._size[a]
        for r, amount in enumerate(self._amount[a]):
            held.amounts[r] += sign * amount
        for s, u in enumerate(self.atoms.use[held.kind, a].tolist()):
            self._spend(s, sign * u)
        held.linear += link
        self.value += link
        self._refresh(held)

    def _close(self, g: int) -> None:
        held = self.groups.pop(g)
        self._number(held.kind, -1)
        self.value -= held.curved + int(self.atoms.problem.open_values[held.kind])
        self.off -= held.off
        held.curved = held.off = 0

    def _reopen(self, g: int, held: Held) -> None:
        self.groups[g] = held
        self._number(held.kind, 1)
        self.value += int(self.atoms.problem.open_values[held.kind])
        self._refresh(held)

    def _refresh(self, held: Held) -> None:
        k = held.kind
        curved = sum(curve.value(held.amounts[r]) for r, curve in self._curves[k])
        off = UNIT * max(0, self._low[k] - held.size, held.size - self._high[k])
        for r, amount in enumerate(held.amounts):
            far = max(0, self._least[k][r] - amount, amount - self._most[k][r])
            off += -(-UNIT * far // self._amount_unit[r])
        self.value += curved - held.curved
        self.off += off - held.off
        held.curved, held.off = curved, off

    def _number(self, kind: int, change: int) -> None:
        self.off -= self._count_off(kind)
        self.counts[kind] += change
        self.off += self._count_off(kind)
        for s, u in enumerate(self._group_use[kind]):
            self._spend(s, change * u)

    def _count_off(self, kind: int) -> int:
        count = self.counts[kind]
        return UNIT * max(0, self._fewest[kind] - count, count - self._greatest[kind])

    def _spend(self, s: int, change: int) -> None:
        if change:
            self.off -= self._use_off(s)
            self.use[s] += change
            self.off += self._use_off(s)

    def _use_off(self, s: int) -> int:
        return -(-UNIT * max(0, self.use[s] - self._limit[s]) // self._use_unit[s])
