"""The annealing loop, and the compiled entry of all that anneals a ``World``.

Simulated annealing (Kirkpatrick et al. 1983). Rules on sizes, amounts, group numbers, shared
limits and must-join items may be broken at a price that rises while they are and falls while they
are not (strategic oscillation, Glover 1989); bans and pins always hold. Only feasible groupings
count as best.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

from solver.search.kernels import bits, compiled, draw, load
from solver.search.moves import (
    ending,
    exchange,
    keep_best,
    look,
    merge,
    recasting,
    shift,
    split,
)
from solver.search.openings import opening
from solver.search.world import (
    COOLING,
    EXCHANGE,
    LIVE,
    LOWER,
    MERGE,
    MIX,
    MOVABLE,
    MOVES,
    NUM_CLASSES,
    NUM_LIVE,
    NUM_MOVABLE,
    OFF,
    OPENING,
    PRICE,
    RAISE,
    RECASTING,
    SHIFT,
    SPLIT,
    TEMPERATURE,
    TICKS,
)

if TYPE_CHECKING:
    from solver.search.world import IntArray, World

#: Ticks charged for a move besides the pairs it looks at.
TICKS_A_MOVE = 100
#: Moves between two changes of temperature and prices.
PERIOD = 64


@compiled
def reprice(w: World) -> None:
    """Raise the prices of rules that are broken, lower those of rules that are kept."""
    classes = w.ints[NUM_CLASSES]
    for c in range(classes):
        price, least, most = PRICE + c, PRICE + classes + c, PRICE + 2 * classes + c
        if w.ints[w.ints[OFF] + c] > 0:
            w.floats[price] = min(w.floats[price] * w.floats[RAISE], w.floats[most])
        else:
            w.floats[price] = max(w.floats[price] * w.floats[LOWER], w.floats[least])


def _entry(fingerprint: int) -> Any:
    """``run``, cached on disk under a key that changes with the source of its helpers.

    numba looks only at the file of the cached function itself; the number, being a value the
    function closes over, is part of the key.
    """

    def run(w: World, home: IntArray, kind: IntArray, moves: int, max_ticks: int) -> int:
        if home.shape[0] > 0:
            load(w, home, kind)
            look(w)
        if w.ints[NUM_MOVABLE] == 0:
            keep_best(w)
            return fingerprint
        for _ in range(moves):
            if w.ints[TICKS] >= max_ticks:
                break
            w.ints[MOVES] += 1
            w.ints[TICKS] += TICKS_A_MOVE
            if w.ints[MOVES] % PERIOD == 0:
                w.floats[TEMPERATURE] *= w.floats[COOLING]
                reprice(w)
            # The choice is made here and not in a helper: each further level of helpers would
            # have the compiler go through all the code below it once more.
            what = bits(w) & 1023
            i = w.ints[w.ints[MOVABLE] + draw(w, w.ints[NUM_MOVABLE])]
            if what < w.ints[MIX + SHIFT]:
                shift(w, i)
            elif what < w.ints[MIX + EXCHANGE]:
                exchange(w, i)
            elif what < w.ints[MIX + OPENING]:
                opening(w, i)
            elif w.ints[NUM_LIVE] > 0:
                g = w.group[draw(w, w.ints[NUM_LIVE]), LIVE]
                if what < w.ints[MIX + MERGE]:
                    merge(w, g)
                elif what < w.ints[MIX + SPLIT]:
                    split(w, g)
                elif what < w.ints[MIX + RECASTING]:
                    recasting(w, g)
                else:
                    ending(w, g)
        keep_best(w)
        return fingerprint

    # The kernels allocate nothing: without numba's memory runtime they compile faster.
    options: dict[str, Any] = {"_nrt": False, "nogil": True}
    try:
        return numba.njit(cache=True, **options)(run)
    except RuntimeError:  # no folder for the cache is writable
        return numba.njit(**options)(run)


def _fingerprint() -> int:
    """A number that changes with the source of the modules the kernels are made of."""
    digest = sha256()
    for name in ("world.py", "kernels.py", "moves.py", "openings.py", "annealing.py"):
        try:
            digest.update((Path(__file__).parent / name).read_bytes())
        except OSError:  # installed without sources: numba cannot cache then either
            digest.update(b"?")
    return int.from_bytes(digest.digest()[:4], "big")


#: (world, home, kind, moves, max_ticks): put a grouping in (see ``load``), unless ``home`` is
#: empty, and anneal for so many moves or until so many ticks have been counted.
run = _entry(_fingerprint())
