"""The mixed-integer programme on representatives; ``milp`` says what it is."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.league.rivals.common import Budget, TooLate
from benchmarks.league.rivals.pieces import allowed_matrix, curve_pieces, most_total
from solver import Group, Grouping, GroupingProblem


class RepresentativesModel:
    """Builds the programme: all groups that one item may represent, item by item."""

    def __init__(self, problem: GroupingProblem, budget: Budget) -> None:
        from ortools.math_opt.python import mathopt

        self.problem, self.budget = problem, budget
        self.model: Any = mathopt.Model()
        self.cells: dict[tuple[int, int], dict[int, Any]] = {}
        self._worths: list[tuple[Any, int]] = []
        for k in range(problem.num_kinds):
            if problem.max_groups[k]:
                self._kind(k)
        self._items()
        self._pins()
        self._groups()
        self.unit = math.gcd(*(worth for _, worth in self._worths)) or 1
        self._largest = max((abs(w) // self.unit for _, w in self._worths), default=0)
        for variable, worth in self._worths:
            self.model.objective.set_linear_coefficient(variable, worth // self.unit)
        self.model.objective.is_maximize = True

    @staticmethod
    def size(problem: GroupingProblem, most: int, budget: Budget) -> int:
        """Variables of the model; counting ends above ``most``.

        Raises
        ------
        TooLate
            When the limits end.
        """
        size = 0
        for k in range(problem.num_kinds):
            if not problem.max_groups[k]:
                continue
            if budget.over:
                raise TooLate
            allowed = allowed_matrix(problem, k)
            paid = allowed & _paid(problem, k)
            for r in range(problem.num_items):
                inside = allowed[r].copy()
                inside[:r] = False
                size += 1 + int(inside.sum()) + int(paid[inside][:, inside].sum()) // 2
                if size > most:
                    return size
        return size

    def grouping(self, values: Any) -> Grouping:
        """The grouping of a solution."""
        return Grouping(
            Group(k, [i for i, x in cell.items() if values[x] > 0.5])
            for (r, k), cell in self.cells.items()
            if values[cell[r]] > 0.5
        )

    def whole_bound(self, dual: float) -> int | None:
        """A proved bound as a whole number; ``milp`` explains its margin."""
        if not math.isfinite(dual):
            return None
        return self.unit * math.floor(dual + 1e-9 * abs(dual) + 1e-6 * (1 + self._largest))

    # -- building --------------------------------------------------------------------------------

    def _binary(self, worth: int = 0) -> Any:
        variable = self.model.add_binary_variable()
        if worth:
            self._worths.append((variable, worth))
        return variable

    def _row(self, terms: list[tuple[Any, int]], low: float, high: float) -> None:
        row = self.model.add_linear_constraint(lb=float(low), ub=float(high))
        together: dict[Any, int] = {}
        for variable, weight in terms:
            together[variable] = together.get(variable, 0) + weight
        for variable, weight in together.items():
            if weight:
                row.set_coefficient(variable, float(weight))

    def _kind(self, k: int) -> None:
        problem = self.problem
        allowed = allowed_matrix(problem, k)
        paid = {
            (int(i), int(j)): int(v)
            for (i, j), v in zip(problem.pairs, problem.pair_values_of(k), strict=True)
            if v and allowed[i, j]
        }
        for r in range(problem.num_items):
            if not problem.eligible[k, r]:
                continue
            if self.budget.over:
                raise TooLate
            cell = {r: self._binary(int(problem.open_values[k] + problem.item_values[k, r]))}
            for i in (allowed[r, r + 1 :].nonzero()[0] + r + 1).tolist():
                cell[i] = self._binary(int(problem.item_values[k, i]) + paid.get((r, i), 0))
            self.cells[r, k] = cell
            self._cell(r, k, cell, allowed, paid)

    def _cell(
        self, r: int, k: int, cell: dict[int, Any], allowed: Any, paid: dict[tuple[int, int], int]
    ) -> None:
        """Every rule on one group, and its worth beside that of single items."""
        problem, top, inf = self.problem, cell[r], math.inf
        others = [i for i in cell if i != r]
        for at, i in enumerate(others):
            self._row([(cell[i], 1), (top, -1)], -inf, 0)
            for j in others[at + 1 :]:
                if not allowed[i, j]:
                    self._row([(cell[i], 1), (cell[j], 1), (top, -1)], -inf, 0)
                elif value := paid.get((i, j), 0):
                    y = self._binary(value)
                    if value > 0:
                        self._row([(y, 1), (cell[i], -1)], -inf, 0)
                        self._row([(y, 1), (cell[j], -1)], -inf, 0)
                    else:
                        self._row([(y, 1), (cell[i], -1), (cell[j], -1), (top, 1)], 0, inf)
        most = int(problem.max_size[k])
        self._between([(x, 1) for x in cell.values()], top, int(problem.min_size[k]), most)
        for t in range(problem.num_resources):
            row = problem.resources[t]
            terms = [(x, int(row[i])) for i, x in cell.items() if row[i]]
            low, high = int(problem.resource_min[k, t]), int(problem.resource_max[k, t])
            self._between(terms, top, low, high)
            curve = problem.curves.get((k, t))
            if curve is not None:
                pieces = curve_pieces(curve, most_total([w for _, w in terms], most))
                self._curve(pieces, terms, top)

    def _between(self, terms: list[tuple[Any, int]], top: Any, low: int, high: int) -> None:
        """Low <= total <= high where the group is there, where that says anything."""
        total = sum(weight for _, weight in terms)
        if low > 0:
            # More than there is stays impossible, without a number that floats cannot hold.
            self._row([*terms, (top, -min(low, total + 1))], 0, math.inf)
        if total > high:
            self._row([*terms, (top, -high)], -math.inf, 0)

    def _curve(self, pieces: Any, terms: list[tuple[Any, int]], top: Any) -> None:
        """One piece is chosen; the total is its low end and what is above."""
        balance, chosen = list(terms), [(top, -1)]
        for piece in pieces:
            here = self._binary(piece.value)
            chosen.append((here, 1))
            balance.append((here, -piece.low))
            width = piece.high - piece.low
            if width:
                above = self.model.add_variable(lb=0.0, ub=float(width))
                if piece.slope:
                    self._worths.append((above, piece.slope))
                self._row([(above, 1), (here, -width)], -math.inf, 0)
                balance.append((above, -1))
        self._row(chosen, 0, 0)
        self._row(balance, 0, 0)

    def _items(self) -> None:
        """Each item in one group at most; together sets."""
        problem = self.problem
        homes: list[list[tuple[Any, int]]] = [[] for _ in range(problem.num_items)]
        for cell in self.cells.values():
            for i, x in cell.items():
                homes[i].append((x, 1))
        for i, home in enumerate(homes):
            self._row(home, 1 if problem.must_join[i] else -math.inf, 1)
        for rule in problem.together:
            for cell in self.cells.values():
                there = [cell[i] for i in rule if i in cell]
                if len(there) < len(rule):
                    for x in there:
                        x.upper_bound = 0.0
                else:
                    for x in there[1:]:
                        self._row([(there[0], 1), (x, -1)], 0, 0)

    def _pins(self) -> None:
        """A pin is whole in one group of its kind, and alone there unless it may grow."""
        problem = self.problem
        for p, pin in enumerate(problem.pinned):
            others = {i for q in problem.pinned if q is not pin for i in q.members}
            homes = []
            for (r, k), cell in self.cells.items():
                inside = [cell[i] for i in pin.members if i in cell]
                if k != pin.kind or len(inside) < len(pin.members):
                    for x in inside:
                        x.upper_bound = 0.0
                    continue
                homes.append((inside[0], 1))
                for x in inside[1:]:
                    self._row([(inside[0], 1), (x, -1)], 0, 0)
                for i, x in cell.items():
                    stays_out = i in others or not problem.pin_may_grow[p]
                    if i not in pin.members and stays_out:
                        self._row([(x, 1), (inside[0], 1), (cell[r], -1)], -math.inf, 0)
            self._row(homes, 1, 1)

    def _groups(self) -> None:
        """Numbers of groups, and shared limits."""
        problem = self.problem
        for k in range(problem.num_kinds):
            tops = [(cell[r], 1) for (r, kind), cell in self.cells.items() if kind == k]
            self._row(tops, int(problem.min_groups[k]), int(problem.max_groups[k]))
        for s in range(problem.num_shared_limits):
            terms = []
            for (r, k), cell in self.cells.items():
                use = problem.shared_item_use[s, k]
                terms += [(x, int(use[i])) for i, x in cell.items()]
                terms.append((cell[r], int(problem.shared_group_use[s, k])))
            self._row(terms, -math.inf, int(problem.shared_limit[s]))


def _paid(problem: GroupingProblem, kind: int) -> Any:
    """Whether a pair is worth something in a kind, bool [n, n]."""
    paid = allowed_matrix(problem, kind)
    paid[:] = False
    first, second = problem.pairs.T
    paid[first, second] = paid[second, first] = problem.pair_values_of(kind) != 0
    return paid
