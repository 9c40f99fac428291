"""Reduction rules that look at items, kinds, bounds and limits; those on pairs are in ``fitting``.

Each rule is a function of a ``Draft`` that returns whether it changed anything. All keep the set of
feasible groupings and their values, but for ``drop_dominated_kinds``, which keeps a best one.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from solver.classes import classes
from solver.problem import UNBOUNDED, BoolArray, Curve, IntArray
from solver.reduction.draft import Draft
from solver.verification import group_value, group_violations

#: Above so many kinds none is compared with all others.
MOST_COMPARED = 20_000
#: Rules of apart items up to this size are looked up pair by pair, larger ones in one pass.
_FEW = 30


def settle_pins(draft: Draft) -> bool:
    """Take out pins that may not grow: they are in every grouping.

    Their value, number and use of shared limits are accounted for. One that breaks a rule by itself
    makes the problem infeasible.
    """
    problem = draft.problem
    growing = [p for p in draft.pins if problem.pin_may_grow[p]]
    settled = [p for p in draft.pins if not problem.pin_may_grow[p]]
    draft.pins = growing
    for p in settled:
        pin = problem.pinned[p]
        members = set(pin.members)
        broken = [str(violation) for violation in group_violations(problem, pin)]
        broken += [
            f"items {list(rule)} are to be together"
            for rule in problem.together
            if members.intersection(rule) and not members.issuperset(rule)
        ]
        if broken:
            draft.fail(f"pin {p} breaks a rule: {broken[0]}")
            return True
        draft.fixed.append(pin)
        draft.constant += group_value(problem, pin)
        here = list(pin.members)
        draft.item[here] = False
        for k in draft.open_kinds():
            gone = np.zeros(problem.num_items, np.bool_)
            gone[here] = True
            draft.bar(k, gone)
        draft.max_groups[pin.kind] -= 1
        draft.min_groups[pin.kind] = max(0, int(draft.min_groups[pin.kind]) - 1)
        draft.shared_limit -= problem.shared_group_use[:, pin.kind]
        draft.shared_limit -= problem.shared_item_use[:, pin.kind, here].sum(axis=1)
        if draft.max_groups[pin.kind] < 0:
            label = problem.kinds[pin.kind]
            draft.fail(f"more groups of kind {label!r} are pinned than there may be")
    return draft.count("pins", len(settled))


def bind_items(draft: Draft) -> bool:
    """Items that are in one group or all out have only the kinds they share.

    These are the items ``together`` and the members of a pin (whose kind is given). Together they
    must be within the kind's size and bounds, and each pair of them must be allowed.
    """
    problem, changed = draft.problem, 0
    groups = _bound_items(draft)
    if not groups:
        return False
    for members, kind in groups:
        inside = np.zeros(problem.num_items, np.bool_)
        inside[members] = True
        for k in draft.open_kinds():
            if (kind is not None and k != kind) or not _may_be_one_group(draft, k, members):
                changed += draft.bar(k, inside)
    return draft.count("eligibilities", changed)


def _bound_items(draft: Draft) -> list[tuple[list[int], int | None]]:
    """Items bound to each other, transitively, and their kind if they are pinned."""
    problem = draft.problem
    pins = [problem.pinned[p] for p in draft.pins]
    rules = [
        rule
        for rule in (*problem.together, *(pin.members for pin in pins))
        if all(draft.item[i] for i in rule)
    ]
    concerned = {i for rule in rules for i in rule}
    kind = {pin.members[0]: pin.kind for pin in pins}
    return [
        (members, next((kind[i] for i in members if i in kind), None))
        for members in classes(problem.num_items, rules)
        if members[0] in concerned
    ]


def _may_be_one_group(draft: Draft, kind: int, members: list[int]) -> bool:
    problem = draft.problem
    if not draft.eligible[kind, members].all() or len(members) > draft.max_size[kind]:
        return False
    for r in draft.bounded(kind):
        if int(problem.resources[r, members].sum()) > int(draft.resource_max[kind, r]):
            return False
    if len(members) > _FEW:
        return True
    low, high = np.array(list(combinations(members, 2)), np.int64).reshape(-1, 2).T
    at = draft.where(low, high)
    if draft.forbids and (at < 0).any():
        return False
    return bool(draft.allowed[kind, at[at >= 0]].all())


def mark_apart(draft: Draft) -> bool:
    """Listed pairs of items that are to be apart are not allowed.

    Where absent pairs are forbidden this says all, and the rules are left out.
    """
    if draft.apart_marked:
        return False
    problem = draft.problem
    draft.apart_marked = True
    banned = np.zeros(problem.num_pairs, np.bool_)
    few = [pair for rule in problem.apart if len(rule) <= _FEW for pair in combinations(rule, 2)]
    if few:
        low, high = np.array(few, np.int64).T
        at = draft.where(low, high)
        banned[at[at >= 0]] = True
    for rule in problem.apart:
        if len(rule) > _FEW:
            inside = np.zeros(problem.num_items, np.bool_)
            inside[list(rule)] = True
            banned |= inside[problem.pairs].all(axis=1)
    number = int((draft.allowed & banned).any(axis=0).sum())
    draft.allowed[:, banned] = False
    draft.changes += number > 0
    return draft.count("pairs", number)


def drop_items(draft: Draft) -> bool:
    """Take out items that no kind wants, and those that are to be together with one of them."""
    problem = draft.problem
    out = draft.item & ~draft.eligible.any(axis=0)
    spreading = bool(out.any())
    while spreading:
        spreading = False
        for rule in problem.together:
            inside = list(rule)
            if out[inside].any() and not out[inside].all() and draft.item[inside].all():
                out[inside] = spreading = True
    obliged = problem.must_join.copy()
    for p in draft.pins:
        obliged[list(problem.pinned[p].members)] = True
    if (out & obliged).any():
        draft.fail(f"item {int(np.argmax(out & obliged))} must join, but can be in no group")
    for k in draft.open_kinds():
        draft.bar(k, out)
    draft.item &= ~out
    return draft.count("items", int(out.sum()))


def close_kinds(draft: Draft) -> bool:
    """Close kinds that can have no group: by their number, sizes or totals."""
    closed = 0
    for k in draft.open_kinds():
        reason = _why_closed(draft, k)
        if reason is not None:
            draft.close(k, reason)
            closed += 1
    return draft.count("kinds", closed)


def _why_closed(draft: Draft, kind: int) -> str | None:
    problem = draft.problem
    if draft.max_groups[kind] == 0:
        return "there may be none of them (max_groups)"
    if draft.num_eligible(kind) < draft.min_size[kind]:
        return "too few items may be in one"
    if draft.max_size[kind] < draft.min_size[kind]:
        return "their bounds allow no size"
    for r in draft.bounded(kind):
        totals = draft.totals(kind, r)
        if totals.least > totals.most:
            return f"no group is within the bounds of resource {r}"
    if draft.max_groups[kind] < draft.min_groups[kind]:
        draft.fail(f"kind {problem.kinds[kind]!r} needs more groups than there may be")
    return None


def narrow_sizes(draft: Draft) -> bool:
    """Sizes that a kind's groups can have: by the bounds on totals, and by the largest degree."""
    changed = 0
    same = draft.unchanged("narrow_sizes")
    for k in draft.open_kinds():
        if same[k]:
            continue
        fewest, most = int(draft.min_size[k]), min(int(draft.max_size[k]), draft.num_eligible(k))
        for r in draft.bounded(k):
            ascending = draft.totals(k, r).ascending
            reached = np.cumsum(ascending[::-1])
            fewest = max(fewest, 1 + int(np.searchsorted(reached, draft.resource_min[k, r])))
            within = np.searchsorted(np.cumsum(ascending), draft.resource_max[k, r], side="right")
            most = min(most, int(within))
        if draft.forbids:
            ends = draft.problem.pairs[draft.useful(k)].ravel()
            degrees = np.bincount(ends, minlength=draft.problem.num_items)
            most = min(most, 1 + int(degrees.max(initial=0)))
        if fewest > draft.min_size[k] or most < min(draft.max_size[k], draft.num_eligible(k)):
            changed += 1
        if fewest > draft.min_size[k] or most < draft.max_size[k]:
            draft.min_size[k], draft.max_size[k] = fewest, most
            draft.changes[k] += 1
    return draft.count("sizes", changed)


def loosen_resources(draft: Draft) -> bool:
    """Leave out bounds that always hold and curves that are a straight line.

    A curve that is straight over the totals a group can have is a value of opening and a value of
    each item.
    """
    bounds = lines = 0
    same = draft.unchanged("loosen_resources")
    for k in draft.open_kinds():
        if same[k]:
            continue
        for r in np.flatnonzero(draft.resource).tolist():
            least, most = int(draft.resource_min[k, r]), int(draft.resource_max[k, r])
            curve = draft.curves.get((k, r))
            if least == 0 and most >= UNBOUNDED and curve is None:
                continue
            totals = draft.totals(k, r)
            if totals.least > totals.most:
                continue
            fewest, largest = int(draft.min_size[k]), int(draft.max_size[k])
            low = int(totals.ascending[:fewest].sum())
            high = int(totals.ascending[max(0, len(totals.ascending) - largest) :].sum())
            if 0 < least <= low:
                draft.resource_min[k, r] = 0
                bounds += 1
            if high <= most < UNBOUNDED:
                draft.resource_max[k, r] = UNBOUNDED
                bounds += 1
            if curve is not None:
                lines += _straighten(draft, k, r, curve, totals.least, totals.most)
    used = np.zeros(len(draft.resource), np.bool_)
    for k in draft.open_kinds():
        used[draft.bounded(k)] = True
    for k, r in draft.curves:
        used[r] |= draft.kind[k]
    idle = draft.resource & ~used
    draft.resource &= ~idle
    changed = draft.count("bounds", bounds) | draft.count("curves", lines)
    return changed | draft.count("resources", int(idle.sum()))


def _straighten(draft: Draft, kind: int, resource: int, curve: Curve, low: int, high: int) -> bool:
    """Put a curve into other values if it is a line over the totals from low to high."""
    line = straight(curve, low, high)
    if line is None:
        return False
    constant, slope = line
    amounts = draft.problem.resources[resource]
    if abs(constant) >= UNBOUNDED or abs(slope) * int(amounts.max(initial=0)) >= UNBOUNDED:
        return False
    here = draft.eligible[kind]
    draft.open_values[kind] += constant
    draft.item_values[kind, here] += slope * amounts[here]
    del draft.curves[kind, resource]
    return True


def straight(curve: Curve, low: int, high: int) -> tuple[int, int] | None:
    """(constant, slope) of a curve that is a line over the whole numbers low..high, else None."""
    ends = knots(curve, low, high)
    values = [curve.value(x) for x in ends]
    if len(ends) == 1:
        return values[0], 0
    slope = (values[1] - values[0]) // (ends[1] - ends[0])
    constant = values[0] - slope * low
    if any(constant + slope * x != y for x, y in zip(ends, values, strict=True)):
        return None
    return constant, slope


def knots(curve: Curve, low: int, high: int) -> list[int]:
    """Whole numbers from low to high between which a curve is linear, both ends included."""
    inner = {x - before for x, _ in curve.points for before in (0, 1) if low < x - before < high}
    return sorted({low, high, *inner})


def drop_limits(draft: Draft) -> bool:
    """Leave out shared limits that cannot bind; find those that cannot hold."""
    dropped = 0
    for s in np.flatnonzero(draft.limit).tolist():
        least, most = _use_range(draft, s)
        limit = int(draft.shared_limit[s])
        if least > limit:
            draft.fail(f"every grouping uses more than shared limit {s} allows")
        if most <= limit:
            draft.limit[s] = False
            dropped += 1
    return draft.count("shared limits", dropped)


def _use_range(draft: Draft, s: int) -> tuple[int, int]:
    """Numbers between which the use of a shared limit lies, whatever the grouping."""
    problem = draft.problem
    kinds = draft.open_kinds()
    if not kinds:
        return 0, 0
    uses, eligible = problem.shared_item_use[s][kinds], draft.eligible[kinds]
    huge = np.int64(2**62)
    high = np.where(eligible, uses, -huge).max(axis=0)[draft.item]
    low = np.where(eligible, uses, huge).min(axis=0)[draft.item]
    may_be_out = ~problem.must_join[draft.item]
    high = np.where(may_be_out | (high == -huge), np.maximum(high, 0), high)
    low = np.where(may_be_out | (low == huge), np.minimum(low, 0), low)
    most, least = sum(high.tolist()), sum(low.tolist())
    # At most so many groups in all, of each kind at least and at most so many.
    smallest = max(1, int(draft.min_size[kinds].min()))
    left_most = left_least = int(draft.item.sum()) // smallest
    by_use = sorted((int(problem.shared_group_use[s, k]), k) for k in kinds)
    for use, k in reversed(by_use):
        number = min(draft.most_groups(k), left_most) if use > 0 else int(draft.min_groups[k])
        most += use * number
        left_most -= number if use > 0 else 0
    for use, k in by_use:
        number = min(draft.most_groups(k), left_least) if use < 0 else int(draft.min_groups[k])
        least += use * number
        left_least -= number if use < 0 else 0
    return least, most


def fit_limits(draft: Draft) -> bool:
    """Groups that alone use more than a shared limit are none (where nothing gives to it)."""
    problem, barred = draft.problem, 0
    for s in np.flatnonzero(draft.limit).tolist():
        kinds = draft.open_kinds()
        uses = problem.shared_item_use[s]
        gives = any((uses[k][draft.eligible[k]] < 0).any() for k in kinds)
        if gives or any(problem.shared_group_use[s, k] < 0 for k in kinds):
            continue
        for k in kinds:
            own = uses[k]
            others = int(np.sort(own[draft.eligible[k]])[: int(draft.min_size[k]) - 1].sum())
            left = int(draft.shared_limit[s]) - int(problem.shared_group_use[s, k]) - others
            barred += draft.bar(k, own > left)
    return draft.count("eligibilities", barred)


def check_numbers(draft: Draft) -> bool:
    """Find bounds on numbers of groups that cannot hold together."""
    kinds, problem = draft.open_kinds(), draft.problem
    needed = sum(int(draft.min_groups[k]) * int(draft.min_size[k]) for k in kinds)
    if needed > draft.item.sum():
        draft.fail("the least numbers of groups need more items than there are")
    for k in kinds:
        if draft.min_groups[k] > draft.most_groups(k):
            draft.fail(f"kind {problem.kinds[k]!r} needs more groups than its items make")
    room = sum(draft.most_groups(k) * int(draft.max_size[k]) for k in kinds)
    if int((problem.must_join & draft.item).sum()) > room:
        draft.fail("more items must join than the groups have room for")
    return False


def drop_dominated_kinds(draft: Draft) -> bool:
    """Close kinds whose every group is feasible, and worth no less, in another kind.

    The other kind must have room for the groups of both, and no shared limit may feel it.
    """
    problem, dropped = draft.problem, 0
    if draft.kind.sum() > MOST_COMPARED:
        return False
    pinned = {problem.pinned[p].kind for p in draft.pins}
    same = draft.unchanged("drop_dominated_kinds")
    words = _as_words(draft.eligible)  # it changes below only for kinds that are closed
    for a in draft.open_kinds():
        if a in pinned or draft.min_groups[a] > 0:
            continue
        if draft.stop():
            break
        for b in _roomier(draft, a, words, ~same if same[a] else draft.kind):
            if draft.stop():
                return draft.count("dominated kinds", dropped)
            if _dominates(draft, b, a):
                draft.close(a, "another kind is better")
                draft.moved_to[a] = b
                dropped += 1
                break
    return draft.count("dominated kinds", dropped)


def _roomier(draft: Draft, kind: int, words: NDArray[np.uint64], among: BoolArray) -> list[int]:
    """Other open kinds that take every group of a kind by its size and eligibility alone.

    ``_dominates`` asks for more, and is a hundred times as dear.

    Parameters
    ----------
    words : uint64 [K, W], the eligible items of each kind as bits.
    among : bool [K], kinds that are looked at.
    """
    roomier = among & draft.kind & (draft.min_size <= draft.min_size[kind])
    roomier &= draft.max_size >= draft.max_size[kind]
    roomier[kind] = False
    left = np.flatnonzero(roomier)
    found: list[int] = left[~(words[kind] & ~words[left]).any(axis=1)].tolist()
    return found


def _as_words(marks: BoolArray) -> NDArray[np.uint64]:
    """Rows of marks, bool [K, n], as bits, uint64 [K, W]."""
    width = -(-marks.shape[1] // 64) * 64
    padded = np.zeros((len(marks), width), np.bool_)
    padded[:, : marks.shape[1]] = marks
    return np.packbits(padded, axis=1).view(np.uint64)


def _dominates(draft: Draft, better: int, worse: int) -> bool:
    """Whether it does, of a kind with room for every group of the worse one (``_roomier``)."""
    a, b, problem = worse, better, draft.problem
    here = draft.eligible[a]
    smallest = max(1, int(min(draft.min_size[a], draft.min_size[b])))
    together = min(
        int((here | draft.eligible[b]).sum()) // smallest,
        draft.most_groups(a) + draft.most_groups(b),
        _most_within_limits(draft, (a, b)),
    )
    if draft.max_groups[b] < together:
        return False
    for s in np.flatnonzero(draft.limit):
        uses = problem.shared_item_use[s]
        if problem.shared_group_use[s, b] > problem.shared_group_use[s, a]:
            return False
        if (uses[b][here] > uses[a][here]).any():
            return False
    useful = draft.useful(a)
    if (useful & ~draft.allowed[b]).any():
        return False
    if problem.pair_values.ndim == 2:
        values = problem.pair_values
        if (values[b][useful] < values[a][useful]).any():
            return False
    gain = int(draft.open_values[b]) - int(draft.open_values[a])
    gain += _least_sum(
        draft.item_values[b][here] - draft.item_values[a][here],
        int(draft.min_size[a]),
        int(draft.max_size[a]),
    )
    flat = Curve(((0, 0),))
    for r in np.flatnonzero(draft.resource).tolist():
        totals = draft.totals(a, r)
        if totals.least > totals.most:
            return False
        if draft.resource_min[b, r] > totals.least or draft.resource_max[b, r] < totals.most:
            return False
        old, new = draft.curves.get((a, r), flat), draft.curves.get((b, r), flat)
        if old is not new:
            ends = {x for c in (old, new) for x in knots(c, totals.least, totals.most)}
            gain += min(new.value(x) - old.value(x) for x in ends)
    return gain >= 0


def _most_within_limits(draft: Draft, kinds: tuple[int, int]) -> int:
    """Most groups of some kinds together that the shared limits leave room for."""
    problem, most = draft.problem, int(draft.item.sum())
    for s in np.flatnonzero(draft.limit).tolist():
        each = problem.shared_item_use[s]
        # Where some group gives to the limit, how often others may use it is not known.
        gives = any(
            problem.shared_group_use[s, k] < 0 or (each[k][draft.eligible[k]] < 0).any()
            for k in draft.open_kinds()
        )
        if gives:
            continue
        uses = []
        for k in kinds:
            ordered = np.sort(each[k][draft.eligible[k]])
            members = int(ordered[: int(draft.min_size[k])].sum())
            uses.append(int(problem.shared_group_use[s, k]) + members)
        if min(uses) > 0:
            most = min(most, max(0, int(draft.shared_limit[s])) // min(uses))
    return most


def _least_sum(numbers: IntArray, fewest: int, most: int) -> int:
    """The smallest sum of from ``fewest`` to ``most`` of some numbers."""
    ordered = np.sort(numbers)
    sums = np.cumsum(ordered[:most])
    return int(sums[fewest - 1 :].min(initial=2**62)) if len(sums) >= fewest else 0
