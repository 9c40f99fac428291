"""The course of the strategy; the package docstring explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.columns import Columns, Prices, join, no_columns, reduced_values
from solver.column_generation.generation import Generation, Relaxation, first_columns
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.master import Triple
from solver.column_generation.packing import improve, incumbent_columns, pack
from solver.column_generation.pool import tighten
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.grouping import Grouping
from solver.verification import verify

#: Reduced-cost enumeration tries windows down to this power of 4 below the gap.
SMALLEST_WINDOW = 40


def enumerate_groups(context: SolveContext, settings: EnumerationSettings | None = None) -> None:
    """Run the strategy; see the module docstring."""
    settings = EnumerationSettings() if settings is None else settings
    try:
        atoms = contract(context.problem)
        context.charge(100 + 10 * atoms.num_atoms + len(atoms.neighbours))
        _Enumeration(context, settings, atoms, GroupSearch(atoms, context)).run()
    except ModelTooLarge as error:
        context.note(f"enumerate: {error}")


@dataclass(frozen=True, slots=True)
class _Enumeration:
    """One run."""

    context: SolveContext
    settings: EnumerationSettings
    atoms: Atoms
    search: GroupSearch

    def run(self) -> None:
        """List all groups if they are few; otherwise go by the relaxation."""
        context, settings = self.context, self.settings
        too_few = (context.problem.min_groups > self.atoms.max_groups).any()
        if self.atoms.impossible is not None or too_few:
            context.prove_infeasible()
            return
        nothing = Grouping()
        if context.grouping is None and verify(context.problem, nothing).feasible:
            context.offer(nothing)
        context.phase("listing")
        found = self.search.every(settings.max_listed, settings.listing_units)
        if context.stopping():
            return
        if found.complete:
            self._finish(found.columns, no_columns(), [])
            return
        if not self.search.can_bound:
            context.note(
                f"enumerate: more than {settings.max_listed} groups; values too large for bounds"
            )
            return
        context.phase("column generation")
        seeds = first_columns(self.atoms, self.search, settings)
        seeds = join([incumbent_columns(self.atoms, context), seeds])
        generation = Generation(self.atoms, self.search, context, settings, seeds)
        with generation:
            generation.run()
            if context.stopping():
                return
            if generation.best is None or not generation.has_converged():
                improve(self.atoms, generation.columns, context, settings.packing_units)
                context.note("enumerate: the relaxation could not be solved within limits")
                return
            improve(self.atoms, generation.columns, context, settings.packing_units)
            self._cut(generation)
            if context.stopping():
                return
            self._shrink(generation, generation.best)

    def _cut(self, generation: Generation) -> None:
        """Cuts on the whole problem, until few groups lie within the gap or cuts do not help."""
        context, settings = self.context, self.settings
        rounds = 0
        context.phase("cuts")
        while not context.stopping() and context.objective is not None:
            best = generation.best
            if best is None:
                return
            gap = best.bound - best.prices.scale * (context.objective + 1)
            limit, units = settings.max_window, settings.listing_units
            if self.search.within(best.prices, -gap, limit, units).complete:
                return
            if not generation.cut() or generation.best is None:
                return
            rounds += 1
            if rounds & (rounds - 1) == 0:
                improve(self.atoms, generation.columns, context, settings.packing_units)
            before, after = best.value, generation.best.value
            if before - after < min((after - context.objective) / 50, abs(after) / 10_000):
                return

    def _shrink(self, generation: Generation, relaxation: Relaxation) -> None:
        """List what may be in a better grouping, and finish on that.

        Where that is too much, the groups of a smaller window below the bound may give a better
        incumbent, hence a smaller gap.
        """
        context, settings = self.context, self.settings
        prices = relaxation.prices
        context.phase("reduced-cost enumeration")
        while not context.stopping():
            gap = self.search.most_negative()
            if context.objective is not None:
                gap = min(gap, relaxation.bound - prices.scale * (context.objective + 1))
            found = self.search.within(prices, -gap, settings.max_pool, settings.pool_units)
            if context.stopping():
                return
            if found.complete:
                self._finish(found.columns, generation.columns, generation.triples)
                return
            before = context.objective
            window = self._window(generation.columns, prices, gap)
            improve(self.atoms, window, context, settings.packing_units)
            if context.objective == before:
                break
        if not context.stopping():
            left = "without a feasible grouping"
            if context.objective is not None:
                left = f"with a gap of {relaxation.bound // prices.scale - context.objective}"
            context.note(
                f"enumerate: more groups could still be of use than the {settings.max_pool} "
                f"that are listed; not finished, {left}"
            )

    def _window(self, columns: Columns, prices: Prices, gap: int) -> Columns:
        """The groups of greatest reduced value: a window below the bound that is not too wide."""
        most, units = self.settings.max_window, self.settings.listing_units
        for power in range(1, SMALLEST_WINDOW):
            if self.context.stopping():
                break
            found = self.search.within(prices, -(gap >> 2 * power), 4 * most, units)
            if found.complete:
                reduced = reduced_values(
                    self.atoms, found.columns, found.columns.uses(self.atoms), prices
                )
                best = found.columns.take(np.argsort(-reduced, kind="stable")[:most])
                return join([columns, best])
        return columns

    def _finish(self, pool: Columns, seeds: Columns, triples: list[Triple]) -> None:
        """The best choice among pool groups, proved; the pool holds all that can matter."""
        context, settings = self.context, self.settings
        if len(pool) > settings.easily_packed and self.search.can_bound:
            context.phase("cuts")
            pool, triples = tighten(
                self.atoms,
                self.search,
                pool,
                context,
                seeds,
                triples,
                settings.easily_packed,
                settings.packing_units,
            )
        if context.stopping():
            return
        if len(pool) > settings.max_packed:
            context.note(
                f"enumerate: {len(pool)} groups remain, more than the {settings.max_packed} "
                "that are packed; not finished"
            )
            return
        context.phase("packing")
        pack(self.atoms, pool, context, triples)
