"""Whether a problem without values has a feasible grouping: the question behind every conflict.

With nothing to gain, cheap answers come first:

1. the pins and nothing else, which ``solve`` itself tries;
2. **counting**: a relaxation that forgets which of a kind's groups an atom is in. With N_k the
   number of groups of kind k and y_ki whether atom i is in one of them ::

       sum_k y_ki <= 1  (= 1 if i must join)        y_ki <= N_k <= sum_i y_ki
       l_k N_k <= sum_i size_i y_ki <= u_k N_k      L_kr N_k <= sum_i q_ri y_ki <= U_kr N_k
       gmin_k <= N_k <= gmax_k                      sum_k c_sk N_k + sum_ki d_ski y_ki <= C_s

   which are the sums, over a kind's groups, of the rules of each group (a surrogate relaxation,
   Glover 1968). No solution of it: no grouping. It has K (n + 1) variables, however dense the
   graph, and sees every conflict of sizes, numbers, totals, eligibility and limits. A solution
   is a good start: where a kind has one group, it is that group but for its pairs;
3. the exact model, which decides it unless the model is too large;
4. repair of the counting solution, then enumeration and local search for what is left.
"""

from __future__ import annotations

from ortools.sat.python import cp_model

from solver import cpsat
from solver.column_generation import generate_columns
from solver.context import SolveContext, Strategy
from solver.exact import exact
from solver.exact_atoms import Atoms, bits, merge_items
from solver.exact_model import MAX_ROW
from solver.grouping import Group, Grouping
from solver.problem import GroupingProblem
from solver.repair import repair
from solver.search import search
from solver.verification import verify

#: Largest number of kinds times items that is counted.
MAX_COUNTED = 200_000
#: Share of what is left of the limits that each step may use.
SHARE = 0.5


def decide(context: SolveContext) -> None:
    """Find any feasible grouping of a problem whose values are all 0, or prove that there is none.

    Raises
    ------
    ValueError
        If the problem has values: their bound is not 0.
    """
    if not context.problem.is_valueless:
        raise ValueError("only a problem without values can be decided by any grouping")
    context.prove_bound(0)
    likely = _count(context)
    if context.stopping():
        return
    _within_share(context, exact)
    if likely is not None and not context.stopping():
        repaired = repair(context.problem, likely)
        if repaired is not None:
            context.offer(repaired)
    for strategy in (generate_columns, search):
        _within_share(context, strategy)


def _within_share(context: SolveContext, strategy: Strategy) -> None:
    work, seconds = context.remaining_work, context.remaining_seconds
    with context.limited(
        None if work is None else max(1, int(work * SHARE)),
        None if seconds is None else seconds * SHARE,
    ):
        if not context.stopping():
            strategy(context)


def _count(context: SolveContext) -> Grouping | None:
    """Prove infeasibility by counting, or offer or return a grouping whose numbers are right."""
    problem = context.problem
    if problem.num_kinds * problem.num_items > MAX_COUNTED:
        return None
    context.phase("counting")
    context.charge(problem.num_kinds * (problem.num_items + problem.num_pairs))
    counting = _Counting(problem, merge_items(problem))
    outcome = cpsat.run(counting.model, context, watched=counting.watched)
    if outcome.status == "INFEASIBLE":
        context.prove_infeasible()
    if outcome.values is None:
        return None
    likely = counting.grouping(outcome.values)
    if verify(problem, likely).feasible:
        context.offer(likely)
    return likely


class _Counting:
    """The counting relaxation as a CP-SAT model."""

    def __init__(self, problem: GroupingProblem, atoms: Atoms) -> None:
        self.problem, self.atoms = problem, atoms
        self.model = model = cp_model.CpModel()
        kinds = range(problem.num_kinds)
        self.numbers = []
        self.inside: list[dict[int, cp_model.IntVar]] = []
        homes: list[list[cp_model.IntVar]] = [[] for _ in range(len(atoms))]
        for k in kinds:
            least, most = int(problem.min_groups[k]), int(problem.max_groups[k])
            # There are no more groups than atoms; a minimum above that cannot be met.
            number = model.new_int_var(0, len(atoms), "")
            model.add_linear_constraint(number, least, max(most, least))
            some = model.new_bool_var("")
            model.add(number >= some)
            inside = {i: model.new_bool_var("") for i in bits(atoms.eligible[k])}
            for i, literal in inside.items():
                model.add_implication(literal, some)
                homes[i].append(literal)
            self.numbers.append(number)
            self.inside.append(inside)
            self._row([number, *inside.values()], [1, *(-1 for _ in inside)], 0)
            self._between(k, atoms.size, int(problem.min_size[k]), int(problem.max_size[k]))
            for r, row in enumerate(atoms.quantity):
                low, high = int(problem.resource_min[k, r]), int(problem.resource_max[k, r])
                self._between(k, row, low, high)
        for must_join, home in zip(atoms.must_join, homes, strict=True):
            if must_join:
                model.add_exactly_one(home)
            elif len(home) > 1:
                model.add_at_most_one(home)
        for s, limit in enumerate(problem.shared_limit.tolist()):
            terms = list(self.numbers)
            weights = problem.shared_group_use[s].tolist()
            for k in kinds:
                terms += self.inside[k].values()
                weights += [atoms.use[s][k][i] for i in self.inside[k]]
            self._row(terms, weights, limit)

    def _between(self, kind: int, amounts: list[int], low: int, high: int) -> None:
        """low * number <= total <= high * number over the groups of a kind."""
        number, inside = self.numbers[kind], self.inside[kind]
        weights = [amounts[i] for i in inside]
        if low > 0:
            self._row([number, *inside.values()], [low, *(-w for w in weights)], 0)
        if high < sum(weights):
            self._row([number, *inside.values()], [-high, *weights], 0)

    def _row(self, terms: list[cp_model.IntVar], weights: list[int], most: int) -> None:
        """Sum of weights * terms <= most, left out where CP-SAT could not hold it."""
        reach = sum(map(abs, weights)) * max(1, len(self.atoms))
        if reach <= MAX_ROW:
            expression = cp_model.LinearExpr.weighted_sum(terms, weights)
            least = -MAX_ROW - 1
            self.model.add_linear_constraint(expression, least, max(least, min(most, MAX_ROW)))

    @property
    def watched(self) -> list[cp_model.IntVar]:
        """The numbers of groups, then what is inside, kind by kind."""
        return [*self.numbers, *(v for inside in self.inside for v in inside.values())]

    def grouping(self, values: tuple[int, ...]) -> Grouping:
        """Deal each kind's atoms to as many groups as were counted, pins first and apart."""
        atoms, problem = self.atoms, self.problem
        home = {i: a for a, items in enumerate(atoms.members) for i in items}
        pinned = {home[pin.members[0]] for pin in problem.pinned}
        groups: list[Group] = []
        at = len(self.numbers)
        for k, inside in enumerate(self.inside):
            taken = [i for i, v in zip(inside, values[at : at + len(inside)], strict=True) if v]
            at += len(inside)
            taken.sort(key=lambda i: i not in pinned)
            number = min(values[k], len(taken))
            for g in range(number):
                members = [i for a in taken[g::number] for i in atoms.members[a]]
                groups.append(Group(k, members))
        return Grouping(groups)
