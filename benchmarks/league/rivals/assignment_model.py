"""The plain assignment model; ``assignment`` says what it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.league.rivals.common import Budget, TooLate
from benchmarks.league.rivals.pieces import curve_pieces, most_total, partner_lists
from solver import Group, Grouping, GroupingProblem

#: CP-SAT's sums must stay below 2**62; bounds on sums are cut to this.
_HUGE = 2**60
#: Work units of building one variable with its rows.
_UNITS_A_VARIABLE = 10


def slots_of_kinds(problem: GroupingProblem) -> list[int]:
    """How many free slots each kind needs: as many groups as may be opened beside the pins."""
    pinned = {i for pin in problem.pinned for i in pin.members}
    free = np.array([i not in pinned for i in range(problem.num_items)], dtype=bool)
    counts = []
    for k in range(problem.num_kinds):
        able = int((problem.eligible[k] & free).sum())
        pins = sum(pin.kind == k for pin in problem.pinned)
        by_size = able // max(1, int(problem.min_size[k]))
        counts.append(max(0, min(by_size, int(problem.max_groups[k]) - pins)))
    return counts


def model_size(problem: GroupingProblem) -> int:
    """Variables of the model, from above, before anything is built."""
    variables = 0
    for k, free in enumerate(slots_of_kinds(problem)):
        slots = free + sum(pin.kind == k for pin in problem.pinned)
        able = int(problem.eligible[k].sum())
        paid = int((problem.pair_allowed_of(k) & (problem.pair_values_of(k) != 0)).sum())
        curved = sum(2 * len(c.points) for (kind, _), c in problem.curves.items() if kind == k)
        variables += slots * (2 + able + paid + curved)
    return variables


class AssignmentModel:
    """Builds the model, slot by slot."""

    def __init__(self, problem: GroupingProblem, budget: Budget) -> None:
        from ortools.sat.python import cp_model

        self.problem, self.budget = problem, budget
        self.cp: Any = cp_model
        self.model = cp_model.CpModel()
        self.slots: list[tuple[int, Any, dict[int, Any]]] = []
        self.reach = 0
        self._terms: list[Any] = []
        self._worths: list[int] = []
        self._partners = [partner_lists(problem, k) for k in range(problem.num_kinds)]
        in_pin = {i: p for p, pin in enumerate(problem.pinned) for i in pin.members}
        for p, pin in enumerate(problem.pinned):
            self._slot(pin.kind, [i for i in range(problem.num_items) if in_pin.get(i, p) == p], p)
        free = [i for i in range(problem.num_items) if i not in in_pin]
        for k, count in enumerate(slots_of_kinds(problem)):
            before = None
            for _ in range(count):
                opened = self._slot(k, free, None)
                if before is not None:
                    self.model.add_implication(opened, before)
                before = opened
        self._between_slots()
        self.has_objective = bool(self._terms)
        if self._terms:
            self.model.maximize(cp_model.LinearExpr.weighted_sum(self._terms, self._worths))

    def grouping(self, value: Any) -> Grouping:
        """The grouping of a solution, whose Booleans ``value`` tells."""
        return Grouping(
            Group(k, [i for i, inside in x.items() if value(inside)])
            for k, opened, x in self.slots
            if value(opened)
        )

    def hint_pins_only(self) -> None:
        """Begin from the pins alone."""
        for p, (_, opened, x) in enumerate(self.slots):
            pinned = self.problem.pinned[p].members if p < len(self.problem.pinned) else ()
            self.model.add_hint(opened, bool(pinned))
            for i, inside in x.items():
                self.model.add_hint(inside, i in pinned)

    def _worth(self, variable: Any, worth: int, most: int = 1) -> None:
        if worth:
            self._terms.append(variable)
            self._worths.append(worth)
            self.reach += abs(worth) * most

    def _row(self, terms: list[Any], weights: list[int], low: int | None, high: int | None) -> None:
        """Low <= sum <= high, where ``None`` is no bound."""
        least = -_HUGE if low is None else max(-_HUGE, min(low, _HUGE))
        most = _HUGE if high is None else max(-_HUGE, min(high, _HUGE))
        expression = self.cp.LinearExpr.weighted_sum(terms, weights)
        self.model.add_linear_constraint(expression, least, most)

    def _slot(self, k: int, items: list[int], pin: int | None) -> Any:
        """One slot with its variables and every rule on one group."""
        problem, model = self.problem, self.model
        z = model.new_bool_var("")
        x = {i: model.new_bool_var("") for i in items if problem.eligible[k, i]}
        self.slots.append((k, z, x))
        self._spend(len(x))
        for inside in x.values():
            model.add_implication(inside, z)
        if pin is not None:
            members = problem.pinned[pin].members
            model.add_bool_and([z])
            model.add_bool_and([x[i] for i in members if i in x])
            if any(i not in x for i in members):
                model.add_bool_or([])
            if not problem.pin_may_grow[pin]:
                model.add_bool_and([~x[i] for i in x if i not in members])
        inside = list(x.values())
        ones = [1] * len(x)
        self._row([*inside, z], [*ones, -int(problem.min_size[k])], 0, None)
        self._row([*inside, z], [*ones, -int(problem.max_size[k])], None, 0)
        self._bans(k, x)
        self._worth(z, int(problem.open_values[k]))
        for i, item in x.items():
            self._worth(item, int(problem.item_values[k, i]))
        self._products(k, x)
        for r in range(problem.num_resources):
            self._resource(k, r, z, x)
        return z

    def _bans(self, k: int, x: dict[int, Any]) -> None:
        """No banned pair in a slot.

        Where most pairs are banned they are not listed one by one, which would be millions: if i
        is in the slot, then so are no more others than partners of i.
        """
        model, (friends, banned) = self.model, self._partners[k]
        if friends is None:
            for i, item in x.items():
                against = [~x[j] for j in banned[i] if j in x and j > i]
                if against:
                    model.add_bool_and(against).only_enforce_if(item)
            return
        most = min(len(x), int(self.problem.max_size[k]))
        size = model.new_int_var(0, most, "")
        model.add(size == sum(x.values()))
        for i, item in x.items():
            partners = [x[j] for j in friends[i] if j in x]
            weights = [1, *[-1] * len(partners), most - 1]
            self.budget.spend(len(partners) // 4)
            self._row([size, *partners, item], weights, None, most)

    def _products(self, k: int, x: dict[int, Any]) -> None:
        """Both ends inside: from above where that is wanted, from below where it is not."""
        problem, model = self.problem, self.model
        values = problem.pair_values_of(k)
        paid = np.flatnonzero(problem.pair_allowed_of(k) & (values != 0))
        self._spend(len(paid))
        ends = problem.pairs[paid].tolist()
        for at, ((i, j), value) in enumerate(zip(ends, values[paid].tolist(), strict=True)):
            if at % 1000 == 0:
                self._spend(0)
            if i in x and j in x and (min(i, j), max(i, j)) not in problem.apart_pairs:
                y = model.new_bool_var("")
                if value > 0:
                    model.add_implication(y, x[i])
                    model.add_implication(y, x[j])
                else:
                    model.add_bool_or(y, ~x[i], ~x[j])
                self._worth(y, value)

    def _resource(self, k: int, r: int, z: Any, x: dict[int, Any]) -> None:
        """Bounds on a total, and its curve."""
        problem = self.problem
        row = problem.resources[r]
        holders = [i for i in x if row[i]]
        terms, weights = [x[i] for i in holders], [int(row[i]) for i in holders]
        low, high = int(problem.resource_min[k, r]), int(problem.resource_max[k, r])
        if low > 0:
            self._row([*terms, z], [*weights, -min(low, _HUGE)], 0, None)
        if sum(weights) > high:
            self._row([*terms, z], [*weights, -high], None, 0)
        curve = problem.curves.get((k, r))
        if curve is None:
            return
        pieces = curve_pieces(curve, most_total(weights, int(problem.max_size[k])))
        chosen = [self.model.new_bool_var("") for _ in pieces]
        self._spend(2 * len(pieces))
        self.model.add(sum(chosen) == z)
        for piece, here in zip(pieces, chosen, strict=True):
            self._worth(here, piece.value)
            terms.append(here)
            weights.append(-piece.low)
            width = piece.high - piece.low
            if width:
                above = self.model.new_int_var(0, width, "")
                self.model.add(above <= width * here)
                self._worth(above, piece.slope, width)
                terms.append(above)
                weights.append(-1)
        self._row(terms, weights, 0, 0)

    def _between_slots(self) -> None:
        """Rules on items over all slots, and on all groups together."""
        problem, model = self.problem, self.model
        for i in range(problem.num_items):
            homes = [x[i] for _, _, x in self.slots if i in x]
            if problem.must_join[i]:
                model.add_exactly_one(homes)
            else:
                model.add_at_most_one(homes)
        for rule in problem.together:
            for _, _, x in self.slots:
                there = [x[i] for i in rule if i in x]
                if len(there) < len(rule):
                    model.add_bool_and([~literal for literal in there])
                else:
                    for other in there[1:]:
                        model.add(there[0] == other)
        for k in range(problem.num_kinds):
            opened = [z for kind, z, _ in self.slots if kind == k]
            low, high = int(problem.min_groups[k]), int(problem.max_groups[k])
            if low > 0 or len(opened) > high:
                self._row(opened, [1] * len(opened), low, high)
        for s in range(problem.num_shared_limits):
            terms, weights = [], []
            for k, z, x in self.slots:
                use = problem.shared_item_use[s, k]
                terms += [z, *(x[i] for i in x if use[i])]
                weights += [
                    int(problem.shared_group_use[s, k]),
                    *(int(use[i]) for i in x if use[i]),
                ]
            self._row(terms, weights, None, int(problem.shared_limit[s]))

    def _spend(self, variables: int) -> None:
        self.budget.spend(_UNITS_A_VARIABLE * variables)
        if self.budget.over:
            raise TooLate
