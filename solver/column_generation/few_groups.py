"""Where few groups are chosen from very many: lists of good groups before a settled relaxation.

A register of some hundred firms and a caseload of a handful of consortia has so many groups of
nearly the same worth that the exact search takes seconds, and column generation asks for it again
and again, only to end at a relaxation far above the best grouping. So here it is asked once for
more: all groups that lose at most a *width* against the prices of a relaxation that quick searches
have brought near its end. By what these prices prove (``columns.proved_bound``, from the same
list), a grouping worth more than ::

    floor = bound - width

has groups of the list only (Baldacci, Christofides & Mingozzi, 2008, who list all of the gap).
Among these pricing is a pass over flat arrays, cuts cost nothing, and branches with their own
prices leave ever fewer groups (``pool``, ``branching``): so either the best grouping is found, or
there is none above the floor. Then the next list reaches further down.
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.column_generation.atoms import Atoms
from solver.column_generation.branching import explore
from solver.column_generation.chains import FRUITLESS, Chains
from solver.column_generation.columns import Columns, Prices, proved_bound
from solver.column_generation.generation import Generation, Relaxation
from solver.column_generation.group_search import GroupSearch
from solver.column_generation.packing import descend
from solver.column_generation.pool import PoolRelaxation, tighten
from solver.column_generation.proof import Proof
from solver.column_generation.settings import EnumerationSettings
from solver.context import SolveContext
from solver.problem import IntArray

#: A group on the first list loses at most the 2**-FIRST-th part of what the prices are worth, on
#: the next ones 2**STEP times as much, or more after short ones. After one that is too long comes
#: one half way back to what is decided, and from then on steps are half as long.
FIRST, STEP = 7.0, 1.0
#: How often a list may be too long; the last try has more work to spend.
NARROWER = 2
#: After so many dives in vain others are not likely to bring anything.
EXHAUSTED = 2 * FRUITLESS
#: An incumbent is far from the relaxation beyond this part of it.
FAR = 0.01


@dataclass(frozen=True, slots=True)
class Lists:
    """The run of lists; see the module docstring.

    Attributes
    ----------
    chains : dives of the generation.
    began : work when the run began.
    """

    atoms: Atoms
    search: GroupSearch
    context: SolveContext
    settings: EnumerationSettings
    generation: Generation
    proof: Proof
    chains: Chains
    began: int

    def run(self) -> bool:
        """Go down from list to list; whether the run is over."""
        context, settings, exponent, narrowed = self.context, self.settings, FIRST, 0
        decided: float | None = None
        while not context.stopping():
            context.phase("column generation")
            prices = self.generation.approach()
            if prices is None or context.stopping():
                break
            units, dear = context.work, self.generation.is_dear
            if not narrowed and not dear:
                self._dive(units)
            context.phase("reduced-cost enumeration")
            width = self._width(prices, exponent)
            most = settings.window_units if narrowed < NARROWER else settings.pool_units
            found = self.search.within(prices, -width, settings.max_few, most)
            if context.stopping():
                break
            if not found.complete:
                if narrowed == NARROWER:
                    break
                narrowed += 1
                exponent = exponent + STEP if decided is None else (exponent + decided) / 2
                continue
            relaxation = self._relaxation(prices, found.best)
            if dear and (decided is None or not narrowed):
                self._dive(units)  # the bound was to come first
            floor = (relaxation.bound - width) // prices.scale
            reached = width == self.search.most_negative()
            if context.objective is not None:
                reached = reached or floor <= context.objective
            context.spare_a_worker()
            if not self._choose(found.columns, relaxation, None if reached else floor):
                break
            if reached:
                return True
            decided = exponent
            short = len(found.columns) <= settings.few_packed
            exponent -= STEP / 2 if narrowed else (2 * STEP if short else STEP)
        return context.stopping()

    def _dive(self, units: int, last: bool = False) -> None:
        """Dives, until all of them have taken half as much work as everything else.

        Where there is no incumbent, or the relaxation is far above it, they may take as much.

        Parameters
        ----------
        units : the work when everything else is counted.
        last : whether these are the last; then only where they are likely to bring something.
        """
        context, settings, chains = self.context, self.settings, self.chains
        if self.atoms.num_atoms > settings.max_dived_atoms:
            return
        other = units - self.began - chains.units
        for _ in range(settings.dives_of_few):
            answer, objective = self.generation.answer, context.objective
            if answer is None or context.stopping():
                return
            far = objective is None or answer.value - objective > FAR * abs(answer.value)
            if chains.units > (other if far else other // 2):
                return
            if last and not (far and chains.in_vain < EXHAUSTED):
                return
            context.phase("diving")
            chains.dive()

    def _width(self, prices: Prices, exponent: float) -> int:
        """What a group on a list may lose, times the prices' scale; at last, anything."""
        most = self.search.most_negative()
        if exponent < 1.0:
            return most
        width = int(abs(prices.cost(self.atoms)) / 2.0**exponent)
        return max(prices.scale, min(width, most))

    def _relaxation(self, prices: Prices, best: IntArray) -> Relaxation:
        """What prices prove; ``best`` is that of a list, so nothing of use is missing."""
        context = self.context
        relaxation = Relaxation(prices, proved_bound(self.atoms, prices, best))
        bound = relaxation.bound // prices.scale
        if context.bound is None or bound < context.bound:
            self.proof.relaxed(prices)
            context.prove_bound(bound)
        return relaxation

    def _choose(self, pool: Columns, best: Relaxation, floor: int | None) -> bool:
        """The best choice worth more than ``floor`` among listed groups; whether it was decided.

        Parameters
        ----------
        pool : all groups that can be in one.
        best : the proof that left these.
        """
        context, generation, settings = self.context, self.generation, self.settings
        before = context.bound
        proof = Proof(self.atoms)
        proof.listed(best.prices)
        context.phase("cuts")
        pools = PoolRelaxation(
            self.atoms, self.search, context, pool, generation.columns, [], settings, floor
        )
        with pools as relaxation:
            tightened = tighten(relaxation, proof)
            generation.add(relaxation.columns)
            decided = False
            if tightened is not None and not context.stopping():
                decided = self._decide(relaxation, tightened, floor, proof)
        if context.bound != before:
            self.proof.adopt(proof)
        return decided

    def _decide(
        self, relaxation: PoolRelaxation, best: Relaxation, floor: int | None, proof: Proof
    ) -> bool:
        """Decide a tightened pool, by CP-SAT if it is small and else by branching."""
        context, settings, pool = self.context, self.settings, relaxation.pool
        units = settings.packing_units
        if len(pool) <= settings.few_packed:
            context.phase("packing")
            if descend(self.atoms, pool, best.prices, best.bound, context, units, floor):
                return True
        self._dive(context.work, last=True)  # branches may take all that is left
        context.phase("branching")
        return explore(relaxation, units, None, proof)
