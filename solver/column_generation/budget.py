"""Packing on a budget: the best choice among groups, seen from a bound downwards.

Let prices prove a bound (``columns.Prices``). By the same identity that proves it, a grouping is
worth the *cost* of the prices less what it loses against them ::

    scale * value = cost - loss,
    loss = sum of -reduced(g) over its groups  +  sum of price * slack over the rows,

an exact equation in whole numbers (weak duality with nothing dropped). A grouping worth more than
the incumbent loses at most the *budget* cost - scale * (incumbent + 1). Where prices are good the
budget is a small part of what one group is worth, so a handful of choices exhausts it. Told the
values of groups CP-SAT sees nothing of this, and thousands of groups are beyond it; told the
losses, its propagation drops most groups at once, and it proves in a second what it could not prove
in minutes.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from solver import cpsat
from solver.column_generation.atoms import Atoms
from solver.column_generation.columns import Columns, Prices, reduced_values
from solver.column_generation.restricted import Room
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.grouping import Grouping
from solver.problem import BoolArray, IntArray

#: CP-SAT wants every sum within int64; we stay well inside.
MAX_SUM = 2**61


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of a packing.

    Attributes
    ----------
    status : CP-SAT's; INFEASIBLE if no choice is worth more than what was to be beaten.
    """

    status: str

    @property
    def decided(self) -> bool:
        """Whether the best choice, or that there is none, is proved."""
        return self.status in ("OPTIMAL", "INFEASIBLE")


@dataclass(frozen=True, slots=True)
class Packing:
    """Disjoint groups to be chosen within some room.

    Attributes
    ----------
    columns, uses : the groups, and their use of shared limits, int64 [L, N].
    prices : which losses are counted against; they need not be good, only of the right signs.
    room : numbers of groups and shared limits to be kept.
    beat : a choice must be worth more; ``None`` if any will do.
    must : bool [n], atoms that must be in a chosen group; the problem's if left out.
    """

    atoms: Atoms
    columns: Columns
    uses: IntArray
    prices: Prices
    room: Room
    beat: int | None = None
    must: BoolArray | None = None

    def run(
        self,
        context: SolveContext,
        whole: bool = False,
        max_work: int | None = None,
        max_seconds: float | None = None,
    ) -> Packed:
        """The best choice, as far as limits go; every choice met is offered.

        Parameters
        ----------
        whole : whether what is proved holds for the problem, and is published.
        max_work, max_seconds : of this run; the clock only counts without a work limit.

        Raises
        ------
        ModelTooLarge
            If sums could leave int64.
        """
        if (self.room.least > self.room.most).any():
            return Packed("INFEASIBLE")
        model = PackingModel(self)
        if model.impossible:
            return Packed("INFEASIBLE")

        def decode(values: tuple[int, ...]) -> Grouping:
            return self.columns.grouping(self.atoms, [c for c, one in enumerate(values) if one])

        outcome = cpsat.run(
            model.model,
            context,
            watched=model.chosen,
            decode=decode,
            bound_of=model.worth_at_most if whole else None,
            max_work=max_work,
            max_seconds=max_seconds,
            reach=model.reach,
        )
        return Packed(outcome.status)

    def cost(self) -> int:
        """What a choice that loses nothing would be worth, times scale, in Python integers."""
        prices, room, problem = self.prices, self.room, self.atoms.problem
        total = prices.cost(self.atoms, (room.least.tolist(), room.most.tolist()))
        limits = zip(
            prices.shared.tolist(), problem.shared_limit.tolist(), room.shared, strict=True
        )
        for price, limit, left in limits:
            total -= price * (limit - int(left))
        return total


class PackingModel:
    """The CP-SAT model of a packing; losses are in the prices' unit.

    Attributes
    ----------
    model : it minimises the loss; whoever wants another objective of it may replace that.
    chosen : a variable a column.
    loss : the loss above its least, in units of the model.
    impossible : whether no choice loses so little, without a search.
    reach : no feasible objective is further from 0.
    """

    def __init__(self, packing: Packing) -> None:
        self.model = cp_model.CpModel()
        self._packing = packing
        columns, prices = packing.columns, packing.prices
        self._reduced = reduced_values(packing.atoms, columns, packing.uses, prices)
        self.chosen = [self.model.new_bool_var("") for _ in range(len(columns))]
        # Rows that a loss counts: variable or expression, coefficient, greatest value.
        self._losses: list[tuple[Any, int, int]] = []
        self._lost = 0
        self.impossible = False
        self._holders = _holders(packing.atoms, columns)
        self._gain = sum(value for value in self._reduced.tolist() if value > 0)
        self._cost = packing.cost()
        self._budget: int | None = None
        if packing.beat is not None:
            self._budget = self._cost - prices.scale * (packing.beat + 1)
        self._unit = 1
        self.reach = 0
        self.loss: Any = 0
        self._rows_of_atoms()
        self._rows_of_cuts()
        self._rows_of_kinds()
        self._rows_of_limits()
        self._finish()

    def worth_at_most(self, objective: int) -> int:
        """What no choice is worth more than, if the model's objective is at least this."""
        loss = objective * self._unit - self._gain + self._lost
        bound = (self._cost - loss) // self._packing.prices.scale
        beat = self._packing.beat
        return bound if beat is None else max(bound, beat)

    def _slack(self, price: int, most: int) -> Any:
        """What a row is short of, lost at a price > 0; at most ``most``."""
        if self._budget is not None:
            most = min(most, max(0, self._budget + self._gain) // price)
        slack = self.model.new_int_var(0, most, "")
        self._losses.append((slack, price, most))
        return slack

    def _rows_of_atoms(self) -> None:
        packing, model = self._packing, self.model
        marked = packing.atoms.must if packing.must is None else packing.must
        must, prices = marked.tolist(), packing.prices.atoms.tolist()
        for atom, held in enumerate(self._holders):
            choices = [self.chosen[c] for c in held]
            if must[atom]:
                if not held:
                    self.impossible = True
                    return
                model.add_exactly_one(choices)
            elif not held:
                self._lost += prices[atom]
            elif prices[atom] > 0:
                out = model.new_bool_var("")
                model.add_exactly_one([*choices, out])
                self._losses.append((out, prices[atom], 1))
            elif len(held) > 1:
                model.add_at_most_one(choices)

    def _rows_of_cuts(self) -> None:
        prices = self._packing.prices
        for odd_set, price in zip(prices.odd_sets, prices.cuts.tolist(), strict=True):
            times = Counter(c for atom in odd_set for c in self._holders[atom])
            weights = {c: number // 2 for c, number in times.items() if number > 1}
            most = len(odd_set) // 2
            pairs = cp_model.LinearExpr.weighted_sum(
                [self.chosen[c] for c in weights], list(weights.values())
            )
            if not weights:
                self._lost += price * most
            elif price > 0:
                self.model.add(pairs + self._slack(price, most) == most)
            elif most == 1:
                self.model.add_at_most_one(self.chosen[c] for c in weights)
            else:
                self.model.add(pairs <= most)

    def _rows_of_kinds(self) -> None:
        packing = self._packing
        rows = zip(
            packing.prices.kinds.tolist(),
            packing.room.least.tolist(),
            packing.room.most.tolist(),
            strict=True,
        )
        for k, (price, least, most) in enumerate(rows):
            own = [self.chosen[c] for c in np.flatnonzero(packing.columns.kinds == k).tolist()]
            number = cp_model.LinearExpr.sum(own)
            reachable = min(most, len(own))
            if least > reachable:
                self.impossible = True
                return
            if price == 0:
                if least > 0 or reachable < len(own):
                    self.model.add_linear_constraint(number, least, reachable)
                continue
            # What the number cannot reach is lost anyway.
            end = reachable if price > 0 else least
            self._lost += abs(price) * ((most if price > 0 else least) - end)
            slack = self._slack(abs(price), reachable - least)
            self.model.add(number + slack == end if price > 0 else number - slack == end)

    def _rows_of_limits(self) -> None:
        packing = self._packing
        for s, price in enumerate(packing.prices.shared.tolist()):
            uses: list[int] = packing.uses[s].tolist()
            divisor = int(np.gcd.reduce(packing.uses[s])) if uses else 0
            limit = int(packing.room.shared[s])
            if not divisor:
                self._lost += price * limit
                self.impossible = self.impossible or limit < 0
                continue
            row = [use // divisor for use in uses]
            size = sum(abs(use) for use in row)
            most, rest = divmod(limit, divisor)
            if max(size, abs(most)) > MAX_SUM:
                raise ModelTooLarge("use of a shared limit", max(size, abs(most)), MAX_SUM)
            used = cp_model.LinearExpr.weighted_sum(self.chosen, row)
            if price == 0:
                if sum(use for use in row if use > 0) > most:
                    self.model.add(used <= most)
                continue
            self._lost += price * rest
            least_used = sum(use for use in row if use < 0)
            if least_used > most:
                self.impossible = True
                return
            self.model.add(used + self._slack(price * divisor, most - least_used) == most)

    def _finish(self) -> None:
        """The objective, which is the loss so far above its least that it is never below 0."""
        left = None if self._budget is None else self._budget - self._lost
        if self.impossible or (left is not None and left < -self._gain):
            self.impossible = True
            return
        losses = [(self.chosen[c], -value, 1) for c, value in enumerate(self._reduced.tolist())]
        variables, weights, most = [], [], []
        for variable, weight, largest in losses + self._losses:
            loss = weight
            if left is not None:
                # What costs more than all there is may as well cost only that: no choice that is
                # allowed has it, and sums stay small.
                loss = min(weight, left + self._gain + 1)
            if loss:
                variables.append(variable)
                weights.append(loss)
                most.append(largest)
        self._unit = max(1, math.gcd(*weights))
        weights = [weight // self._unit for weight in weights]
        size = sum(abs(weight) * number for weight, number in zip(weights, most, strict=True))
        if size > MAX_SUM:
            raise ModelTooLarge("losses of a packing", size, MAX_SUM)
        # All losses are multiples of the unit but what is lost anyway; rounding the gain up only
        # shifts the objective, which ``worth_at_most`` takes back.
        self._gain = -(-self._gain // self._unit) * self._unit
        loss = cp_model.LinearExpr.weighted_sum(variables, weights) + self._gain // self._unit
        self.loss = loss
        self.reach = size + self._gain // self._unit
        if left is not None:
            most_lost = (left + self._gain) // self._unit
            self.model.add(loss <= most_lost)
            self.reach = most_lost
        self.model.minimize(loss)


def _holders(atoms: Atoms, columns: Columns) -> list[list[int]]:
    """The columns that hold each atom."""
    order = np.argsort(columns.members, kind="stable")
    holder = columns.holder[order]
    ends = np.cumsum(np.bincount(columns.members, minlength=atoms.num_atoms))
    return [part.tolist() for part in np.split(holder, ends[:-1])]
