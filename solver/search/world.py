"""The arrays a search kernel reads and writes: few and wide, with named columns.

``World`` is a contracted problem, one grouping of it with its sums, the best grouping seen, the
random generator and scratch space. numba passes every array of a tuple to every function, so a
kernel with fifty arrays takes minutes to compile; eight take seconds. Values are int64 and exact;
floats weigh broken rules and decide what is accepted, never what is feasible or what it is worth.

m atoms, G = m + 2 group slots, K kinds, R resources, L shared limits, P stored pairs, and
C = 3 + R + L classes of rules.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from solver.search.atoms import FREE, Atoms
from solver.search.growth import concave_hull

# Elements of kernel arrays are plain integers and floats once compiled; numpy's scalar types would
# only be in the way of a type checker.
IntArray: TypeAlias = Any  #: int64
FloatArray: TypeAlias = Any  #: float64

#: A table of all pairs is kept up to this many atoms; beyond, neighbours are found by bisection.
MAX_TABLED_ATOMS = 3000
#: Candidates an opening move looks at.
MAX_CANDIDATES = 64
#: Entries of the tables of exponential and of Gumbel noise.
NUM_LUCK = 4096

# Columns of World.atom. Group (-1 outside), next and previous atom of the same group, stamp, group
# in the best grouping; items, must-join items, role, range of its pairs; members of an opening in
# order, and their links (scratch, by position); amounts, and further columns at World.ints[OWN]
# (a kind), [FIT] (a kind) and [USE] (a kind and limit).
HOME, AFTER, BEFORE, MARK, BEST_HOME, ITEMS, MUST, ROLE, START, END, CHOSEN, LINK, AMOUNT = range(
    13
)
# Columns of World.group. First atom, atoms, items, kind, role of the pin inside, value of atoms and
# pairs, value of curves, how far the size is off; the slots in use first and then the free ones,
# and the inverse; kind in the best grouping; list of groups, and of a group that an atom meets:
# stamp, allowed pairs and their value (scratch); amounts, and how far these are off at
# World.ints[SHORT].
(
    HEAD, COUNT, SIZE, KIND, HELD, LINEAR, CURVED, SIZE_OFF, LIVE, LIVE_AT, BEST_KIND, ROBBED,
    GROUP_MARK, MET, MET_VALUE, TOTAL,
) = range(16)  # fmt: skip
# Columns of World.kind. Bounds of sizes and group numbers, columns of World.pair, groups now; then
# for each resource the bounds and the points of the curve and of its hull (start, end), at stride
# 6; then the use of each shared limit by a group at World.ints[GROUP_USE]; then the resources that
# have a rule or a curve in the kind, NUM_RULED of them, at World.ints[RULED].
(
    OPEN, MIN_SIZE, MAX_SIZE, MIN_GROUPS, MAX_GROUPS, PAIR_VALUE, PAIR_BAD, NUMBER, NUM_RULED,
    RESOURCE,
) = range(10)  # fmt: skip
LEAST, MOST, CURVE, CURVE_END, HULL, HULL_END, STRIDE = range(7)
# Columns of World.pair, ordered by atom. The other atom, ascending; another neighbour of the same
# atom, by falling value; then values and bans, one column or one a kind.
OTHER, STRONG, PAIR_DATA = range(3)
# Entries of World.ints: what is known now, sizes, and where the blocks of varying length begin.
(
    RANDOM, VALUE, NUM_LIVE, BEST, HAS_BEST, TICKS, MOVES, FRESH, LOGGED, ACCEPTED, STAMP,
    ABSENT_BAD,
    NUM_RESOURCES, NUM_LIMITS, NUM_CLASSES, NUM_MOVABLE, FAR,
    OWN, FIT, USE, SHORT, GROUP_USE, RULED,
    SPENT, LIMIT, OFF, STEP, SUMS, MOVABLE, LOG, MIX,
) = range(31)  # fmt: skip
CANDIDATE = MIX + 7
GAIN = CANDIDATE + MAX_CANDIDATES
FIRST_BLOCK = GAIN + MAX_CANDIDATES
# Classes of rules in the OFF and STEP blocks; amounts and then shared limits follow. The STEP block
# continues with the changes of the uses of the shared limits.
OFF_SIZE, OFF_MUST, OFF_NUMBER, OFF_AMOUNT = range(4)
# Entries of World.floats. Temperature, its factor every 64 moves, sum and number of the changes of
# value seen; noise; rough losses of candidates; then C prices of broken rules, C least and C
# greatest prices.
TEMPERATURE, COOLING, RAISE, LOWER, CHANGE_SUM, CHANGE_COUNT, LUCK = range(7)
GUMBEL = LUCK + NUM_LUCK
LOSS = GUMBEL + NUM_LUCK
PRICE = LOSS + MAX_CANDIDATES
# Kinds of entries of the log, each 4 numbers.
PUT, TAKEN, OPENED, CLOSED, RECAST = range(5)
# The moves, in the order of the MIX block (cumulative chances, of 1024).
SHIFT, EXCHANGE, OPENING, MERGE, SPLIT, RECASTING, ENDING = range(7)


class World(NamedTuple):
    """See the module docstring, and the columns above.

    Attributes
    ----------
    atom : int64 [m, 12 + R + 2K + KL].
    group : int64 [G, 15 + 2R].
    kind : int64 [K, 9 + 7R + L].
    pair : int64 [2P, 2 + (1 or K) + (1 or K)].
    table : int32 [m, m], place of each pair in ``pair`` or -1; [0, 0] where not kept.
    point : int64 [points, 2], points of the curves and corners of their hulls.
    ints : int64 [..].
    floats : float64 [..].
    """

    atom: IntArray
    group: IntArray
    kind: IntArray
    pair: IntArray
    table: npt.NDArray[np.int32]
    point: IntArray
    ints: IntArray
    floats: FloatArray


def world_of(atoms: Atoms, seed: int) -> World:
    """The arrays of a contracted problem, without a grouping yet (see ``kernels.load``)."""
    num, num_kinds = atoms.num_atoms, atoms.problem.num_kinds
    num_resources, num_limits = atoms.problem.num_resources, atoms.problem.num_shared_limits
    classes = OFF_AMOUNT + num_resources + num_limits
    movable = np.flatnonzero(atoms.role == FREE)
    kind, point = _kinds(atoms)

    first = FIRST_BLOCK
    starts = {}
    for block, length in (
        (SPENT, num_limits),
        (LIMIT, num_limits),
        (OFF, classes),
        (STEP, classes + num_limits),
        (SUMS, num_resources),
        (MOVABLE, len(movable)),
        (LOG, 4 * (8 * num + 64)),
    ):
        starts[block] = first
        first += length
    ints = np.zeros(first, dtype=np.int64)
    for block, at in starts.items():
        ints[block] = at
    ints[RANDOM] = generator_seed(seed)
    ints[ABSENT_BAD] = atoms.absent_bad
    ints[NUM_RESOURCES], ints[NUM_LIMITS], ints[NUM_CLASSES] = num_resources, num_limits, classes
    ints[NUM_MOVABLE] = len(movable)
    # No shortage or excess counts for more, so that the sum over all groups stays in range.
    ints[FAR] = 2**61 // (num + 2)
    ints[OWN] = AMOUNT + num_resources
    ints[FIT] = ints[OWN] + num_kinds
    ints[USE] = ints[FIT] + num_kinds
    ints[SHORT] = TOTAL + num_resources
    ints[GROUP_USE] = RESOURCE + STRIDE * num_resources
    ints[RULED] = ints[GROUP_USE] + num_limits
    ints[starts[LIMIT] : starts[LIMIT] + num_limits] = atoms.problem.shared_limit
    ints[starts[MOVABLE] : starts[MOVABLE] + len(movable)] = movable

    floats = np.zeros(PRICE + 3 * classes)
    chance = (np.arange(NUM_LUCK) + 0.5) / NUM_LUCK
    floats[LUCK : LUCK + NUM_LUCK] = -np.log(chance)
    floats[GUMBEL : GUMBEL + NUM_LUCK] = -np.log(-np.log(chance))

    atom = np.zeros(
        (num, AMOUNT + num_resources + 2 * num_kinds + num_kinds * num_limits), np.int64
    )
    atom[:, [ITEMS, MUST, ROLE]] = np.stack([atoms.size, atoms.must, atoms.role], axis=1)
    atom[:, START], atom[:, END] = atoms.ptr[:-1], atoms.ptr[1:]
    atom[:, AMOUNT : ints[OWN]] = atoms.amount
    atom[:, ints[OWN] : ints[FIT]] = atoms.own.T
    atom[:, ints[FIT] : ints[USE]] = atoms.fit.T
    atom[:, ints[USE] :] = atoms.use.transpose(1, 0, 2).reshape(num, num_kinds * num_limits)
    pair, table = _pairs(atoms)
    group = np.zeros((num + 2, TOTAL + 2 * num_resources), dtype=np.int64)
    return World(atom, group, kind, pair, table, point, ints, floats)


def _kinds(atoms: Atoms) -> tuple[IntArray, IntArray]:
    problem, num = atoms.problem, atoms.num_atoms
    first_limit = RESOURCE + STRIDE * problem.num_resources
    first_ruled = first_limit + problem.num_shared_limits
    kind = np.zeros((problem.num_kinds, first_ruled + problem.num_resources), np.int64)
    # Bounds that cannot be reached mean the same one step beyond what can.
    kind[:, OPEN] = problem.open_values
    kind[:, MIN_SIZE] = np.minimum(problem.min_size, problem.num_items + 1)
    kind[:, MAX_SIZE] = np.minimum(problem.max_size, problem.num_items + 1)
    kind[:, MIN_GROUPS] = np.minimum(problem.min_groups, num + 3)
    kind[:, MAX_GROUPS] = np.minimum(problem.max_groups, num + 3)
    rows = np.arange(problem.num_kinds)
    kind[:, PAIR_VALUE] = PAIR_DATA + rows * (len(atoms.pair_value) > 1)
    kind[:, PAIR_BAD] = PAIR_DATA + len(atoms.pair_value) + rows * (len(atoms.pair_bad) > 1)
    kind[:, first_limit:first_ruled] = problem.shared_group_use.T
    points: list[tuple[int, int]] = []
    for r in range(problem.num_resources):
        at, total = RESOURCE + STRIDE * r, sum(problem.resources[r].tolist())
        kind[:, at + LEAST] = np.minimum(problem.resource_min[:, r], total + 1)
        kind[:, at + MOST] = np.minimum(problem.resource_max[:, r], total + 1)
        for k in range(problem.num_kinds):
            curve = problem.curves.get((k, r))
            kind[k, at + CURVE] = len(points)
            points += () if curve is None else curve.points
            kind[k, at + CURVE_END] = kind[k, at + HULL] = len(points)
            points += () if curve is None else concave_hull(curve, total)
            kind[k, at + HULL_END] = len(points)
            bounded = kind[k, at + LEAST] > 0 or kind[k, at + MOST] < total
            if curve is not None or bounded:
                kind[k, first_ruled + kind[k, NUM_RULED]] = r
                kind[k, NUM_RULED] += 1
    return kind, np.array(points, dtype=np.int64).reshape(-1, 2)


def _pairs(atoms: Atoms) -> tuple[IntArray, npt.NDArray[np.int32]]:
    num = atoms.num_atoms
    start = np.repeat(np.arange(num), np.diff(atoms.ptr))
    by_value = np.lexsort((atoms.adj, -atoms.pair_value.max(axis=0, initial=0), start))
    pair = np.concatenate(
        [atoms.adj[None], atoms.adj[by_value][None], atoms.pair_value, atoms.pair_bad]
    )
    if num > MAX_TABLED_ATOMS:
        return np.ascontiguousarray(pair.T), np.zeros((0, 0), dtype=np.int32)
    table = np.full((num, num), -1, dtype=np.int32)
    table[start, atoms.adj] = np.arange(len(atoms.adj), dtype=np.int32)
    return np.ascontiguousarray(pair.T), table


def generator_seed(seed: int) -> int:
    """A well mixed, nonzero state from any seed (splitmix64, Steele et al. 2014), as int64."""
    mask = 2**64 - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    z ^= z >> 31
    return (z if z < 2**63 else z - 2**64) or 1
