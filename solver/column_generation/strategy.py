"""The course of the two strategies; the package docstring explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.column_generation.approach import approach
from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.branching import PricedRelaxation, explore
from solver.column_generation.chains import Chains
from solver.column_generation.columns import Columns, OddSet, Prices, join, no_prices
from solver.column_generation.few_groups import Lists
from solver.column_generation.generation import Generation, Relaxation, first_columns, gap_worth
from solver.column_generation.group_search import Found, GroupSearch
from solver.column_generation.packing import descend, incumbent_columns, offer_first, pack
from solver.column_generation.pool import PoolRelaxation, polish, tighten
from solver.column_generation.proof import Proof
from solver.column_generation.recall import recalled, remember
from solver.column_generation.restricted import complete
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.grouping import Grouping
from solver.search.driver import compiling_ended
from solver.verification import verify

#: Another round of cuts is worth it if the last one took the LEAST_GAIN-th part of the gap.
LEAST_GAIN = 100
#: After the cuts, the groups that matter are listed again if cuts took the WORTH-th part of it.
WORTH = 10
#: First groups are listed that lose 2**-WINDOWS of the bound.
WINDOWS = 10, 8, 6
#: Completions of the relaxation's solution, as long as each is better than the one before.
COMPLETIONS = 4


def enumerate_groups(context: SolveContext, settings: EnumerationSettings | None = None) -> None:
    """List all groups and pack them by CP-SAT, if they are few enough."""
    _go("enumerate", _Run.list_and_pack, context, settings)


def generate_columns(context: SolveContext, settings: EnumerationSettings | None = None) -> None:
    """Run the column generation, unless a plain list of all groups is enough."""
    _go("columns", _Run.run, context, settings)


def _go(
    name: str,
    method: Callable[[_Run], None],
    context: SolveContext,
    settings: EnumerationSettings | None,
) -> None:
    """Start a run whose proof can be asked for; where it grows too large, a note says so."""
    settings = EnumerationSettings() if settings is None else settings
    if not compiling_ended(context):
        return
    try:
        atoms = contract(context.problem)
        context.charge(100 + 10 * atoms.num_atoms + len(atoms.neighbours))
        proof = Proof(atoms)
        context.certify = proof.certificate
        method(_Run(context, settings, atoms, GroupSearch(atoms, context), proof))
    except ModelTooLarge as error:
        context.note(f"{name}: {error}")
    finally:
        context.certify = None


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a strategy."""

    context: SolveContext
    settings: EnumerationSettings
    atoms: Atoms
    search: GroupSearch
    proof: Proof

    def list_and_pack(self) -> None:
        """The plain method alone."""
        max_groups, max_units = self.settings.max_packed, self.settings.pool_units
        found = self._list(max_groups, max_units)
        if found is None:
            return
        if found.complete:
            self.context.phase("packing")
            pack(self.atoms, found.columns, self.context)
            return
        self.context.note(
            f"enumerate: stepped back, more than {len(found.columns)} groups; at most {max_groups} "
            f"are listed, within {max_units} units of work"
        )

    def _list(self, max_groups: int, max_units: int) -> Found | None:
        """List all groups, as far as limits go; ``None`` if the run is over."""
        context = self.context
        too_few = (context.problem.min_groups > self.atoms.max_groups).any()
        if self.atoms.impossible is not None or too_few:
            context.prove_infeasible()
            return None
        nothing = Grouping()
        if context.grouping is None and verify(context.problem, nothing).feasible:
            context.offer(nothing)
        context.phase("listing")
        found = self.search.every(max_groups, max_units)
        return None if context.stopping() else found

    def run(self) -> None:
        """List all groups if they are few; otherwise go by the relaxation."""
        context, settings = self.context, self.settings
        found = self._list(settings.max_listed, settings.listing_units)
        if found is None:
            return
        known, odd_sets = recalled(self.atoms, context)
        if found.complete:
            self._finish(found.columns, None, known, odd_sets)
            return
        if not self.search.can_bound:
            context.note(
                f"columns: more than {settings.max_listed} groups; values too large for bounds"
            )
            return
        seeds = first_columns(self.atoms, self.search, settings)
        offer_first(self.atoms, seeds, seeds.values, context)
        relaxation = None
        many = self.atoms.num_atoms >= settings.large
        if len(seeds) and (many or len(self.atoms.neighbours) >= settings.large_pairs):
            seeds, relaxation = approach(
                self.atoms, self.search, context, settings, seeds, self.proof
            )
            if context.stopping():
                return
            if self.atoms.num_atoms > settings.largest_master:
                context.note(
                    f"columns: more than {settings.largest_master} items; no exact relaxation"
                )
                return
        seeds = join([incumbent_columns(self.atoms, context), known, seeds])
        generation = Generation(
            self.atoms, self.search, context, settings, seeds, odd_sets, self.proof
        )
        generation.best = relaxation
        with generation:
            ended = self._list_few(generation)
            if not ended and self._settle(generation):
                self._cut(generation)
            while not ended and not context.stopping():
                ended = self._close(generation)
                if not ended and not self._cut(generation):
                    break
            remember(self.atoms, context, [generation.columns], generation.odd_sets)
            if ended or context.stopping() or self._branch(generation):
                return
        if generation.best is None or not generation.is_settled():
            context.note("columns: the relaxation could not be solved within limits")
            return
        gap = "no feasible grouping found"
        if context.objective is not None and context.bound is not None:
            gap = f"a gap of {context.bound - context.objective} is left"
        context.note(
            f"columns: more groups could still be of use than the {settings.max_pool} that "
            f"are listed within limits; {gap}"
        )

    def _list_few(self, generation: Generation) -> bool:
        """Go by lists of good groups where few are chosen; whether that ended the run."""
        if self.atoms.max_total_groups > self.settings.few_chosen:
            return False
        context = self.context
        chains = Chains(generation.diver(), np.random.default_rng(context.limits.seed))
        return Lists(
            self.atoms,
            self.search,
            context,
            self.settings,
            generation,
            self.proof,
            chains,
            context.work,
        ).run()

    def _close(self, generation: Generation) -> bool:
        """Try to choose among all groups that may be in a better grouping; whether that ended it.

        First among the groups that lose little against the prices, which are few, then among more:
        each choice finds the best grouping or lowers the bound. Where that takes too long, all
        groups that are left are listed at last.
        """
        context, settings = self.context, self.settings
        if not self._settle(generation) or generation.best is None:
            return context.stopping()
        best = generation.best
        scale = best.prices.scale
        for part in WINDOWS:
            floor = (best.bound - (abs(best.bound) >> part)) // scale - 1
            if context.stopping() or (context.objective is not None and floor <= context.objective):
                break
            context.phase("reduced-cost enumeration")
            least = scale * (floor + 1) - best.bound
            most, units = settings.max_window, settings.window_units
            found = self.search.within(best.prices, least, most, units)
            if context.stopping() or not found.complete:
                break
            if len(found.columns) > settings.max_packed:
                break
            context.phase("packing")
            units = settings.packing_units
            if not descend(
                self.atoms, found.columns, best.prices, best.bound, context, units, floor
            ):
                break
        if context.stopping():
            return True
        self._complete(generation)
        self._dive(generation)
        if context.stopping():
            return True
        context.phase("reduced-cost enumeration")
        return self._list_rest(generation)

    def _complete(self, generation: Generation, most: int = COMPLETIONS) -> None:
        """Look for a better incumbent near the relaxation, as long as it helps."""
        context, answer = self.context, generation.answer
        for number in range(most):
            if answer is None or context.stopping():
                return
            context.phase("completing")
            before = context.objective
            seconds = self.settings.completion_seconds
            complete(self.atoms, generation.columns, answer.weights, number, context, seconds)
            if number and context.objective == before:
                break

    def _gap(self, best: Relaxation) -> int:
        """How far below 0 the reduced value of a group in a better grouping can be.

        Without an incumbent every group may be in one.
        """
        if self.context.objective is None:
            return self.search.most_negative()
        return best.bound - best.prices.scale * (self.context.objective + 1)

    def _list_rest(self, generation: Generation) -> bool:
        """List all groups that may be in a better grouping, finish on them; whether that ended."""
        best = generation.best
        assert best is not None
        most, units = self.settings.max_pool, self.settings.pool_units
        found = self.search.within(best.prices, -self._gap(best), most, units)
        if found.complete and not self.context.stopping():
            self._finish(found.columns, best.prices, generation.columns, generation.odd_sets)
            return True
        return self.context.stopping()

    def _settle(self, generation: Generation) -> bool:
        """Solve the relaxation as well as the incumbent is worth it; whether that was possible."""
        context = self.context
        while not context.stopping() and not generation.is_settled():
            context.phase("column generation")
            before = len(generation.columns)
            generation.run()
            if context.stopping():
                break
            self._polish(generation)
            if len(generation.columns) == before:
                break
        context.spare_a_worker()  # cuts and packings are no searches over groups
        return generation.is_settled() and not context.stopping()

    def _polish(self, generation: Generation) -> None:
        """Look for a better incumbent among the groups met, where the atoms are not many."""
        if generation.is_near():
            return
        if self.atoms.num_atoms > self.settings.max_dived_atoms:
            # Cuts may take long here: before them, an incumbent.
            if generation.is_dear:
                self._complete(generation, 1)
            return
        self.context.phase("polishing")
        pool, odd_sets = generation.columns, generation.odd_sets
        with self._relaxation(pool, pool, odd_sets) as relaxation:
            polish(relaxation, self.settings.packing_units)

    def _dive(self, generation: Generation) -> None:
        """Dive while the incumbent is far from the relaxation, and atoms are not too many."""
        if self.atoms.num_atoms > self.settings.max_dived_atoms:
            return
        context, answer = self.context, generation.answer
        diver = generation.diver()
        for number in range(self.settings.dives):
            if context.stopping() or answer is None or generation.is_near():
                return
            context.phase("diving")
            diver.dive(number)

    def _cut(self, generation: Generation) -> bool:
        """Cuts on the whole problem, as long as they help; whether they helped much."""
        context = self.context
        if generation.best is None or not generation.is_settled():
            return False
        context.phase("cuts")
        began = generation.best.value
        while not context.stopping():
            before = generation.best.value
            if not generation.cut():
                break
            gained, left = before - generation.best.value, generation.best.value
            if gained <= gap_worth(left, context.objective) / LEAST_GAIN:
                break
        if context.stopping() or not generation.is_settled():
            return False
        left = gap_worth(generation.best.value, context.objective)
        return began - generation.best.value > left / WORTH

    def _branch(self, generation: Generation) -> bool:
        """Branch and price; whether that ended the run."""
        context, settings = self.context, self.settings
        if generation.best is None or not generation.is_settled():
            return False
        context.phase("branch and price")
        relaxation = PricedRelaxation(self.atoms, self.search, context, generation, settings)
        return explore(relaxation, settings.packing_units, settings.max_branches, self.proof)

    def _relaxation(self, pool: Columns, seeds: Columns, odd_sets: list[OddSet]) -> PoolRelaxation:
        return PoolRelaxation(
            self.atoms, self.search, self.context, pool, seeds, odd_sets, self.settings
        )

    def _finish(
        self, pool: Columns, prices: Prices | None, seeds: Columns, odd_sets: list[OddSet]
    ) -> None:
        """The best choice among pool groups, proved; the pool holds all that can matter.

        Parameters
        ----------
        prices : those that left these groups; ``None`` if these are all of use.
        """
        context, before = self.context, self.context.bound
        context.spare_a_worker()
        proof = Proof(self.atoms)
        proof.listed(prices)
        self._finish_by(proof, pool, seeds, odd_sets)
        if context.bound != before:
            self.proof.adopt(proof)

    def _finish_by(
        self, proof: Proof, pool: Columns, seeds: Columns, odd_sets: list[OddSet]
    ) -> None:
        context, settings = self.context, self.settings
        if self.search.can_bound and len(pool):
            context.phase("cuts")
            with self._relaxation(pool, seeds, odd_sets) as relaxation:
                best = tighten(relaxation, proof)
                pool, odd_sets = relaxation.pool, relaxation.odd_sets
                remember(self.atoms, context, [relaxation.columns], odd_sets)
                if context.stopping():
                    return
                if best is not None and len(pool) <= settings.max_packed:
                    context.phase("packing")
                    units = settings.packing_units
                    if descend(self.atoms, pool, best.prices, best.bound, context, units):
                        return
                context.phase("branching")
                if explore(relaxation, settings.packing_units, None, proof):
                    return
        elif self.search.can_bound:
            proof.narrowed(no_prices(self.atoms, self.search.scale))
        if context.stopping():
            return
        if len(pool) > settings.max_packed:
            context.note(
                f"columns: {len(pool)} groups remain, more than the {settings.max_packed} "
                "that are packed; not finished"
            )
            return
        context.phase("packing")
        pack(self.atoms, pool, context)
