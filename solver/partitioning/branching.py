"""Branch and bound on whether two atoms are together, for one component.

A branch is a set of fixed pairs, closed under what follows from them: together is transitive, and
an atom apart from one of a class is apart from all of it. Its relaxation keeps every row found
anywhere (all are valid everywhere); reduced costs fix more pairs; what is still fractional is
split on one pair. The branch with the highest bound comes first, so the bound of the whole is the
bound of the branch at hand.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from solver.context import SolveContext
from solver.errors import ModelTooLarge
from solver.partitioning.local_search import CHUNK, LocalSearch
from solver.partitioning.model import FreeGrouping
from solver.partitioning.relaxation import Bound, Fixings, Relaxation
from solver.partitioning.separation import violated_stars, violated_triangles
from solver.problem import BoolArray, FloatArray, IntArray

#: Triangles added at once, and how many of them on one pair.
NEW_TRIANGLES, TRIANGLES_ON_A_PAIR = 1000, 2
#: Other stars added at once, and how many on one pair; none above so many atoms.
NEW_STARS, STARS_ON_A_PAIR, MAX_ATOMS_FOR_STARS = 300, 3, 400
#: Stars are looked for when fewer triangles than this are violated.
FEW_TRIANGLES = 50
#: Rounds over which cuts must close this part of the gap, at the root and elsewhere.
PATIENCE, BRANCH_PATIENCE, LEAST_GAIN = 6, 2, 0.02
#: A component is given up, where that is asked for, when its gap would take so many times what is
#: left of the limits to close at the pace of the cuts so far. They only get slower.
OUT_OF_REACH = 3.0
#: But not before so large a part of what is left has been used.
LEAST_SHARE = 0.02
#: Stars are also looked for when a round closed less than this part of the gap.
SLOW_GAIN = 0.05
#: Rows idle in so many solves are dropped.
MAX_IDLE = 5
#: A pair is fractional if it is this far from 0 and 1.
FRACTIONAL = 1e-5
#: Annealing of the first incumbent: stretches, and moves in each per atom.
STRETCHES, MOVES_AN_ATOM = 20, 1000


@dataclass(order=True, slots=True)
class _Branch:
    """A branch waiting; the highest bound first, then the latest."""

    key: tuple[int, int]
    fixed: Fixings = field(compare=False)

    @property
    def bound(self) -> int:
        return -self.key[0]


class Component:
    """One component, its incumbent and its bound.

    Attributes
    ----------
    labels, value : the incumbent, int64 [m], and what it is worth.
    bound : proved.
    learn : tells a component of better partitions found elsewhere; with it a component is given up
        when its gap is out of reach.
    given_up : whether no more is done for it, as its gap is out of reach.
    """

    def __init__(
        self,
        free: FreeGrouping,
        context: SolveContext,
        changed: Callable[[], None],
        learn: Callable[[Component], None] | None = None,
    ) -> None:
        self.free, self._context, self._changed = free, context, changed
        self._learn, self.given_up = learn, False
        self._search = LocalSearch(free, context.limits.seed)
        self.labels = self._search.singletons()
        self.value = 0
        self.bound = int(np.triu(np.maximum(np.where(free.apart, 0, free.value), 0), 1).sum())
        self._relaxation: Relaxation | None = None
        self._open: list[_Branch] = []
        self._number = 0
        self.branches = 0

    def close(self) -> None:
        """Free the solver."""
        if self._relaxation is not None:
            self._relaxation.close()

    @property
    def proved(self) -> bool:
        """Whether the incumbent is optimal."""
        return self.value >= self.bound

    def search(self) -> None:
        """An incumbent: by descent, then by annealing."""
        labels = self._search.singletons()
        self.offer(labels)
        moves = MOVES_AN_ATOM * self.free.num_atoms
        for stretch in range(STRETCHES):
            left = moves
            while left > 0 and not self._stop():
                labels = self._search.anneal(labels, min(left, CHUNK), stretch, STRETCHES)
                left -= CHUNK
                self._charge_search()
        self.offer(labels)

    def offer(self, labels: IntArray) -> None:
        """Bring a partition to a local optimum, and keep it if it is better."""
        labels = self._search.settle(labels, self._context.stopping)
        self._charge_search()
        worth = self.free.worth(labels)
        if worth is not None and worth > self.value:
            self.labels, self.value = labels, worth
            self._changed()

    def root(self) -> None:
        """Solve the root's relaxation with cuts; what is left of it are the first branches."""
        try:
            self._relaxation = Relaxation(self.free, self._context)
        except ModelTooLarge as error:
            self._context.note(f"partition: {error}")
            return
        fixed = np.where(self.free.apart, -1, 0).astype(np.int8)
        self._open = [_Branch((-self.bound, 0), fixed)]
        self._process(self._pop(), at_root=True)

    @property
    def open(self) -> bool:
        """Whether there are branches left."""
        return bool(self._open) and not self.proved and not self.given_up

    def branch(self) -> None:
        """Take the next branch."""
        self._process(self._pop(), at_root=False)

    # -- inside -------------------------------------------------------------------------------

    def _stop(self) -> bool:
        return self.proved or self._context.stopping()

    def _charge_search(self) -> None:
        self._context.charge(self._search.moves // 10 + 1)
        self._search.moves = 0

    def _pop(self) -> _Branch:
        return heapq.heappop(self._open)

    def _push(self, bound: int, fixed: Fixings) -> None:
        if bound > self.value:
            self._number += 1
            heapq.heappush(self._open, _Branch((-bound, -self._number), fixed))

    def _lower(self, current: int) -> None:
        """Set the bound from the open branches and the one at hand."""
        bound = max([current, self.value, *(b.bound for b in self._open[:1])])
        if bound < self.bound:
            self.bound = bound
            self._changed()

    def _process(self, branch: _Branch, at_root: bool) -> None:
        """Bound a branch; put back what is left of it."""
        relaxation, context = self._relaxation, self._context
        assert relaxation is not None
        self.branches += 1
        best, fixed = branch.bound, branch.fixed
        began = context.seconds, context.work
        history: list[float] = []
        solved = None
        while best > self.value:
            relaxation.restrict(fixed)
            answer = relaxation.solve()
            if answer is None:
                break
            x, bound = solved = answer
            best = min(best, bound.value)
            if at_root:
                self._lower(best)
            self._round(x)
            if best <= self.value:
                break
            tighter = closed(bound.fix(fixed, self.value + 1))
            if tighter is None:
                best = self.value
                break
            gained = int((tighter != fixed).sum())
            fixed = tighter
            history.append(bound.scaled / bound.scale)
            if at_root and self._out_of_reach(history, *began):
                self.given_up = True
                break
            if not self._cut(x, history, at_root) and not gained:
                break
            if gained and len(history) > 200:
                break
            relaxation.drop_idle(MAX_IDLE)
        if context.stopping():
            self._push(best, fixed)
        elif best > self.value:
            self._split(best, fixed, solved)
        self._lower(self.value)

    def _cut(self, x: FloatArray, history: list[float], at_root: bool) -> bool:
        """Add violated rows; whether there are any and they are worth it."""
        relaxation = self._relaxation
        assert relaxation is not None
        gap = history[-1] - self.value
        patience = PATIENCE if at_root else BRANCH_PATIENCE
        if len(history) > patience and history[-1 - patience] - history[-1] < LEAST_GAIN * gap:
            return False
        slow = len(history) > 1 and history[-2] - history[-1] < SLOW_GAIN * gap
        m = self.free.num_atoms
        triangles = violated_triangles(x, NEW_TRIANGLES, TRIANGLES_ON_A_PAIR)
        added = relaxation.add(triangles)
        self._context.charge(m**3 // 1000)
        if (slow or len(triangles) < FEW_TRIANGLES) and m <= MAX_ATOMS_FOR_STARS:
            added += relaxation.add(violated_stars(x, NEW_STARS, STARS_ON_A_PAIR))
            self._context.charge(m**3 // 500)
        return added > 0

    def _out_of_reach(self, history: list[float], seconds: float, work: int) -> bool:
        """Whether the gap would stay open for long after the limits, at the pace so far."""
        if self._learn is None or len(history) <= PATIENCE:
            return False
        context, best = self._context, min(history)
        self._learn(self)
        closed, gap = history[0] - best, best - self.value
        shares = []
        if context.remaining_work is not None:
            shares.append((context.work - work) / max(1, context.remaining_work))
        if context.remaining_seconds is not None:
            shares.append((context.seconds - seconds) / max(1e-3, context.remaining_seconds))
        return any(share > LEAST_SHARE and gap * share > OUT_OF_REACH * closed for share in shares)

    def _round(self, x: FloatArray) -> None:
        """Partitions near a point of the relaxation."""
        self.offer(rounded(x, self.free.apart))

    def _split(self, best: int, fixed: Fixings, solved: tuple[FloatArray, Bound] | None) -> None:
        """Two branches: a pair together, and apart."""
        free = np.triu(fixed == 0, 1)
        if not free.any():  # one partition is left
            self.offer(rounded((fixed == 1).astype(np.float64), self.free.apart))
            return
        if solved is None:
            score = np.abs(self.free.value).astype(np.float64)
        else:
            x = solved[0]
            score = np.minimum(x, 1.0 - x) * (1.0 + np.abs(self.free.value) ** 0.5)
        score = np.where(free, score, -1.0)
        i, j = divmod(int(score.argmax()), len(fixed))
        for side in (1, -1):
            child = fixed.copy()
            child[i, j] = child[j, i] = side
            tight = closed(child)
            if tight is not None:
                self._push(best, tight)


def closed(fixed: Fixings) -> Fixings | None:
    """Fixings with all that follows from them; ``None`` if they contradict each other.

    Parameters
    ----------
    fixed : int8 [m, m], symmetric: 1 together, -1 apart, 0 free.
    """
    m = len(fixed)
    label = np.full(m, -1, np.int64)
    number = 0
    for start in range(m):
        if label[start] >= 0:
            continue
        stack = [start]
        label[start] = number
        while stack:
            at = stack.pop()
            fresh = np.flatnonzero((fixed[at] == 1) & (label < 0))
            label[fresh] = number
            stack.extend(fresh.tolist())
        number += 1
    parted = np.zeros((number, number), np.bool_)
    first, second = np.nonzero(fixed == -1)
    parted[label[first], label[second]] = True
    if parted.diagonal().any():
        return None
    out = np.where(parted[label[:, None], label[None, :]], -1, 0).astype(np.int8)
    out[label[:, None] == label[None, :]] = 1
    np.fill_diagonal(out, 0)
    return out


def rounded(x: FloatArray, apart: BoolArray) -> IntArray:
    """Class labels by joining the pairs above one half, the largest first, where allowed."""
    m = len(x)
    labels = np.arange(m)
    barred = apart.copy()
    first, second = np.nonzero(np.triu(x > 0.5, 1))
    for at in np.argsort(-x[first, second], kind="stable").tolist():
        a, b = labels[first[at]], labels[second[at]]
        if a != b and not barred[a, b]:
            labels[labels == b] = a
            barred[a] |= barred[b]
            barred[:, a] |= barred[:, b]
    return labels
