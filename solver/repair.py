"""``repair``: from any grouping to a feasible one that keeps as much of it as it can.

First everything meaningless or banned is left out (unknown indices, repeated items, items that
may not be in their group), pins are put back and ``together`` sets made whole. Then single moves
mend what is still broken, one rule at a time, always by the move after which the rules are closest
to being kept; a short memory of moved atoms keeps it from going round in circles (min-conflicts
with a tabu list: Minton et al. 1992, Galinier & Hertz 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from solver.grouping import Grouping
from solver.problem import GroupingProblem
from solver.search.atoms import Atoms, contract
from solver.search.draft import Draft, Held
from solver.search.growth import Grower
from solver.verification import verify

#: Moves compared in one step; more are sampled.
_MAX_TRIED = 80
#: Atoms tried as seeds of new groups, or as the ones that move for a shared limit's sake.
_MAX_SEEDS = 16

Move = Callable[[Draft], None]


def repair(problem: GroupingProblem, grouping: Grouping) -> Grouping | None:
    """A feasible grouping near the one given, or ``None`` if none is found.

    Deterministic, and bounded by a number of steps, not by a clock.

    Parameters
    ----------
    grouping : any groups: repeated or overlapping items, unknown indices, broken rules.
    """
    if verify(problem, grouping).feasible:
        return grouping
    atoms = contract(problem)
    if atoms.flaw is not None:
        return None
    steps = 60 + 2 * min(atoms.num_atoms, 500)
    kept = written(atoms, grouping)
    for attempt, draft in enumerate((kept, Draft(atoms))):
        rng = np.random.default_rng(attempt)
        if settle(draft, rng, steps):
            found = draft.grouping()
            if verify(problem, found).feasible:
                return found
    return None


def written(atoms: Atoms, grouping: Grouping) -> Draft:
    """A draft with as much of a grouping as the rules that are always kept allow."""
    draft = Draft(atoms)
    problem = atoms.problem
    for group in grouping:
        if not 0 <= group.kind < problem.num_kinds:
            continue
        inside: dict[int, int] = {}
        for i in dict.fromkeys(group.members):
            if 0 <= i < problem.num_items:
                a = int(atoms.of_item[i])
                inside[a] = inside.get(a, 0) + 1
        pins = [a for a in inside if not draft.movable(a)]
        # The first pin's group is this one, if its kind is; other pins stay in their own groups.
        home = draft.home[pins[0]] if pins else -1
        if home >= 0 and draft.groups[home].kind != group.kind:
            home = -1
        joining = [
            a
            for a, count in inside.items()
            if draft.movable(a)
            and draft.home[a] < 0
            and atoms.fit[group.kind, a]
            # Of an atom split over groups, the group with most of it takes it whole.
            and 2 * count >= int(atoms.size[a])
        ]
        joining = _compatible(draft, joining, group.kind)
        if home < 0 and joining:
            home = draft.open(group.kind, ())
        for a in joining:
            if draft.admits(home, a):
                draft.put(a, home)
        if home >= 0 and not draft.groups[home].atoms:
            draft.undo(draft.mark() - 1)
    draft.commit()
    return draft


def _compatible(draft: Draft, members: list[int], kind: int) -> list[int]:
    """Leave out the atoms with most banned partners until none is left."""
    members = list(members)
    against = {a: set(draft.joint(a, members, kind)[1]) for a in members}
    while any(against.values()):
        worst = max(members, key=lambda a: len(against[a]))
        members.remove(worst)
        for other in against.pop(worst):
            against[other].discard(worst)
    return members


def settle(
    draft: Draft, rng: np.random.Generator, steps: int, over: Callable[[], bool] | None = None
) -> bool:
    """Move single atoms until every rule is kept; returns whether that was reached.

    Among moves that leave equally much broken, the one of most value is taken.

    Parameters
    ----------
    steps : moves at most.
    over : asked before each step whether it must end.
    """
    tabu: dict[int, int] = {}
    best = draft.off
    grower = Grower(draft.atoms)
    for step in range(steps):
        if draft.off == 0:
            return True
        if over is not None and over():
            return False
        moves = list(_moves(draft, rng, grower))
        if len(moves) > _MAX_TRIED:
            chosen = rng.choice(len(moves), _MAX_TRIED, replace=False)
            moves = [moves[int(at)] for at in sorted(chosen)]
        least: tuple[int, int, float] | None = None
        taken: tuple[list[int], Move] | None = None
        start = draft.mark()
        for touched, move in moves:
            move(draft)
            rank = (draft.off, -draft.value, rng.random())
            draft.undo(start)
            blocked = any(tabu.get(a, -1) >= step for a in touched)
            if (not blocked or rank[0] < best) and (least is None or rank < least):
                least, taken = rank, (touched, move)
        if taken is None:
            tabu.clear()
            continue
        taken[1](draft)
        draft.commit()
        best = min(best, draft.off)
        for a in taken[0]:
            tabu[a] = step + 2 + int(rng.integers(0, 4 + min(8, draft.atoms.num_atoms // 4)))
    return draft.off == 0


def _moves(
    draft: Draft, rng: np.random.Generator, grower: Grower
) -> Iterator[tuple[list[int], Move]]:
    """Moves that may mend one broken rule, each with the atoms it touches."""
    problem = draft.atoms.problem
    troubles: list[tuple[str, int]] = [("missing", a) for a in draft.missing()]
    troubles += [("group", g) for g, held in draft.groups.items() if held.off]
    for k, count in enumerate(draft.counts):
        if count < problem.min_groups[k]:
            troubles.append(("few", k))
        elif count > problem.max_groups[k]:
            troubles.append(("many", k))
    troubles += [("shared", s) for s in draft.shared_off()]
    what, at = troubles[int(rng.integers(len(troubles)))]
    if what == "missing":
        yield from _join(draft, at)
        for k in range(problem.num_kinds):
            yield from _grow(draft, grower, at, k)
    elif what == "group":
        yield from _mend_group(draft, at)
    elif what == "few":
        yield from _open_one(draft, at)
        for a in rng.permutation(draft.atoms.num_atoms)[:_MAX_SEEDS].tolist():
            yield from _grow(draft, grower, a, at)
        for g, held in list(draft.groups.items()):
            if held.kind != at:
                yield from _change_kind(g, held, draft, at)
    elif what == "many":
        for g, held in list(draft.groups.items()):
            if held.kind == at and not held.pinned:
                yield from _end(g, held)
                for k in range(problem.num_kinds):
                    if k != at:
                        yield from _change_kind(g, held, draft, k)
    else:
        for g, held in list(draft.groups.items()):
            if not held.pinned:
                yield from _end(g, held)
            for k in range(problem.num_kinds):
                if k != held.kind:
                    yield from _change_kind(g, held, draft, k)
        for a in rng.permutation(draft.atoms.num_atoms)[:_MAX_SEEDS].tolist():
            yield from _leave(draft, a)
            yield from _join(draft, a)


def _join(draft: Draft, a: int) -> Iterator[tuple[list[int], Move]]:
    """Put an atom into each group, if need be in the place of another, or into a new one."""
    if not draft.movable(a):
        return
    atoms, home = draft.atoms, draft.home[a]
    for g, held in list(draft.groups.items()):
        if g == home or held.frozen or not atoms.fit[held.kind, a]:
            continue
        against = draft.joint(a, held.atoms, held.kind)[1]
        if not against:
            yield [a], lambda d, g=g: d.move(a, g)  # type: ignore[misc]
        if not against:
            outs = [b for b in held.atoms if draft.movable(b)]
        else:
            # Only the one banned partner may make room: a ban must hold after every move.
            outs = against if len(against) == 1 and draft.movable(against[0]) else []
        for b in outs[:12]:
            yield [a, b], lambda d, g=g, b=b: _replace(d, a, b, g)  # type: ignore[misc]
    for k in range(atoms.problem.num_kinds):
        if atoms.fit[k, a]:
            yield [a], lambda d, k=k: _alone(d, a, k)  # type: ignore[misc]


def _leave(draft: Draft, a: int) -> Iterator[tuple[list[int], Move]]:
    if draft.home[a] >= 0 and draft.movable(a):
        yield [a], lambda d: d.take(a)


def _mend_group(draft: Draft, g: int) -> Iterator[tuple[list[int], Move]]:
    """Let atoms join or leave a group, end it, or change its kind."""
    held = draft.groups[g]
    for a in range(draft.atoms.num_atoms):
        if draft.home[a] != g and draft.movable(a) and draft.admits(g, a):
            yield [a], lambda d, a=a: d.move(a, g)  # type: ignore[misc]
            for b in held.atoms[:12]:
                if draft.movable(b):
                    yield [a, b], lambda d, a=a, b=b: _replace(d, a, b, g)  # type: ignore[misc]
    for a in list(held.atoms):
        yield from _leave(draft, a)
        for h in list(draft.groups):
            if h != g and draft.admits(h, a):
                yield [a], lambda d, a=a, h=h: d.move(a, h)  # type: ignore[misc]
        for k in range(draft.atoms.problem.num_kinds):
            if draft.movable(a) and draft.atoms.fit[k, a] and len(held.atoms) > 1:
                yield [a], lambda d, a=a, k=k: _alone(d, a, k)  # type: ignore[misc]
    if not held.pinned:
        yield from _end(g, held)
        for k in range(draft.atoms.problem.num_kinds):
            if k != held.kind:
                yield from _change_kind(g, held, draft, k)


def _end(g: int, held: Held) -> Iterator[tuple[list[int], Move]]:
    yield list(held.atoms), lambda d: d.dissolve(g)


def _open_one(draft: Draft, kind: int) -> Iterator[tuple[list[int], Move]]:
    for a in range(draft.atoms.num_atoms):
        if draft.movable(a) and draft.atoms.fit[kind, a]:
            yield [a], lambda d, a=a: _alone(d, a, kind)  # type: ignore[misc]


def _grow(draft: Draft, grower: Grower, a: int, kind: int) -> Iterator[tuple[list[int], Move]]:
    """Open a whole feasible group around an atom, of atoms that are outside."""
    if not draft.movable(a):
        return
    free = np.array(draft.home) < 0
    growth = grower.grow((a,), kind, free)
    if growth is not None:
        members = list(growth.atoms)

        def found(d: Draft) -> None:
            if d.home[a] >= 0:
                d.take(a)
            d.open(kind, members)

        yield members, found


def _change_kind(g: int, held: Held, draft: Draft, kind: int) -> Iterator[tuple[list[int], Move]]:
    """Give a group another kind, if its atoms may be in it."""
    members = list(held.atoms)
    if held.pinned or not all(draft.atoms.fit[kind, a] for a in members):
        return
    if any(draft.joint(a, members, kind)[1] for a in members):
        return

    def change(d: Draft) -> None:
        d.dissolve(g)
        d.open(kind, members)

    yield members, change


def _alone(draft: Draft, a: int, kind: int) -> None:
    if draft.home[a] >= 0:
        draft.take(a)
    draft.open(kind, (a,))


def _replace(draft: Draft, a: int, b: int, g: int) -> None:
    """Put ``a`` into a group in the place of ``b``, which goes to where ``a`` was if it may."""
    home = draft.home[a]
    if home >= 0:
        draft.take(a)
    draft.put(a, g)
    draft.take(b)
    if home in draft.groups and draft.admits(home, b):
        draft.put(b, home)
