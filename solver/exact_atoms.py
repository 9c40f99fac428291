"""Items that can only move as one become one *atom*; the exact model groups atoms.

The ``together`` rules and the pins partition the items: items linked by a chain of such rules are
all in one group or all out. Merging each class into an atom turns these rules into plain data:

- an atom's size, values, resources and uses are sums over its items, and the value between two
  atoms is the sum over their crossing pairs, so every total of a grouping is unchanged;
- an atom is eligible for a kind iff all its items are and all its inner pairs are allowed;
- two atoms are allowed in one group iff all their crossing pairs are;
- a pinned atom must join and is eligible for the pin's kind only; it is allowed with no other
  pinned atom, and with no atom at all when the pin may not grow;
- an atom that cannot be (it holds two pins, or more than a pin that may not grow) is eligible
  nowhere; since it must join, the problem is infeasible.

Nothing of ``together``, ``apart``, ``pinned``, ``eligible``, ``pair_allowed`` and ``absent_pairs``
is then left for the model to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from solver.classes import bound_items
from solver.problem import GroupingProblem

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Atoms:
    """Atoms, numbered so that those with few possible partners come first.

    Attributes
    ----------
    members : items of each atom, ascending.
    size : number of items of each atom.
    value : [k][a], own value in each kind, inner pairs included.
    quantity : [r][a], what each atom brings of each resource.
    use : [s][k][a], what each atom takes of each shared limit.
    must_join : [a].
    eligible : [k], bit mask of the atoms that may be in a group of kind k.
    allowed : [k][a], bit mask of the atoms that may share a group of kind k with atom a.
    pair_value : [k], value between two atoms (a < b), only where it is not 0.
    """

    members: tuple[tuple[int, ...], ...]
    size: list[int]
    value: list[list[int]]
    quantity: list[list[int]]
    use: list[list[list[int]]]
    must_join: list[bool]
    eligible: list[int]
    allowed: list[list[int]]
    pair_value: list[dict[Pair, int]]

    def __len__(self) -> int:
        return len(self.members)


def bits(mask: int) -> Iterator[int]:
    """Positions of the set bits of a mask, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def mask_of(positions: Iterable[int]) -> int:
    """The mask with these bits set."""
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def merge_items(problem: GroupingProblem) -> Atoms:
    """The atoms of a problem.

    Where nothing has a value, atoms that must join come first: groups without any are of no use
    then, and so neither are slots whose first atom need not join.
    """
    obliged = set(np.flatnonzero(problem.must_join).tolist())
    obliged.update(i for pin in problem.pinned for i in pin.members)
    members = _numbered(problem, [tuple(items) for items in bound_items(problem)])
    if problem.is_valueless:
        members.sort(key=lambda items: not any(i in obliged for i in items))
    home = {i: a for a, items in enumerate(members) for i in items}
    count, kinds = len(members), range(problem.num_kinds)
    pairs = [ordered(home[i], home[j]) for i, j in problem.pairs.tolist()]

    def summed(row: list[int]) -> list[int]:
        return [sum(row[i] for i in items) for items in members]

    value = [summed(row) for row in problem.item_values.tolist()]
    pair_value = []
    for k in kinds:
        between: Counter[Pair] = Counter()
        for pair, worth in zip(pairs, problem.pair_values_of(k).tolist(), strict=True):
            if pair[0] == pair[1]:
                value[k][pair[0]] += worth
            else:
                between[pair] += worth
        pair_value.append({pair: worth for pair, worth in between.items() if worth})

    eligible, allowed = [], []
    for k in kinds:
        row = problem.eligible[k].tolist()
        masks, broken = _partners(problem, members, home, k)
        whole = (a for a in range(count) if a not in broken and all(row[i] for i in members[a]))
        eligible.append(mask_of(whole))
        allowed.append(masks)
    must_join = [any(problem.must_join[i] for i in items) for items in members]
    _pin(problem, members, home, eligible, allowed, must_join)
    return Atoms(
        members=tuple(members),
        size=[len(items) for items in members],
        value=value,
        quantity=[summed(row) for row in problem.resources.tolist()],
        use=[[summed(row) for row in rows] for rows in problem.shared_item_use.tolist()],
        must_join=must_join,
        eligible=eligible,
        allowed=allowed,
        pair_value=pair_value,
    )


def ordered(a: int, b: int) -> Pair:
    """A pair of atoms, the smaller first."""
    return (a, b) if a < b else (b, a)


def _numbered(problem: GroupingProblem, classes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Classes with fewer possible partners first: a group's first atom stands for it, so its
    candidates are few.
    """
    listed = [0] * problem.num_items
    sign = 1 if problem.absent_pairs == "forbidden" else -1
    for k in range(1 if problem.pair_allowed.ndim == 1 else problem.num_kinds):
        for (i, j), ok in zip(problem.pairs.tolist(), problem.pair_allowed_of(k), strict=True):
            if ok == (sign == 1):
                listed[i] += sign
                listed[j] += sign
    return sorted(classes, key=lambda items: (min(listed[i] for i in items), items))


def _partners(
    problem: GroupingProblem, members: list[tuple[int, ...]], home: dict[int, int], kind: int
) -> tuple[list[int], set[int]]:
    """Masks of allowed partners in one kind, and the atoms whose own inner pairs are banned."""
    count, apart = len(members), problem.apart_pairs
    listed = list(zip(problem.pairs.tolist(), problem.pair_allowed_of(kind).tolist(), strict=True))
    broken: set[int] = set()
    if problem.absent_pairs == "forbidden":
        links = Counter(
            ordered(home[i], home[j]) for (i, j), ok in listed if ok and (i, j) not in apart
        )
        masks = [0] * count
        for (a, b), number in links.items():
            if a != b and number == len(members[a]) * len(members[b]):
                masks[a] |= 1 << b
                masks[b] |= 1 << a
        for a, items in enumerate(members):
            if links[a, a] < len(items) * (len(items) - 1) // 2:
                broken.add(a)
        return masks, broken
    everyone = (1 << count) - 1
    masks = [everyone & ~(1 << a) for a in range(count)]
    for i, j in (*((i, j) for (i, j), ok in listed if not ok), *apart):
        a, b = home[i], home[j]
        if a == b:
            broken.add(a)
        masks[a] &= ~(1 << b)
        masks[b] &= ~(1 << a)
    return masks, broken


def _pin(
    problem: GroupingProblem,
    members: list[tuple[int, ...]],
    home: dict[int, int],
    eligible: list[int],
    allowed: list[list[int]],
    must_join: list[bool],
) -> None:
    """Write the pins into the other fields, as the module docstring says."""
    pinned = 0
    closed = 0
    for p, pin in enumerate(problem.pinned):
        a = home[pin.members[0]]
        bit = 1 << a
        grows = problem.pin_may_grow[p]
        impossible = bool(pinned & bit) or not (grows or set(members[a]) == set(pin.members))
        must_join[a] = True
        pinned |= bit
        closed |= 0 if grows else bit
        for k in range(problem.num_kinds):
            if impossible or k != pin.kind:
                eligible[k] &= ~bit
    for masks in allowed:
        for a, mask in enumerate(masks):
            if closed >> a & 1:
                masks[a] = 0
            elif pinned >> a & 1:
                masks[a] = mask & ~pinned
            else:
                masks[a] = mask & ~closed
