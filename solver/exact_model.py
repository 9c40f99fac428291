"""The whole problem as one CP-SAT model: groups named by their first atom.

Atoms (``exact_atoms``) are numbered. Every group has exactly one first atom r, so a *slot*
s = (r, k), "a group of kind k whose first atom is r", holds one group at most, and renaming groups
makes no second solution. The Booleans are ::

    open[s]      slot s holds a group; atom r is then in it
    in[s, i]     atom i > r is in it                                in[s, i] <= open[s]

and the model maximises ::

    sum_s (open_value[k] + value[k, r]) open[s] + sum_{s,i} value[k, i] in[s, i]
      + pair values (``exact_pairs``) + curves (``exact_curves``)

Every row is homogeneous in ``open``: a closed slot meets it, and the linear relaxation is as tight
as that of one group alone. A curve is a choice of one piece for an open slot, so a closed slot is
worth 0 whatever its curve is at 0; in a chosen piece the total is its low end plus ``extra``, with
extra <= width * chosen, which is the convex hull of the pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from solver.errors import ModelTooLarge
from solver.exact_atoms import Atoms, bits, mask_of, merge_items
from solver.exact_curves import Piece, attainable_totals, curve_pieces
from solver.exact_pairs import PairModel, pair_model
from solver.grouping import Group, Grouping
from solver.problem import Curve, GroupingProblem

#: Largest model that is built: terms of all its rows, counted before any is built.
MAX_SIZE = 400_000
#: No row's total may go beyond this; CP-SAT refuses 2**62.
MAX_ROW = 2**60

Literal = cp_model.IntVar
Literals = Sequence[cp_model.IntVar | cp_model.LinearExpr]


@dataclass(frozen=True, slots=True)
class CurveChoice:
    """One curve of one slot: its pieces, which is chosen, and the total above its low end."""

    resource: int
    pieces: list[Piece]
    chosen: list[Literal]
    extra: list[Literal | None]


@dataclass(slots=True)
class Slot:
    """A possible group: its kind, its first atom and the atoms that may join it."""

    kind: int
    first: int
    candidates: list[int]
    open: Literal = field(init=False)
    inside: dict[int, Literal] = field(default_factory=dict)
    curves: list[CurveChoice] = field(default_factory=list)

    def total(self, amounts: Sequence[int]) -> tuple[list[Literal], list[int]]:
        """The slot's total of an amount per atom, as variables and weights."""
        literals = {self.first: self.open, **self.inside}
        there = [i for i in literals if amounts[i]]
        return [literals[i] for i in there], [amounts[i] for i in there]


class ExactModel:
    """Builds the model, a method a rule.

    Parameters
    ----------
    problem : what to model.
    max_size : largest size that is built.

    Attributes
    ----------
    model : the CP-SAT model.
    size : terms of its rows, as estimated before building.
    watched : the variables ``decode`` reads.
    has_objective : whether anything has a value; otherwise every grouping is worth 0.
    reach : no value of the objective is further from 0.

    Raises
    ------
    ModelTooLarge
        If the model is larger than ``max_size``, or a total is beyond what CP-SAT can hold.
    """

    def __init__(self, problem: GroupingProblem, max_size: int = MAX_SIZE) -> None:
        # Reading the data costs this much, before the true size is known.
        self.size = problem.num_kinds * (problem.num_items + problem.num_pairs)
        self._check("terms, not all counted", self.size, max_size)
        self.problem = problem
        self.atoms: Atoms = merge_items(problem)
        self.slots: list[Slot] = []
        self.pairs: list[PairModel] = []
        for k in range(problem.num_kinds):
            slots = []
            for slot in self._slots_of(k):
                slots.append(slot)
                # A variable is in its assignment, in its link to ``open``, in the objective and
                # in a row for each bound and limit. Counting ends when it is too much.
                rows = 5 + 2 * len(self.atoms.quantity) + len(self.atoms.use)
                self.size += rows * (1 + len(slot.candidates))
                self._check("terms, not all counted", self.size, max_size)
            pairs = pair_model(problem, self.atoms, slots, k)
            self.size += pairs.size()
            self._check("terms, not all counted", self.size, max_size)
            self.slots += slots
            self.pairs.append(pairs)
        for row in self.atoms.quantity:
            self._check("total of a resource", 4 * sum(row), MAX_ROW)

        self.model = cp_model.CpModel()
        self._terms: list[Literal] = []
        self._worths: list[int] = []
        self.reach = 0
        self._variables()
        self._assignment()
        self._sizes()
        self._resources()
        self._group_numbers()
        self._shared_limits()
        self._open_and_item_values()
        self._curves()
        for pairs in self.pairs:
            pairs.build(self)
        self._objective()

    # -- before building ----------------------------------------------------------------------

    @staticmethod
    def _check(what: str, size: int, limit: int) -> None:
        if size > limit:
            raise ModelTooLarge(f"the exact model's {what}", size, limit)

    def _slots_of(self, kind: int) -> Iterator[Slot]:
        """Slots of a kind that could hold a group, with the atoms that fit beside the first."""
        problem, atoms = self.problem, self.atoms
        bounds = [(atoms.size, int(problem.min_size[kind]), int(problem.max_size[kind]))]
        for r, row in enumerate(atoms.quantity):
            least, most = problem.resource_min[kind, r], problem.resource_max[kind, r]
            bounds.append((row, int(least), int(most)))
        eligible = atoms.eligible[kind]
        # Without values a group is there for the atoms that must join (numbered first), for its
        # kind's least number, or for what it gives to a shared limit; others can be left out.
        needless = (
            problem.is_valueless
            and not problem.min_groups[kind]
            and not (problem.shared_group_use[:, kind] < 0).any()
            and not (problem.shared_item_use[:, kind] < 0).any()
        )
        helpers = self._helpers(kind) if needless else eligible
        for first in bits(eligible):
            if needless and not atoms.must_join[first]:
                return
            if any(row[first] > most for row, _, most in bounds):
                continue
            candidates = [
                i
                for i in bits((helpers & atoms.allowed[kind][first]) >> first << first)
                if all(row[first] + row[i] <= most for row, _, most in bounds)
            ]
            if all(
                row[first] + sum(row[i] for i in candidates) >= least for row, least, _ in bounds
            ):
                yield Slot(kind, first, candidates)

    def _helpers(self, kind: int) -> int:
        """Mask of the eligible atoms that must join or can help others to reach a minimum."""
        problem, atoms = self.problem, self.atoms
        if problem.min_size[kind] > 1:
            return atoms.eligible[kind]
        wanted = [row for r, row in enumerate(atoms.quantity) if problem.resource_min[kind, r] > 0]
        return mask_of(
            i
            for i in bits(atoms.eligible[kind])
            if atoms.must_join[i] or any(row[i] for row in wanted)
        )

    # -- building blocks ------------------------------------------------------------------------

    def row(
        self, literals: Literals, weights: Sequence[int], low: int | None, high: int | None
    ) -> None:
        """Add low <= sum of weights * literals <= high; ``None`` is no bound."""
        reach = sum(map(abs, weights))
        self._check("largest total of a row", reach, MAX_ROW)
        # Cut to a number that still says always or never.
        least = cp_model.INT_MIN if low is None else min(low, MAX_ROW + 1)
        most = cp_model.INT_MAX if high is None else max(high, -MAX_ROW - 1)
        if literals:
            expression = cp_model.LinearExpr.weighted_sum(literals, weights)
            self.model.add_linear_constraint(expression, least, most)
        elif not least <= 0 <= most:
            self.model.add_bool_or([])

    def worth(self, variable: Literal, worth: int, most: int = 1) -> None:
        """Add worth * variable to the objective; the variable is from 0 to ``most``."""
        if worth:
            self._terms.append(variable)
            self._worths.append(worth)
            self.reach += abs(worth) * most

    def between(self, slot: Slot, amounts: Sequence[int], low: int, high: int) -> None:
        """low * open <= the slot's total <= high * open, where it says anything."""
        literals, weights = slot.total(amounts)
        if amounts[slot.first] < low:
            self.row([*literals, slot.open], [*weights, -low], 0, None)
        if sum(weights) > high:
            self.row([*literals, slot.open], [*weights, -high], None, 0)

    # -- variables, rules and values --------------------------------------------------------------

    def _variables(self) -> None:
        for slot in self.slots:
            slot.open = self.model.new_bool_var("")
            for i in slot.candidates:
                slot.inside[i] = self.model.new_bool_var("")
                self.model.add_implication(slot.inside[i], slot.open)

    def _assignment(self) -> None:
        """An atom is in one slot at most, in exactly one if it must join."""
        homes: list[list[Literal]] = [[] for _ in range(len(self.atoms))]
        for slot in self.slots:
            homes[slot.first].append(slot.open)
            for i, literal in slot.inside.items():
                homes[i].append(literal)
        for must_join, home in zip(self.atoms.must_join, homes, strict=True):
            if must_join:
                self.model.add_exactly_one(home)
            elif len(home) > 1:
                self.model.add_at_most_one(home)

    def _sizes(self) -> None:
        for slot in self.slots:
            least, most = self.problem.min_size[slot.kind], self.problem.max_size[slot.kind]
            self.between(slot, self.atoms.size, int(least), int(most))

    def _resources(self) -> None:
        for slot in self.slots:
            for r, row in enumerate(self.atoms.quantity):
                least = self.problem.resource_min[slot.kind, r]
                most = self.problem.resource_max[slot.kind, r]
                self.between(slot, row, int(least), int(most))

    def _group_numbers(self) -> None:
        for k in range(self.problem.num_kinds):
            opens = [slot.open for slot in self.slots if slot.kind == k]
            least, most = int(self.problem.min_groups[k]), int(self.problem.max_groups[k])
            if least > 0:
                self.row(opens, [1] * len(opens), least, None)
            if most < len(opens):
                self.row(opens, [1] * len(opens), None, most)

    def _shared_limits(self) -> None:
        for s, use in enumerate(self.atoms.use):
            literals: list[Literal] = []
            weights: list[int] = []
            for slot in self.slots:
                members, amounts = slot.total(use[slot.kind])
                literals += [slot.open, *members]
                weights += [int(self.problem.shared_group_use[s, slot.kind]), *amounts]
            self.row(literals, weights, None, int(self.problem.shared_limit[s]))

    def _open_and_item_values(self) -> None:
        for slot in self.slots:
            value = self.atoms.value[slot.kind]
            self.worth(slot.open, int(self.problem.open_values[slot.kind]) + value[slot.first])
            for i, literal in slot.inside.items():
                self.worth(literal, value[i])

    def _curves(self) -> None:
        for k, r, curve in self.problem.curve_items():
            for slot in self.slots:
                if slot.kind == k:
                    self._curve(slot, r, curve)

    def _curve(self, slot: Slot, r: int, curve: Curve) -> None:
        row, k = self.atoms.quantity[r], slot.kind
        totals = attainable_totals(
            row[slot.first],
            [row[i] for i in slot.candidates],
            int(self.problem.max_size[k]) - self.atoms.size[slot.first],
            int(self.problem.resource_min[k, r]),
            int(self.problem.resource_max[k, r]),
        )
        pieces = curve_pieces(curve, totals)
        literals, weights = slot.total(row)
        if len(pieces) == 1:
            (piece,) = pieces
            self.worth(slot.open, piece.value - piece.slope * piece.low)
            for literal, weight in zip(literals, weights, strict=True):
                self.worth(literal, piece.slope * weight)
            return
        # No piece at all means no attainable total is within the bounds: the slot stays closed.
        chosen = [self.model.new_bool_var("") for _ in pieces]
        self.model.add_exactly_one([*chosen, ~slot.open])
        extra: list[Literal | None] = []
        for piece, choice in zip(pieces, chosen, strict=True):
            self.worth(choice, piece.value)
            width = piece.high - piece.low
            if not piece.slope:
                extra.append(None)
                continue
            above = self.model.new_int_var(0, width, "")
            self.row([above, choice], [1, -width], None, 0)
            self.worth(above, piece.slope, width)
            extra.append(above)
        # A flat piece needs no variable for the total inside it, only its two ends.
        known = [above for above in extra if above is not None]
        lows = [-piece.low for piece in pieces]
        highs = [-(piece.low if piece.slope else piece.high) for piece in pieces]
        literals, weights = [*literals, *known, *chosen], [*weights, *(-1 for _ in known)]
        if lows == highs:
            self.row(literals, [*weights, *lows], 0, 0)
        else:
            self.row(literals, [*weights, *lows], 0, None)
            self.row(literals, [*weights, *highs], None, 0)
        slot.curves.append(CurveChoice(r, pieces, chosen, extra))

    def _objective(self) -> None:
        self._check("largest value", self.reach, MAX_ROW)
        self.has_objective = bool(self._terms)
        if self.has_objective:
            self.model.maximize(cp_model.LinearExpr.weighted_sum(self._terms, self._worths))

    # -- to and from groupings --------------------------------------------------------------------

    @property
    def watched(self) -> list[Literal]:
        """The variables whose values make a grouping, slot by slot."""
        return [v for slot in self.slots for v in (slot.open, *slot.inside.values())]

    def decode(self, values: Sequence[int]) -> Grouping:
        """The grouping that values of ``watched`` stand for."""
        groups = []
        at = 0
        for slot in self.slots:
            atoms = [slot.first, *slot.candidates]
            taken = values[at : at + len(atoms)]
            at += len(atoms)
            atoms = [a for a, inside in zip(atoms, taken, strict=True) if inside]
            if atoms:
                groups.append(Group(slot.kind, [i for a in atoms for i in self.atoms.members[a]]))
        return Grouping(groups)

    def hint(self, grouping: Grouping) -> None:
        """Hint every variable with its value in a feasible grouping."""
        home = {i: a for a, items in enumerate(self.atoms.members) for i in items}
        groups = [(group.kind, mask_of(home[i] for i in group.members)) for group in grouping]
        of_slot = {(kind, (mask & -mask).bit_length() - 1): mask for kind, mask in groups}
        for slot in self.slots:
            inside = of_slot.get((slot.kind, slot.first), 0)
            self.model.add_hint(slot.open, bool(inside))
            for i, literal in slot.inside.items():
                self.model.add_hint(literal, bool(inside >> i & 1))
            for curve in slot.curves:
                total = sum(self.atoms.quantity[curve.resource][i] for i in bits(inside))
                for piece, choice, extra in zip(
                    curve.pieces, curve.chosen, curve.extra, strict=True
                ):
                    here = bool(inside) and piece.low <= total <= piece.high
                    self.model.add_hint(choice, here)
                    if extra is not None:
                        self.model.add_hint(extra, total - piece.low if here else 0)
        for k, pairs in enumerate(self.pairs):
            pairs.hint(self.model, [mask for kind, mask in groups if kind == k])
