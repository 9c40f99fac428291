"""The relaxation of a problem with many groups, by column generation, and what it proves.

The master knows some groups. Its dual prices, rounded to integers, make the search (exact, in
integers) look for groups of positive reduced value; these join the master, and so on. First the
search leaves hard roots early; once nothing new turns up it is made to finish them. Whenever it
has finished all roots, the prices prove a bound (``columns.proved_bound``), converged or not.

Rows that the groups met so far cannot meet (must-join atoms, least numbers of groups) may stay
unmet at a cost, so the master always has a solution. Where they stay unmet at the end, the same
column generation on the problem without values decides: every feasible grouping is then worth 0,
so a proved bound below 0 proves that there is none (Farkas' lemma in another dress).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.branch import Branch
from solver.column_generation.branch_search import BranchSearch, search_branch
from solver.column_generation.columns import (
    Columns,
    Numbers,
    OddSet,
    Prices,
    best_of_roots,
    no_columns,
    no_prices,
    proved_bound,
)
from solver.column_generation.diving import Diver, no_pricing, quick_pricing
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import LpAnswer, Master, usable_prices
from solver.column_generation.packing import improve
from solver.column_generation.proof import Proof
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.grouping import Grouping
from solver.verification import verify

#: Reduced values below the TOLERANCE-th part of a typical group value are no improvement.
TOLERANCE = 5_000_000
#: How often the cost of unmet rows is raised, and by which factor.
UNMET_RAISES, UNMET_FACTOR = 4, 30.0
#: Part of the gap that column generation may leave between bound and relaxation, where another
#: round is dear, and where it is cheap.
SETTLED, SETTLED_CHEAPLY = 0.05, 0.0125
#: A search of so many work units is dear.
DEAR = 1_500_000
#: A dive on the way follows once those before have taken less than one part in so many of the
#: work; the last one, at the end of an approach, less than one in four.
DIVES_PART, LAST_DIVE_PART = 10, 4
#: So near to the relaxation, relatively, an incumbent needs no dives.
NEAR = 0.02
#: Incumbents are not expected to stay further from the relaxation than this part of it.
NARROW = 0.02


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The best proof so far.

    Attributes
    ----------
    prices : integer prices.
    bound : what they prove, times ``prices.scale``.
    """

    prices: Prices
    bound: int

    @property
    def value(self) -> float:
        """The bound in the problem's units, roughly."""
        return self.bound / self.prices.scale


def gap_worth(value: float, objective: int | None) -> float:
    """The gap to an incumbent that efforts are measured by; poor incumbents do not count."""
    most = NARROW * abs(value)
    return most if objective is None else min(most, value - objective)


def typical_value(atoms: Atoms) -> int:
    """The largest single number of the problem's values."""
    problem = atoms.problem
    parts = [problem.open_values, problem.item_values, problem.pair_values]
    parts += [curves.value for curves in atoms.curves]
    return max(1, *(int(np.abs(part).max(initial=0)) for part in parts))


def offer_if_whole(context: SolveContext, master: Master, answer: LpAnswer) -> None:
    """Offer the relaxation's solution if it happens to be whole and feasible."""
    weights = answer.weights
    if answer.unmet > 1e-6 or (np.abs(weights - np.rint(weights)) > 1e-6).any():
        return
    chosen: list[int] = np.flatnonzero(weights > 0.5).tolist()
    grouping: Grouping = master.columns.grouping(master.atoms, chosen)
    if verify(context.problem, grouping).feasible:
        context.offer(grouping)


class Generation:
    """Column generation on a problem; a context manager, as it holds a solver.

    Attributes
    ----------
    best : what is proved, ``None`` before the first bound.
    """

    def __init__(
        self,
        atoms: Atoms,
        search: GroupSearch,
        context: SolveContext,
        settings: EnumerationSettings,
        seeds: Columns,
        odd_sets: Sequence[OddSet] = (),
        proof: Proof | None = None,
    ) -> None:
        """Begin with some groups; bounds are published where there is a ``proof`` to tell them."""
        self.best: Relaxation | None = None
        self._atoms = atoms
        self._whole = search
        self._search: GroupSearch | BranchSearch = search
        self._numbers: Numbers | None = None
        self._context = context
        self._settings = settings
        self._proof = proof
        self._offers = proof is not None
        self._publish = proof is not None
        self._unit = max(typical_value(atoms), int(np.abs(seeds.values).max(initial=1)))
        self._master = Master(atoms, context, self._unit)
        self._master.add(seeds)
        self._master.add_cuts(list(odd_sets))
        self._answer: LpAnswer | None = None
        self._thorough = 0
        self._raises = 0
        self._converged = False
        self._round_units = 0
        self._looked = False
        self._began, self._dived = context.work, 0

    def __enter__(self) -> Generation:
        return self

    def __exit__(self, *_: object) -> None:
        self._master.close()

    @property
    def columns(self) -> Columns:
        """The groups met."""
        return self._master.columns

    @property
    def odd_sets(self) -> list[OddSet]:
        """The cuts."""
        return self._master.odd_sets

    @property
    def answer(self) -> LpAnswer | None:
        """The relaxation's last solution."""
        return self._answer

    @property
    def search(self) -> GroupSearch | BranchSearch:
        """The search over the groups of the branch it is in."""
        return self._search

    @property
    def is_dear(self) -> bool:
        """Whether a search takes long."""
        return self._round_units > DEAR

    def enter(self, branch: Branch) -> None:
        """Turn to a branch: what is proved from now on holds for its groupings only."""
        self._master.restrict(branch)
        self._search = search_branch(self._whole, branch)
        self._numbers = (branch.least, branch.most)
        self._publish = False
        self.best = None
        self._answer = None
        self._thorough = 0
        self._raises = 0
        self._converged = False

    def diver(self) -> Diver:
        """Dives from this relaxation."""
        find = quick_pricing(self._whole, self._settings, self._unit)
        return Diver(self._master, self._context, find)

    def run(self) -> None:
        """Generate columns until it is settled; infeasibility is published if it is proved."""
        context = self._context
        while not context.stopping() and not self.is_settled():
            answer = self.step()
            if answer is None:
                return
            if not self._converged or answer.unmet < 1e-6 or self._raises == UNMET_RAISES:
                continue
            self._raises += 1
            if self._raises == 2 and self._publish and no_grouping_exists(context, self._settings):
                context.prove_infeasible()
                return
            self._master.raise_unmet_cost(UNMET_FACTOR)
            self._converged = False

    def is_settled(self) -> bool:
        """Whether no group improves the relaxation any more, or what is missing matters little.

        It does if the bound is much nearer to the relaxation than to the incumbent; a better
        incumbent may unsettle it.
        """
        answer, objective = self._answer, self._context.objective
        if self._converged or answer is None or objective is None or self.best is None:
            return self._converged
        if not self._offers or answer.unmet > 1e-6:
            return False
        if self.best.bound // self.best.prices.scale <= objective:
            return True
        missing = self.best.value - answer.value
        part = SETTLED if self.is_dear else SETTLED_CHEAPLY
        return missing < part * gap_worth(self.best.value, objective)

    def is_near(self) -> bool:
        """Whether the incumbent is so near to the relaxation that it needs no dives."""
        answer, objective = self._answer, self._context.objective
        if answer is None or objective is None:
            return False
        return answer.value - objective < NEAR * abs(answer.value)

    def cut(self) -> bool:
        """Add violated cuts and generate columns again; whether there were any."""
        if self._answer is None or not self._master.add_violated(self._answer.weights):
            return False
        # The last solution breaks the cuts; it must not pass for the relaxation's any more.
        self._answer = None
        self._converged = False
        self._thorough = 0
        self.run()
        return self.is_settled()

    def approach(self) -> Prices | None:
        """Generate columns as long as quick searches find any.

        Returns
        -------
        Prices of the relaxation as it is then, which need not be settled; ``None`` where limits
        ended it, or rows are unmet.
        """
        self._converged = False
        self._thorough = 0
        self._looked = True
        while self._thorough < len(self._settings.root_units) - 1 and not self._converged:
            if self._context.stopping() or self.step() is None:
                return None
        answer = self._answer
        if answer is None or answer.unmet > 1e-6:
            return None
        self._dive(answer, LAST_DIVE_PART)
        return usable_prices(self._master, answer, self._search)

    def add(self, columns: Columns) -> None:
        """Add columns that are not in it yet."""
        self._master.add(columns)

    def step(self) -> LpAnswer | None:
        """Solve the master and search once; ``None`` if that is not possible within limits."""
        context, atoms, master = self._context, self._atoms, self._master
        self._answer = answer = master.solve()
        prices = None if answer is None else usable_prices(master, answer, self._search)
        if answer is None or prices is None:
            return None
        if self._offers:
            offer_if_whole(context, master, answer)
            self._dive(answer, DIVES_PART)
        least = max(1, prices.scale * self._unit // TOLERANCE)
        settings = self._settings
        last = len(settings.root_units) - 1
        units = settings.root_units[min(self._thorough, last)]
        many = settings.groups_per_root if self._thorough else 1
        before = context.work
        found = self._search.improving(prices, least, units, settings.pricing_units, many)
        self._round_units = max(self._round_units, context.work - before)
        if context.stopping():
            return None
        if found.complete:
            best = np.maximum(found.best, least - 1)
            bound = proved_bound(atoms, prices, best, self._numbers)
            if self.best is None or bound * self.best.prices.scale < self.best.bound * prices.scale:
                self.best = Relaxation(prices, bound)
                if self._publish and self._proof is not None:
                    value = bound // prices.scale
                    if context.bound is None or value < context.bound:
                        self._proof.relaxed(prices)
                    context.prove_bound(value)
        number = settings.groups_per_root if self._thorough else settings.columns_per_root
        if master.add(best_of_roots(atoms, found.columns, prices, number)):
            if self.is_dear:
                # Quick searches may find groups again, at a fraction of the work.
                self._thorough = 0
        else:
            self._converged = found.complete
            self._thorough += 1
            if not found.complete and self._thorough == last and self._offers and not self._looked:
                self._looked = True
                # Finishing hard roots may take long: first an incumbent.
                improve(atoms, master.columns, context, settings.packing_units)
            if self._thorough > last and not found.complete:
                return None
        return answer

    def _dive(self, answer: LpAnswer, part: int) -> None:
        """Dive among the groups met, so that a run that ends early has something to show.

        It does so while the incumbent is far from the relaxation, and where atoms are not too many.

        Parameters
        ----------
        part : there is none where those before took more than one part in so many of the work.
        """
        context, settings, before = self._context, self._settings, self._context.work
        if not (self._publish and settings.dives) or answer.unmet > 1e-6:
            return
        units = before - self._began
        if (
            self.is_near()
            or self._atoms.num_atoms > settings.max_dived_atoms
            or part * self._dived > units
        ):
            return
        Diver(self._master, context, no_pricing).dive()
        self._dived += context.work - before


def no_grouping_exists(context: SolveContext, settings: EnumerationSettings) -> bool:
    """Whether the relaxation without values proves that no grouping is feasible."""
    valueless = context.problem.replace(
        open_values=None, item_values=None, pair_values=None, curves=None
    )
    atoms = contract(valueless)
    search = GroupSearch(atoms, context)
    with Generation(atoms, search, context, settings, no_columns()) as generation:
        while not context.stopping() and not generation.is_settled():
            if generation.step() is None:
                return False
            if generation.best is not None and generation.best.bound < 0:
                return True
    return False


def first_columns(atoms: Atoms, search: GroupSearch, settings: EnumerationSettings) -> Columns:
    """The most valuable groups of each root, as far as a quick search goes."""
    prices = no_prices(atoms, search.scale)
    if not search.accepts(prices):
        return no_columns()
    found = search.improving(prices, 1, settings.root_units[0], settings.pricing_units)
    return best_of_roots(atoms, found.columns, prices, settings.columns_per_root)
