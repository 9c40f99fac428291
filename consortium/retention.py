"""Who may leave a consortium: for reports only, it never enters the worth.

The yearly hazard falls with the member's mean pair score and rises with the group's size and the
member's fee; its coefficients are the programme's ``hazard``, fitted to [12].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from consortium.cashflow import Fee, Figures

#: Years over which leaving is reported.
RETENTION_YEARS = 2
#: Keeps the exponential finite; the hazard is held to 1 long before.
HIGHEST_EXPONENT = 700.0


@dataclass(frozen=True)
class Retention:
    """Chances that members leave.

    Attributes
    ----------
    leaving_bp_per_year : chance that a member leaves within a year, basis points.
    expected_members_after_two_years_bp : members still there, times 10,000.
    chance_at_least_min_after_two_years_bp : chance that the fewest members allowed are left.
    """

    leaving_bp_per_year: dict[str, int]
    expected_members_after_two_years_bp: int
    chance_at_least_min_after_two_years_bp: int


def retention_of(
    figures: Figures,
    firm_ids: Sequence[str],
    fees: Iterable[Fee],
    score_bp: Callable[[str, str], int],
) -> Retention:
    """Chances of leaving, given the launch-year fees.

    Members leave independently. The figures after two years are exact for the chances in basis
    points, so readers can redo them from those.

    Parameters
    ----------
    figures : of the case.
    firm_ids : members, in any order.
    fees : what they pay in the launch years.
    score_bp : score of two members.
    """
    members = sorted(set(firm_ids))
    paid_cents = dict.fromkeys(members, 0)
    for fee in fees:
        paid_cents[fee.firm] += fee.cents
    num_years = len(figures.case.programme.launch_years)
    leaving = {}
    for firm in members:
        most_cents = num_years * figures.pay_cents(firm)
        # A firm that can pay nothing is charged nothing.
        fee_share = paid_cents[firm] / most_cents if most_cents else 0.0
        scores = [score_bp(firm, other) for other in members if other != firm]
        leaving[firm] = round(10_000 * (1 - math.exp(-_hazard(figures, scores, fee_share))))
    staying = [Fraction(10_000 - bp, 10_000) ** RETENTION_YEARS for bp in leaving.values()]
    # chances[k]: the chance that k of the members looked at so far are still there.
    chances = [Fraction(1)]
    for stay in staying:
        gone = [chance * (1 - stay) for chance in chances] + [Fraction(0)]
        still = [Fraction(0)] + [chance * stay for chance in chances]
        chances = [a + b for a, b in zip(gone, still, strict=True)]
    return Retention(
        leaving,
        round(10_000 * sum(staying, Fraction(0))),
        round(10_000 * sum(chances[figures.case.size_min :], Fraction(0))),
    )


def _hazard(figures: Figures, scores_bp: Sequence[int], fee_share: float) -> float:
    """Yearly hazard of one member; without others its cohesion counts as the reference."""
    terms = {name: float(fact.exact) for name, fact in figures.case.programme.hazard.items()}
    size = len(scores_bp) + 1
    exponent = terms["size_slope"] * max(0.0, size - terms["size_reference"])
    exponent += terms["fee_slope"] * (fee_share - terms["fee_reference"])
    if scores_bp:
        cohesion = sum(scores_bp) / len(scores_bp) / 10_000
        exponent -= terms["cohesion_slope"] * (cohesion - terms["cohesion_reference"])
    return min(1.0, max(0.0, terms["base"] * math.exp(min(exponent, HIGHEST_EXPONENT))))
