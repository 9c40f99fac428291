"""Groups of large reduced value, by branch and bound over the blocks of a branch.

A group is found from its root, its first block. The blocks that may still join it (candidates) are
each given a score: what the block itself adds, half of what its good pairs with other candidates
add, and what its resources are worth at some multipliers; the best totals of the resources, less
what these cost, complete an optimistic value. Any multipliers give a valid one (Lagrangian
relaxation of the totals); a few subgradient steps choose good ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from solver.certificate import ItemPrices
from solver.checking.facts import Blocks, Piece, Work

#: Subgradient steps before any block is chosen, for a group of one block, and for larger ones.
BEFORE, FIRST_STEPS, STEPS = 60, 12, 2
#: With more pairs than this part of the square of the blocks, roots are taken by their scores.
DENSE = 8

#: Told of a group (its blocks and its reduced value); returns the least value wanted from then on.
Report = Callable[[tuple[int, ...], int], int]


@dataclass(frozen=True, slots=True)
class _State:
    """A group in the making; all values are doubled, so that halves are whole.

    Attributes
    ----------
    members, size : its blocks, and their items.
    base : what they are worth but for the resources.
    totals : of each resource that matters.
    met : how many items of each cut it holds, where any.
    candidates : blocks that may join, and what each then adds to ``base`` (but for cuts).
    multipliers : to begin with.
    bound : no group that comes of it is worth more.
    """

    members: tuple[int, ...]
    size: int
    base: int
    totals: tuple[int, ...]
    met: dict[int, int]
    candidates: list[tuple[int, int]]
    multipliers: list[int]
    bound: int


class KindSearch:
    """The groups of one kind at given prices."""

    def __init__(self, blocks: Blocks, kind: int, prices: ItemPrices, work: Work) -> None:
        facts = blocks.facts
        self._work = work
        self._usable = blocks.usable[kind]
        self._min_size, self._max_size = facts.min_size[kind], facts.max_size[kind]
        self._sizes = [len(members) for members in blocks.items]
        self._largest = max(self._sizes, default=1)
        scale = prices.scale
        paid = list(prices.items)
        constant = scale * facts.open_values[kind] - prices.kinds[kind]
        for s, price in enumerate(prices.shared):
            if price:
                constant -= price * facts.shared_group_use[s][kind]
                for i, use in enumerate(facts.shared_item_use[s][kind]):
                    paid[i] += price * use
        costs = blocks.sums(paid)
        self._constant = 2 * constant
        self._gain = [
            2 * (scale * value - cost)
            for value, cost in zip(blocks.values[kind], costs, strict=True)
        ]
        self._beside = [
            {other: 2 * scale * value for other, value in row.items()}
            for row in blocks.beside[kind]
        ]
        self._quantities = [blocks.sums(facts.resources[r]) for r, _ in facts.pieces[kind]]
        self._pieces: list[list[Piece]] = [
            [(low, high, 2 * scale * value, 2 * scale * slope) for low, high, value, slope in row]
            for _, row in facts.pieces[kind]
        ]
        self._cut_prices = [2 * cut[-1] for cut in prices.cuts]
        self._cuts_of: list[dict[int, int]] = [{} for _ in blocks.items]
        for cut, (*items, price) in enumerate(prices.cuts):
            for i in items:
                if price:
                    held = self._cuts_of[blocks.block_of[i]]
                    held[cut] = held.get(cut, 0) + 1
        number = sum(len(row) for row in self._beside)
        work.spend(number)
        self._dense = number * DENSE > 2 * len(blocks.items) ** 2
        self._rank = list(range(len(blocks.items)))
        self._multipliers = [0] * len(self._pieces)

    def roots(self, least: int) -> list[int]:
        """The blocks, in the order in which they are roots of groups worth ``least`` or more.

        A group's root is its first block in this order. In dense graphs blocks of small score come
        first: most of them are dismissed at once, and few candidates remain for the others.
        """
        candidates = [(b, self._gain[b]) for b, usable in enumerate(self._usable) if usable]
        if not candidates:
            return []
        forced = max(1, -(-self._min_size // self._largest))
        allowed = min(len(candidates), self._max_size)
        if forced > allowed:
            return []
        self._work.spend(len(candidates) ** 2 // 4)
        scores = self._scores(candidates, allowed - 1)
        ends = [sum(quantities) for quantities in self._quantities]
        ranked = self._ranked(self._nothing(), scores, ends, forced, allowed, 2 * least)
        if ranked is None:
            return []
        _, self._multipliers, order = ranked
        roots = [b for _, b in reversed(order)] if self._dense else [b for b, _ in candidates]
        for place, b in enumerate(roots):
            self._rank[b] = place
        return roots

    def run(self, root: int, least: int, report: Report) -> None:
        """Report every group of a root whose reduced value is ``least`` or more."""
        rank, beside = self._rank, self._beside[root].items()
        later = [(b, self._gain[b] + value) for b, value in beside if rank[b] > rank[root]]
        first = self._grown(self._nothing(), root, self._gain[root], later, self._multipliers, 0)
        wanted = 2 * least
        stack = [(first, True)]
        while stack:
            state, fresh = stack.pop()
            if not fresh and state.bound < wanted:
                continue
            if state.size >= self._min_size:
                worth = self._worth(state)
                if worth is not None and worth >= wanted:
                    wanted = 2 * report(state.members, worth // 2)
            stack.extend((child, False) for child in self._children(state, wanted))

    # -- inside -------------------------------------------------------------------------------

    def _nothing(self) -> _State:
        return _State((), 0, self._constant, (0,) * len(self._pieces), {}, [], self._multipliers, 0)

    def _worth(self, state: _State) -> int | None:
        """Twice the reduced value of the members as a group; ``None`` if it is infeasible."""
        worth = state.base
        for pieces, total in zip(self._pieces, state.totals, strict=True):
            best = _best(pieces, total, total, 0)
            if best is None:
                return None
            worth += best[0]
        return worth

    def _grown(
        self,
        state: _State,
        block: int,
        gain: int,
        candidates: list[tuple[int, int]],
        multipliers: list[int],
        bound: int,
    ) -> _State:
        base, met = state.base + gain, state.met
        if self._cuts_of[block]:
            met = dict(met)
            for cut, number in self._cuts_of[block].items():
                before = met.get(cut, 0)
                met[cut] = before + number
                base -= ((before + number) // 2 - before // 2) * self._cut_prices[cut]
        totals = tuple(
            total + quantities[block]
            for total, quantities in zip(state.totals, self._quantities, strict=True)
        )
        members, size = (*state.members, block), state.size + self._sizes[block]
        return _State(members, size, base, totals, met, candidates, multipliers, bound)

    def _children(self, state: _State, wanted: int) -> list[_State]:
        """The groups with one block more that may lead to a wanted one, the best last."""
        room = self._max_size - state.size
        candidates = [(b, gain) for b, gain in state.candidates if self._sizes[b] <= room]
        missing = self._min_size - state.size
        if not candidates or sum(self._sizes[b] for b, _ in candidates) < missing:
            return []
        # At least and at most so many blocks join.
        forced = max(1, -(-missing // self._largest))
        allowed = min(len(candidates), room)
        if forced > allowed:
            return []
        number = len(self._pieces)
        self._work.spend(len(candidates) * (len(candidates) // 4 + number + 2) + number)
        scores = self._scores(candidates, allowed - 1)
        ends = [
            total + sum(quantities[b] for b, _ in candidates)
            for total, quantities in zip(state.totals, self._quantities, strict=True)
        ]
        ranked = self._ranked(state, scores, ends, forced, allowed, wanted)
        if ranked is None:
            return []
        outside, multipliers, order = ranked
        out = []
        gains = dict(candidates)
        for at, (score, block) in enumerate(order):
            rest = order[at + 1 : at + allowed]
            if 1 + len(rest) < forced:
                break
            bound = outside + score
            for place, (value, _) in enumerate(rest, start=1):
                if value > 0 or place < forced:
                    bound += value
                else:
                    break
            if bound < wanted:
                break
            near = self._beside[block]
            left = [(b, gains[b] + near[b]) for _, b in order[at + 1 :] if b in near]
            self._work.spend(1 + len(order) - at)
            out.append(self._grown(state, block, gains[block], left, multipliers, bound))
        out.reverse()
        return out

    def _scores(self, candidates: list[tuple[int, int]], others: int) -> list[tuple[int, int]]:
        """Each candidate's gain with half of its best pairs with so many others."""
        out = []
        for b, gain in candidates:
            near = self._beside[b]
            good = [near[c] for c, _ in candidates if near.get(c, 0) > 0]
            if len(good) > others:
                good = sorted(good, reverse=True)[:others]
            out.append((gain + sum(good) // 2, b))
        return out

    def _ranked(
        self,
        state: _State,
        scores: list[tuple[int, int]],
        ends: list[int],
        forced: int,
        allowed: int,
        wanted: int,
    ) -> tuple[int, list[int], list[tuple[int, int]]] | None:
        """What is outside the scores, the multipliers, and the candidates, best score first.

        ``None`` if no group that comes of the state is wanted.
        """
        multipliers = state.multipliers
        best = None
        steps = (BEFORE, FIRST_STEPS, STEPS)[min(2, len(state.members))]
        for _ in range(steps if self._pieces else 1):
            outside, targets = state.base, []
            for r, pieces in enumerate(self._pieces):
                found = _best(pieces, state.totals[r], ends[r], multipliers[r])
                if found is None:
                    return None
                outside += found[0]
                targets.append(found[1] - state.totals[r])
            order = []
            for score, b in scores:
                brought = score
                for multiplier, quantities in zip(multipliers, self._quantities, strict=True):
                    brought += multiplier * quantities[b]
                order.append((brought, b))
            order.sort(key=lambda entry: (-entry[0], entry[1]))
            self._work.spend(len(order) * (1 + len(multipliers)))
            taken = [b for at, (score, b) in enumerate(order[:allowed]) if at < forced or score > 0]
            bound = outside + sum(score for score, _ in order[: len(taken)])
            if bound < wanted:
                return None
            if best is None or bound < best[0]:
                best = bound, outside, multipliers, order
            slopes = [
                sum(quantities[b] for b in taken) - target
                for quantities, target in zip(self._quantities, targets, strict=True)
            ]
            length = sum(slope * slope for slope in slopes)
            if not length:
                break
            # Polyak's step towards the wanted value; what is below one is of no use.
            multipliers = [
                multiplier - (bound - wanted + 1) * slope // length
                for multiplier, slope in zip(multipliers, slopes, strict=True)
            ]
        if best is None:
            return None
        return best[1], best[2], best[3]


def _best(pieces: list[Piece], low: int, high: int, multiplier: int) -> tuple[int, int] | None:
    """Greatest value of a curve less ``multiplier`` for each unit above ``low``, and where.

    ``None`` if no total of ``low..high`` is feasible.
    """
    best = None
    for first, last, value, slope in pieces:
        a, b = max(first, low), min(last, high)
        if a > b:
            continue
        for x in (a, b):
            y = value + slope * (x - first) - multiplier * (x - low)
            if best is None or y > best[0]:
                best = y, x
    return best
