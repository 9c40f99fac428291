"""Sizes at which the strategies "columns" and "enumerate" change their way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnumerationSettings:
    """Limits of the steps of the package; tests force each way through them.

    Attributes
    ----------
    max_listed : groups listed without a relaxation.
    listing_units : work units this list may cost.
    max_window, window_units : groups that may be listed in a part of the gap, to look for a better
        incumbent among them, and the work units that may cost.
    max_pool, pool_units : the same for the whole gap.
    max_packed : columns given to CP-SAT at most.
    few_packed : columns that CP-SAT is given before there are cuts on a pool.
    few_chosen : groups of a grouping, at most, that are few (see ``few_groups``).
    max_few : groups that may be listed where few are chosen.
    dives_of_few : dives for each list there, at most.
    branch_units : work units that listing the few groups of a branch may cost.
    max_branches : branches of the whole problem after which to give up; no limit if left out.
    dives, max_dived_atoms : dives after the relaxation is solved, where the gap is wide; with 0
        there are none on the way either. Atoms above which there are none at all: a restricted
        master is better and quicker there.
    root_units : work units for one root in a pricing round: the first at first, the next ones
        whenever nothing new turns up.
    pricing_units : work units for one pricing round.
    columns_per_root : new columns a root may add in one pricing round.
    groups_per_root : groups a root may bring in a thorough round, of which these are chosen.
    large, large_pairs : atoms, or pairs of them, from which subgradients go before the relaxation.
    large_pricing_units : work units for one pricing round there.
    largest_master : atoms above which there is no relaxation by the simplex method.
    packing_units : work units for one packing.
    completion_seconds : that HiGHS may take to complete a relaxation's solution.
    """

    max_listed: int = 20_000
    listing_units: int = 500_000
    max_window: int = 100_000
    window_units: int = 20_000_000
    max_pool: int = 2_000_000
    pool_units: int = 60_000_000
    max_packed: int = 300_000
    few_packed: int = 3_000
    few_chosen: int = 50
    max_few: int = 400_000
    dives_of_few: int = 40
    branch_units: int = 1_000_000
    max_branches: int | None = None
    dives: int = 1
    max_dived_atoms: int = 1_500
    root_units: tuple[int, ...] = (1_000, 10_000, 10_000_000)
    pricing_units: int = 20_000_000
    columns_per_root: int = 3
    groups_per_root: int = 50
    packing_units: int = 2_000_000
    completion_seconds: float = 6.0
    large: int = 12_000
    large_pairs: int = 150_000
    large_pricing_units: int = 500_000_000
    largest_master: int = 20_000
