"""Sizes at which the strategy "enumerate" changes its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnumerationSettings:
    """Limits of the steps of ``enumeration``; tests force each way through them.

    Attributes
    ----------
    max_listed : groups listed without a relaxation.
    listing_units : work units a list may cost where it is only tried (all groups; all groups
        within the gap while cuts may still help; the groups of a window).
    max_pool : groups the reduced-cost enumeration may list.
    pool_units : work units it may cost.
    max_window : groups of greatest reduced value among which a better incumbent is sought.
    max_packed : columns given to CP-SAT at most.
    easily_packed : columns for which CP-SAT needs no cuts first.
    root_units : work units for one root in the first, partial pricing rounds; a hundred times as
        much whenever nothing new turns up, ``thoroughness`` times.
    pricing_units : work units for one pricing round.
    columns_per_root : new columns a root may add in one pricing round.
    groups_per_root : groups a root may bring in a thorough round, of which these are chosen.
    packing_units : work units for a packing that only looks for a better incumbent.
    """

    max_listed: int = 20_000
    listing_units: int = 500_000
    max_pool: int = 2_000_000
    pool_units: int = 20_000_000
    max_window: int = 20_000
    max_packed: int = 300_000
    easily_packed: int = 500
    root_units: int = 1_000
    thoroughness: int = 2
    pricing_units: int = 20_000_000
    columns_per_root: int = 3
    groups_per_root: int = 50
    packing_units: int = 2_000_000
