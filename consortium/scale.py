"""The programme's figures inside the criteria of the score, ready to compute with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from consortium.programme import Programme
from consortium.register import TieKind


@dataclass(frozen=True)
class Scale:
    """Figures of the criteria; formulas in docs/model.md, last section.

    Attributes
    ----------
    pay_cents, hours : what counts as full willingness to pay, and full time.
    named_bp : goals when neither, one or both firms name the market.
    size_ratio_log : logarithm of the ratio of employees at which nothing is alike.
    size_share_bp : part of the size criterion that employees decide (management the rest).
    decay_km : distance at which proximity falls to 1/e.
    same_town_bp : proximity in one town when coordinates are missing.
    trust_bp : trust by kind of tie; the first that holds counts.
    shared_partner_bp : trust of two firms with a common partner.
    """

    pay_cents: int
    hours: int
    named_bp: tuple[int, int, int]
    size_ratio_log: float
    size_share_bp: int
    decay_km: float
    same_town_bp: int
    trust_bp: dict[TieKind, int]
    shared_partner_bp: int


def scale_of(programme: Programme) -> Scale:
    """The figures of a programme's ``criteria`` table."""
    figures = programme.criteria
    return Scale(
        pay_cents=round(figures["pay_reference"].cents),
        hours=figures["hours_reference"].whole,
        named_bp=(figures["names_none"].bp, figures["names_one"].bp, 10_000),
        size_ratio_log=math.log(figures["size_ratio"].exact),
        size_share_bp=figures["size_share"].bp,
        decay_km=float(figures["distance_km"].exact),
        same_town_bp=figures["same_town"].bp,
        trust_bp={
            "worked_together": figures["trust_worked"].bp,
            "trust": figures["trust_trusted"].bp,
            "rival": figures["trust_rival"].bp,
        },
        shared_partner_bp=figures["trust_shared"].bp,
    )
