"""The course of the two strategies; the package docstring explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from solver.column_generation.approach import approach
from solver.column_generation.atoms import Atoms, contract
from solver.column_generation.branch import everything
from solver.column_generation.branching import PricedRelaxation, explore
from solver.column_generation.columns import Columns, Prices, join, no_prices
from solver.column_generation.generation import Generation, Relaxation, first_columns
from solver.column_generation.group_search import Found, GroupSearch
from solver.column_generation.master import Triple
from solver.column_generation.packing import incumbent_columns, pack
from solver.column_generation.pool import PoolRelaxation, polish, tighten
from solver.column_generation.proof import Proof
from solver.column_generation.recall import recalled, remember
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.grouping import Grouping
from solver.verification import verify

#: The gap is approached from a 4**FIRST_WINDOW-th part of it.
FIRST_WINDOW = 2
#: Another round of cuts is worth it if the last one took this part of the gap.
LEAST_GAIN = 50
#: After the cuts, the groups that matter are listed again if cuts took this part of the gap.
WORTH = 10
#: So near to the relaxation, relatively, an incumbent needs no dives.
NARROW = 0.02


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
        known, triples = recalled(self.atoms, context)
        if found.complete:
            self._finish(found.columns, None, known, triples)
            return
        if not self.search.can_bound:
            context.note(
                f"columns: more than {settings.max_listed} groups; values too large for bounds"
            )
            return
        seeds = first_columns(self.atoms, self.search, settings)
        relaxation = None
        if self.atoms.num_atoms >= settings.large and len(seeds):
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
            self.atoms, self.search, context, settings, seeds, triples, self.proof
        )
        generation.best = relaxation
        with generation:
            ended = False
            if self._settle(generation):
                self._cut(generation)
            while not ended and not context.stopping():
                ended = self._close(generation)
                if not ended and not self._cut(generation):
                    break
            remember(self.atoms, context, [generation.columns], generation.triples)
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

    def _close(self, generation: Generation) -> bool:
        """Try to list all groups that may be in a better grouping; whether that ended the run.

        All at once where they are few. Otherwise first the groups in a small part of the gap: they
        may give a better incumbent, hence a smaller gap. Then ever larger parts, as long as their
        groups are few.
        """
        context, settings = self.context, self.settings
        if not self._settle(generation) or generation.best is None:
            return context.stopping()
        context.phase("reduced-cost enumeration")
        if self._list_rest(generation, settings.max_listed, settings.listing_units):
            return True
        power = FIRST_WINDOW
        while not context.stopping():
            if not self._settle(generation) or generation.best is None:
                break
            context.phase("reduced-cost enumeration")
            if not power:
                return self._list_rest(generation, settings.max_pool, settings.pool_units)
            best = generation.best
            window = abs(best.bound) if context.objective is None else self._gap(best)
            found = self.search.within(
                best.prices, -(window >> 2 * power), settings.max_window, settings.window_units
            )
            if not found.complete:
                break
            self._polish(join([generation.columns, found.columns]), generation)
            # A window four times as wide was seen to hold up to ten times as many groups.
            power = 0 if len(found.columns) * 10**power <= settings.max_listed else power - 1
        return context.stopping()

    def _gap(self, best: Relaxation) -> int:
        """How far below 0 the reduced value of a group in a better grouping can be.

        Without an incumbent every group may be in one.
        """
        if self.context.objective is None:
            return self.search.most_negative()
        return best.bound - best.prices.scale * (self.context.objective + 1)

    def _list_rest(self, generation: Generation, most: int, units: int) -> bool:
        """List all groups that may be in a better grouping and finish on them; whether that ended.

        Parameters
        ----------
        most, units : groups and work units within which the list must end.
        """
        best = generation.best
        assert best is not None
        found = self.search.within(best.prices, -self._gap(best), most, units)
        if found.complete and not self.context.stopping():
            self._finish(found.columns, best.prices, generation.columns, generation.triples)
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
            self._dive(generation)
            if not self._is_near(generation):
                self._polish(generation.columns, generation)
            if len(generation.columns) == before:
                break
        return generation.is_settled() and not context.stopping()

    def _dive(self, generation: Generation) -> None:
        """Dive while the incumbent is far from the relaxation, and atoms are not too many."""
        if self.atoms.num_atoms > self.settings.max_dived_atoms:
            return
        context, answer = self.context, generation.answer
        diver = generation.diver()
        for number in range(self.settings.dives):
            if context.stopping() or answer is None or self._is_near(generation):
                return
            context.phase("diving")
            diver.dive(number)

    def _is_near(self, generation: Generation) -> bool:
        """Whether the incumbent is near to the relaxation."""
        answer, objective = generation.answer, self.context.objective
        if answer is None or objective is None:
            return False
        return answer.value - objective < NARROW * abs(answer.value)

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
            if gained <= (left - (context.objective or 0)) / LEAST_GAIN:
                break
        if context.stopping() or not generation.is_settled():
            return False
        self._polish(generation.columns, generation)
        left = generation.best.value - (context.objective or 0)
        return began - generation.best.value > left / WORTH

    def _branch(self, generation: Generation) -> bool:
        """Branch and price; whether that ended the run."""
        context, settings = self.context, self.settings
        if generation.best is None or not generation.is_settled():
            return False
        context.phase("branch and price")
        relaxation = PricedRelaxation(self.atoms, self.search, context, generation, settings)
        return explore(relaxation, settings.packing_units, settings.max_branches, self.proof)

    def _polish(self, columns: Columns, generation: Generation) -> None:
        with self._relaxation(columns, generation.columns, generation.triples) as relaxation:
            polish(relaxation)

    def _relaxation(self, pool: Columns, seeds: Columns, triples: list[Triple]) -> PoolRelaxation:
        units = self.settings.packing_units
        return PoolRelaxation(self.atoms, self.search, self.context, pool, seeds, triples, units)

    def _finish(
        self, pool: Columns, prices: Prices | None, seeds: Columns, triples: list[Triple]
    ) -> None:
        """The best choice among pool groups, proved; the pool holds all that can matter.

        Parameters
        ----------
        prices : those that left these groups; ``None`` if these are all of use.
        """
        context, settings = self.context, self.settings
        self.proof.listed(prices)
        few = len(pool) <= settings.easily_packed
        if not few and self.search.can_bound:
            context.phase("cuts")
            with self._relaxation(pool, seeds, triples) as relaxation:
                tighten(relaxation, settings.easily_packed, self.proof)
                pool, triples = relaxation.pool, relaxation.triples
                remember(self.atoms, context, [relaxation.columns, pool], triples)
                if len(pool) > settings.easily_packed and not context.stopping():
                    context.phase("branching")
                    # CP-SAT is better at many small groups, branching at a few large ones.
                    many = self.atoms.max_total_groups > settings.few_groups
                    soon = many and len(pool) <= settings.packed_soon
                    branches = settings.quick_branches if soon else None
                    if explore(relaxation, settings.packing_units, branches, self.proof):
                        return
        if context.stopping():
            return
        if len(pool) > settings.max_packed:
            context.note(
                f"columns: {len(pool)} groups remain, more than the {settings.max_packed} "
                "that are packed; not finished"
            )
            return
        context.phase("packing")
        if few and prices is None and self.search.can_bound:
            self._price(pool)
            if context.stopping():
                return
        pack(self.atoms, pool, context, triples)

    def _price(self, pool: Columns) -> None:
        """Prices for the certificate where all groups are packed at once."""
        if not len(pool):
            self.proof.narrowed(no_prices(self.atoms, self.search.scale))
            return
        with self._relaxation(pool, pool, []) as relaxation:
            solved = relaxation.solve(everything(self.atoms))
            if solved is not None and solved.prices is not None:
                self.proof.narrowed(solved.prices)
