"""Two ways to write the pair values and pair bans of one kind in the exact model.

By slot (``SlotPairs``), for groups of limited size: ::

    both[s, i, j]   atoms i < j, after the first atom of slot s, are both in it

only where their pair value w is not 0; the pair of the first atom and i is ``in[s, i]`` itself. If
w > 0, both <= in[s, i] and both <= in[s, j] suffice, the maximisation does the rest; if w < 0,
both >= in[s, i] + in[s, j] - open[s] does. Banned pairs are covered by cliques, at most one atom of
each in the slot. Where all atoms must join, it is the capacity that limits the groups rather than
the values; then each size and resource row, multiplied by in[s, i], is added (a reformulation-
linearisation row, Adams & Sherali 1986), which is what makes such problems solvable at all.

By relation (``RelationPairs``), for groups of any size and mostly valued pairs: ::

    same[i, j]      atoms i and j are in one group of this kind

with same[i, j] + same[j, l] <= 1 + same[i, l] for all triples (Grötschel & Wakabayashi 1989), the
strong formulation of clique partitioning. A slot's members are its first atom's partners:
in[s, i] = open[s] and same[r, i]; an atom with a partner before it is no group's first.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Protocol

from ortools.sat.python import cp_model

from solver.exact_atoms import Atoms, Pair, bits, mask_of, ordered
from solver.problem import GroupingProblem

if TYPE_CHECKING:
    from solver.exact_model import ExactModel, Slot


class PairModel(Protocol):
    """The pairs of one kind."""

    def size(self) -> int:
        """Terms of all its rows."""

    def build(self, exact: ExactModel) -> None:
        """Add variables, rows and values."""

    def hint(self, model: cp_model.CpModel, groups: list[int]) -> None:
        """Hint the variables; groups of this kind come as masks of atoms."""


def pair_model(problem: GroupingProblem, atoms: Atoms, slots: list[Slot], kind: int) -> PairModel:
    """The better of the two ways for a kind."""
    eligible = list(bits(atoms.eligible[kind]))
    capped = sum(atoms.size[a] for a in eligible) > problem.max_size[kind] or any(
        sum(row[a] for a in eligible) > problem.resource_max[kind, r]
        for r, row in enumerate(atoms.quantity)
    )
    if not capped and 2 * len(atoms.pair_value[kind]) >= comb(len(eligible), 2) > 0:
        return RelationPairs(atoms, slots, kind)
    return SlotPairs(problem, atoms, slots, kind)


class SlotPairs:
    """Pairs by slot. See the module docstring."""

    def __init__(
        self, problem: GroupingProblem, atoms: Atoms, slots: list[Slot], kind: int
    ) -> None:
        self.atoms, self.slots = atoms, slots
        self.value = atoms.pair_value[kind]
        self.allowed = atoms.allowed[kind]
        self.valued = [0] * len(atoms)
        for a, b in self.value:
            self.valued[a] |= 1 << b
            self.valued[b] |= 1 << a
        self.both: list[dict[Pair, cp_model.IntVar]] = []
        self.capacities = []
        if all(atoms.must_join):
            sizes = (atoms.size, int(problem.min_size[kind]), int(problem.max_size[kind]))
            self.capacities.append(sizes)
            for r, row in enumerate(atoms.quantity):
                least, most = problem.resource_min[kind, r], problem.resource_max[kind, r]
                self.capacities.append((row, int(least), int(most)))

    def size(self) -> int:
        """Terms of all its rows."""
        terms = 0
        each = 6 + 4 * len(self.capacities)
        for slot in self.slots:
            mask = mask_of(slot.candidates)
            for i in slot.candidates:
                later = mask >> i + 1 << i + 1
                terms += each * (later & self.allowed[i] & self.valued[i]).bit_count()
                terms += 2 * (later & ~self.allowed[i]).bit_count()
        return terms

    def build(self, exact: ExactModel) -> None:
        """Add variables, rows and values."""
        for slot in self.slots:
            self._bans(exact, slot)
            for i, literal in slot.inside.items():
                exact.worth(literal, self.value.get(ordered(slot.first, i), 0))
            self.both.append(self._values(exact, slot))
            if self.capacities:
                self._members_capacities(exact, slot, self.both[-1])

    def _bans(self, exact: ExactModel, slot: Slot) -> None:
        """Cover the banned pairs by cliques: at most one of each, none in a closed slot."""
        mask = mask_of(slot.candidates)
        banned = {i: mask & ~self.allowed[i] & ~(1 << i) for i in slot.candidates}
        uncovered = dict(banned)
        for i in slot.candidates:
            while uncovered[i]:
                clique, common, pool = [i], banned[i], uncovered[i]
                while pool:
                    j = (pool & -pool).bit_length() - 1
                    clique.append(j)
                    common &= banned[j]
                    # Pairs not yet covered first; later ones may only enlarge the clique.
                    pool = common & uncovered[i] or common
                inside = mask_of(clique)
                for j in clique:
                    uncovered[j] &= ~inside
                exact.model.add_at_most_one([*(slot.inside[j] for j in clique), ~slot.open])

    def _values(self, exact: ExactModel, slot: Slot) -> dict[Pair, cp_model.IntVar]:
        both: dict[Pair, cp_model.IntVar] = {}
        mask = mask_of(slot.candidates)
        for i in slot.candidates:
            for j in bits((mask & self.allowed[i] & self.valued[i]) >> i + 1 << i + 1):
                worth = self.value[i, j]
                both[i, j] = pair = exact.model.new_bool_var("")
                exact.worth(pair, worth)
                one, other = slot.inside[i], slot.inside[j]
                if worth > 0:
                    exact.model.add_implication(pair, one)
                    exact.model.add_implication(pair, other)
                else:
                    exact.row([one, other, slot.open, pair], [1, 1, -1, -1], None, 0)
        return both

    def _members_capacities(
        self, exact: ExactModel, slot: Slot, both: dict[Pair, cp_model.IntVar]
    ) -> None:
        """Size and resource rows multiplied by in[s, i].

        ``both`` may differ from the true product, but never in its favour: in some optimal answer
        all are true products, so rows that hold for those cut no optimum off. A lower bound counts
        every possible mate, so it needs all the products of i to be there.
        """
        mask = mask_of(slot.candidates)
        partners: dict[int, list[tuple[int, cp_model.IntVar]]] = {i: [] for i in slot.candidates}
        for (i, j), pair in both.items():
            partners[i].append((j, pair))
            partners[j].append((i, pair))
        for i, mates in partners.items():
            complete = len(mates) == (mask & self.allowed[i]).bit_count()
            for amounts, least, most in self.capacities:
                have = amounts[slot.first] + amounts[i]
                pairs = [pair for j, pair in mates if amounts[j]]
                weights = [amounts[j] for j, _ in mates if amounts[j]]
                if sum(weights) + have > most:
                    exact.row([*pairs, slot.inside[i]], [*weights, have - most], None, 0)
                if complete and have < least:
                    exact.row([*pairs, slot.inside[i]], [*weights, have - least], 0, None)

    def hint(self, model: cp_model.CpModel, groups: list[int]) -> None:
        """Hint the variables; groups come as masks of atoms."""
        of_first = {(mask & -mask).bit_length() - 1: mask for mask in groups}
        for slot, both in zip(self.slots, self.both, strict=True):
            inside = of_first.get(slot.first, 0)
            for (i, j), pair in both.items():
                model.add_hint(pair, bool(inside >> i & inside >> j & 1))


class RelationPairs:
    """Pairs by relation. See the module docstring."""

    def __init__(self, atoms: Atoms, slots: list[Slot], kind: int) -> None:
        self.slots = slots
        self.value = atoms.pair_value[kind]
        self.allowed = atoms.allowed[kind]
        self.same: dict[Pair, cp_model.IntVar] = {}
        self.in_kind: dict[int, cp_model.IntVar] = {}
        self.members = list(bits(mask_of(a for s in slots for a in (s.first, *s.candidates))))

    def size(self) -> int:
        """Terms of all its rows."""
        count = len(self.members)
        return 9 * comb(count, 3) + 12 * comb(count, 2)

    def build(self, exact: ExactModel) -> None:
        """Add variables, rows and values."""
        model = exact.model
        homes: dict[int, list[cp_model.IntVar]] = {a: [] for a in self.members}
        for slot in self.slots:
            homes[slot.first].append(slot.open)
            for i, literal in slot.inside.items():
                homes[i].append(literal)
        for a, home in homes.items():
            self.in_kind[a] = model.new_bool_var("")
            model.add_exactly_one([*home, ~self.in_kind[a]])
        for i, j in combinations(self.members, 2):
            if self.allowed[i] >> j & 1:
                same = self.same[i, j] = model.new_bool_var("")
                exact.worth(same, self.value.get((i, j), 0))
                model.add_implication(same, self.in_kind[i])
                model.add_implication(same, self.in_kind[j])
        self._slots_are_classes(model)
        self._transitive(model)

    def _slots_are_classes(self, model: cp_model.CpModel) -> None:
        """A slot holds its first atom's partners, all of them later in the order."""
        for slot in self.slots:
            for a in self.members:
                same = self.same.get(ordered(slot.first, a))
                if same is None:
                    continue
                if a in slot.inside:
                    model.add_implication(slot.inside[a], same)
                    model.add_bool_or(~slot.open, ~same, slot.inside[a])
                else:
                    model.add_implication(same, ~slot.open)

    def _transitive(self, model: cp_model.CpModel) -> None:
        for a, b, c in combinations(self.members, 3):
            triple = [self.same.get(pair) for pair in ((a, b), (a, c), (b, c))]
            known = [same for same in triple if same is not None]
            if len(known) == 2:
                # The third pair is banned, so the atom they share cannot have both partners.
                model.add_at_most_one(known)
            elif len(known) == 3:
                for at in range(3):
                    model.add_bool_or(~known[at], ~known[at - 1], known[at - 2])

    def hint(self, model: cp_model.CpModel, groups: list[int]) -> None:
        """Hint the variables; groups come as masks of atoms."""
        for a, literal in self.in_kind.items():
            model.add_hint(literal, any(mask >> a & 1 for mask in groups))
        for (i, j), same in self.same.items():
            model.add_hint(same, any(mask >> i & mask >> j & 1 for mask in groups))
