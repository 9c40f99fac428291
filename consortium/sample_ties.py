"""Draws ties among synthetic firms: near and like firms first, and the well connected attract more.

Kinds that speak for a pair (worked_together, trust, same_owner) and kinds that speak against it
(rival, veto) are never drawn for the same pair, so that a tie's meaning is plain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from consortium.register import TieKind
from consortium.sample_firms import MAKER, VENDOR, Ints, Population, Products
from consortium.sample_profile import Floats, Profile

FOR: tuple[TieKind, ...] = ("worked_together", "trust", "same_owner")


@dataclass
class _Web:
    """Ties found so far, in the order they were drawn."""

    degree: Ints
    pairs: dict[tuple[int, int], list[TieKind]] = field(default_factory=dict)

    def kinds(self, a: int, b: int) -> list[TieKind]:
        """Kinds of tie a pair has."""
        return self.pairs.get((min(a, b), max(a, b)), [])

    def add(self, a: int, b: int, kind: TieKind) -> None:
        """Give a pair a tie, unless it contradicts the ties the pair has."""
        kinds = self.pairs.setdefault((min(a, b), max(a, b)), [])
        if kind in kinds or (kinds and (kinds[0] in FOR) != (kind in FOR)):
            return
        if not kinds:
            self.degree[[a, b]] += 1
        kinds.append(kind)


@dataclass(frozen=True)
class _Near:
    """Nearest candidates of some seekers; ``members`` < 0 where there are fewer."""

    members: Ints
    distances: Floats


def draw_ties(
    rng: np.random.Generator, profile: Profile, firms: Population, products: Products
) -> list[tuple[int, int, TieKind]]:
    """Ties as pairs of row numbers with a kind, each kind at most once a pair."""
    n = firms.num_firms
    streams = rng.spawn(5)
    web = _Web(np.zeros(n, dtype=np.int64))
    place = np.stack([firms.east_km, firms.north_km], axis=1)
    like = np.column_stack([place, profile.number("ties.size_km") * firms.size])
    k = int(profile.number("ties.neighbours"))
    makers = np.flatnonzero(firms.role == MAKER)
    vendors = np.flatnonzero(firms.role == VENDOR)
    sellers = np.flatnonzero(firms.role != VENDOR)

    _worked(streams[0], profile, web, sellers, _nearest(like, sellers, sellers, k))
    near = _nearest(place, makers, vendors, k)
    _supplied(streams[1], profile, web, firms, vendors, near)
    _trusted(streams[2], profile, web, _nearest(place, np.arange(n), np.arange(n), k))
    _sisters(streams[3], profile, web, sellers, _nearest(place, sellers, sellers, k))
    first = products.family[:, 0]
    for family in range(len(profile.names_under("products.families"))):
        same = makers[first[makers] == family]
        _rivals(streams[4], profile, web, same, _nearest(like, same, same, k))
    _refusals(streams[4], profile, web, _nearest(place, np.arange(n), np.arange(n), k))
    return [(a, b, kind) for (a, b), kinds in web.pairs.items() for kind in kinds]


def _nearest(points: Floats, members: Ints, seekers: Ints, k: int) -> _Near:
    """The k members nearest to each seeker, itself excluded."""
    if not len(members) or not len(seekers):
        empty = np.zeros((len(seekers), 0))
        return _Near(empty.astype(np.int64), empty)
    asked = min(k + 1, len(members))
    distances, rows = cKDTree(points[members]).query(points[seekers], k=np.arange(1, asked + 1))
    found = members[rows]
    itself = found == seekers[:, None]
    return _Near(np.where(itself, -1, found), np.where(itself, np.inf, distances))


def _pick(
    rng: np.random.Generator,
    profile: Profile,
    web: _Web,
    near: _Near,
    row: int,
    pull: Floats | float = 1.0,
) -> int:
    """One candidate of a seeker, likelier if near and well connected; -1 if there is none."""
    members = near.members[row]
    if not (members >= 0).any():
        return -1
    weight = np.exp(-near.distances[row] / profile.number("ties.reach_km")) * pull
    weight *= (1.0 + web.degree[members]) ** profile.number("ties.pull_of_degree")
    total = np.cumsum(np.where(members >= 0, weight, 0.0))
    if total[-1] <= 0:  # all so far away that their weights vanish: the nearest then
        return int(members[np.argmin(near.distances[row])])
    # Without the last sum, rounding cannot point past the end.
    return int(members[np.searchsorted(total[:-1], rng.random() * total[-1], side="right")])


def _worked(
    rng: np.random.Generator, profile: Profile, web: _Web, seekers: Ints, near: _Near
) -> None:
    # Random order, or low numbers would gather the ties.
    wanted = rng.poisson(profile.number("ties.worked_together"), len(seekers))
    for row in rng.permutation(len(seekers)):
        for _ in range(wanted[row]):
            other = _pick(rng, profile, web, near, row)
            if other >= 0:
                web.add(int(seekers[row]), other, "worked_together")


def _supplied(
    rng: np.random.Generator,
    profile: Profile,
    web: _Web,
    firms: Population,
    vendors: Ints,
    near: _Near,
) -> None:
    wanted = 1 + rng.poisson(max(0.0, profile.number("ties.vendor_makers") - 1), len(vendors))
    power = profile.number("ties.pull_of_size")
    for row in rng.permutation(len(vendors)):
        pull = firms.employees[near.members[row]] ** power
        for _ in range(wanted[row]):
            other = _pick(rng, profile, web, near, row, pull)
            if other >= 0:
                web.add(int(vendors[row]), other, "worked_together")


def _trusted(rng: np.random.Generator, profile: Profile, web: _Web, near: _Near) -> None:
    share = profile.number("ties.trust_if_worked")
    for a, b in list(web.pairs):
        if rng.random() < share:
            web.add(a, b, "trust")
    wanted = rng.poisson(profile.number("ties.trust"), len(near.members))
    for row in np.flatnonzero(wanted):
        for _ in range(wanted[row]):
            other = _pick(rng, profile, web, near, int(row))
            if other >= 0:
                web.add(int(row), other, "trust")


def _sisters(
    rng: np.random.Generator, profile: Profile, web: _Web, sellers: Ints, near: _Near
) -> None:
    named = rng.random(len(sellers)) < profile.number("ties.same_owner") / 2  # two firms a pair
    for row in np.flatnonzero(named):
        other = _pick(rng, profile, web, near, int(row))
        if other >= 0:
            web.add(int(sellers[row]), other, "same_owner")


def _rivals(
    rng: np.random.Generator, profile: Profile, web: _Web, makers: Ints, near: _Near
) -> None:
    named = rng.random(len(makers)) < profile.number("ties.rival")
    for row in np.flatnonzero(named):
        other = _pick(rng, profile, web, near, int(row))
        if other >= 0:
            web.add(int(makers[row]), other, "rival")


def _refusals(rng: np.random.Generator, profile: Profile, web: _Web, near: _Near) -> None:
    """Vetoes: against a rival if the firm names one, else against a firm near by."""
    rivals: dict[int, int] = {}
    for (a, b), kinds in web.pairs.items():
        if "rival" in kinds:
            rivals.setdefault(a, b)
            rivals.setdefault(b, a)
    named = rng.random(len(near.members)) < profile.number("ties.veto")
    for row in np.flatnonzero(named):
        firm = int(row)
        other = rivals.get(firm, -1)
        if other < 0:
            other = _pick(rng, profile, web, near, firm)
        if other >= 0:
            web.add(firm, other, "veto")
