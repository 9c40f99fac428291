"""The compatibility score of one pair, in plain Python: criterion by criterion, basis points.

Formulas: docs/model.md, last section. ``pair_arrays`` computes the same for many pairs at once;
tests hold the two to the same basis point. A score depends on the two firms, the register's ties,
the market and the programme only, never on who else is a candidate.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from consortium.case import Case
from consortium.eligibility import CertificateState
from consortium.own_pairs import NOT_LISTED
from consortium.programme import CRITERIA, MODES
from consortium.register import Firm, TieKind
from consortium.scale import Scale, scale_of
from consortium.traits import FULL, HALF, Traits, missing_inputs, traits_of

EARTH_RADIUS_KM = 6_371.0
READY_BP: dict[CertificateState, int] = {"held": FULL, "obtainable": HALF, "out of reach": 0}
POSITIVE_TIES: frozenset[TieKind] = frozenset({"worked_together", "trust"})
FORBIDDING_TIES: dict[TieKind, str] = {"veto": "veto", "same_owner": "same owner"}
NO_CHANNEL = "no common channel"


@dataclass(frozen=True, slots=True)
class PairScore:
    """How compatible two firms are for one market and mode.

    Attributes
    ----------
    components : basis points by criterion, in the order of ``programme.CRITERIA``.
    score : weighted sum, basis points; that of the case's own pairs where they give one.
    allowed : whether the two may be in one consortium of this market and mode.
    blocked : why not: "veto", "same owner", "no common channel", "score 5,210 below 5,500", "not
        among the pairs given".
    missing : inputs the register does not give, e.g. "S0003 hours_per_month" (columns of the
        firms sheet).
    market, mode : what the score is for.
    firm_a, firm_b : the pair, first id below the second.
    """

    components: dict[str, int]
    score: int
    allowed: bool
    blocked: tuple[str, ...]
    missing: tuple[str, ...]
    market: str
    mode: str
    firm_a: str
    firm_b: str


class PairScorer:
    """Scores pairs of one case for one market; remembers what it knows of each firm.

    Parameters
    ----------
    case : register, programme and markets.
    market_code : a market of the case.
    """

    def __init__(self, case: Case, market_code: str) -> None:
        self.case, self.market_code = case, market_code
        self.scale = scale_of(case.programme)
        self._weights = case.programme.weights_bp()
        self._thresholds = {mode: threshold_bp(case, mode) for mode in MODES}
        self._traits: dict[str, Traits] = {}

    @cached_property
    def _partners(self) -> dict[str, set[str]]:
        """Firms tied to a firm by work together or trust."""
        found: dict[str, set[str]] = {}
        for tie in self.case.register.ties:
            if tie.kind in POSITIVE_TIES:
                found.setdefault(tie.firm_a, set()).add(tie.firm_b)
                found.setdefault(tie.firm_b, set()).add(tie.firm_a)
        return found

    def traits(self, firm: Firm) -> Traits:
        """What the score knows of a firm."""
        found = self._traits.get(firm.firm_id)
        if found is None:
            found = traits_of(self.case, self.scale, self.market_code, firm)
            self._traits[firm.firm_id] = found
        return found

    def score(self, mode: str, firm_a: Firm, firm_b: Firm) -> PairScore:
        """Score one pair of firms; the order of the two makes no difference.

        Raises
        ------
        ValueError
            If the mode is unknown or the two are one firm.
        """
        threshold = self._thresholds.get(mode) or threshold_bp(self.case, mode)
        if firm_a.firm_id == firm_b.firm_id:
            raise ValueError(f"{firm_a.firm_id} cannot be paired with itself")
        if firm_b.firm_id < firm_a.firm_id:
            firm_a, firm_b = firm_b, firm_a
        a, b = self.traits(firm_a), self.traits(firm_b)
        ties = self.case.register.ties_between.get((a.firm_id, b.firm_id), frozenset())
        parts = {
            "complementarity": _complementarity_bp(mode, a, b),
            "goals": _goals_bp(self.scale, a, b),
            "size": _size_bp(self.scale, a, b),
            "finance": min(a.finance_bp, b.finance_bp),
            "trust": self._trust_bp(ties, a, b),
            "readiness": (READY_BP[a.certificate] + READY_BP[b.certificate]) // 2,
            "experience": _experience_bp(a, b),
            "proximity": _nearness_bp(self.scale, a, b),
            "time": min(a.time_bp, b.time_bp),
        }
        components = {name: parts[name] for name in CRITERIA}
        score = sum(self._weights[name] * part for name, part in components.items()) // FULL
        blocked = [word for kind, word in FORBIDDING_TIES.items() if kind in ties]
        own = self.case.own_pairs
        if own is not None:
            listed = own.pair(a.firm_id, b.firm_id)
            if mode not in listed:
                blocked.append(NOT_LISTED)
            elif (given := listed[mode]) is not None:
                score = given
        else:
            if not a.channels & b.channels:
                blocked.append(NO_CHANNEL)
            if score < threshold:
                blocked.append(f"score {score:,} below {threshold:,}")
        missing = tuple(
            f"{firm.firm_id} {name}" for firm in (firm_a, firm_b) for name in missing_inputs(firm)
        )
        return PairScore(
            components=components,
            score=score,
            allowed=not blocked,
            blocked=tuple(blocked),
            missing=missing,
            market=self.market_code,
            mode=mode,
            firm_a=a.firm_id,
            firm_b=b.firm_id,
        )

    def affinity(self, firm_a: Firm, firm_b: Firm) -> int:
        """How alike two firms are to the sparsifier: sum of weight x part, 0 to 10,000 squared."""
        a, b = self.traits(firm_a), self.traits(firm_b)
        parts = {
            "size": round(FULL * size_part(self.scale, a.log_employees, b.log_employees)),
            "proximity": _nearness_bp(self.scale, a, b),
            "goals": _goals_bp(self.scale, a, b),
            "management": _management_bp(a, b),
        }
        weights = self.case.programme.weights_bp("affinity")
        return sum(weights[name] * part for name, part in parts.items())

    def _trust_bp(self, ties: Set[TieKind], a: Traits, b: Traits) -> int:
        for kind, worth in self.scale.trust_bp.items():
            if kind in ties:
                return worth
        partners_a = self._partners.get(a.firm_id, set())
        third = partners_a & self._partners.get(b.firm_id, set())
        return self.scale.shared_partner_bp if third - {a.firm_id, b.firm_id} else HALF


def score_pair(case: Case, market_code: str, mode: str, firm_a: Firm, firm_b: Firm) -> PairScore:
    """Score one pair of firms; for many pairs keep one ``PairScorer``.

    Parameters
    ----------
    case : register, programme and markets.
    market_code : a market of the case.
    mode : "range" or "volume".
    firm_a, firm_b : two different firms of the register, in either order.

    Raises
    ------
    ValueError
        If the mode is unknown or the two are one firm.
    """
    return PairScorer(case, market_code).score(mode, firm_a, firm_b)


def threshold_bp(case: Case, mode: str) -> int:
    """Score from which a pair is allowed in a mode, basis points; 0 with pairs of one's own."""
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is unknown; known are {', '.join(MODES)}")
    if case.own_pairs is not None:
        return 0
    programme = case.programme
    return (programme.threshold_range if mode == "range" else programme.threshold_volume).bp


def goals_bp(scale: Scale, common_points: int | None, named: int | None) -> int:
    """Goals from the common points (0..6) and how many name the market (0..2); None: not known."""
    priorities = Fraction(1, 2) if common_points is None else Fraction(common_points, 6)
    market = HALF if named is None else scale.named_bp[named]
    return round((priorities * FULL + market) / 2)


def size_part(scale: Scale, log_a: float, log_b: float) -> float:
    """Likeness of size from the logarithms of the numbers of employees, 0..1."""
    return max(0.0, 1.0 - abs(log_a - log_b) / scale.size_ratio_log)


def proximity_bp(scale: Scale, squared_chord: NDArray[np.float64]) -> NDArray[np.int32]:
    """Proximity from squared chords between places on the unit sphere, any shape.

    One function for one pair and for many: ``math.exp`` and ``numpy.exp`` may differ in the last
    digit, and the two implementations must agree to the basis point.
    """
    half_chord = np.minimum(1.0, np.sqrt(squared_chord) / 2.0)
    km = 2.0 * EARTH_RADIUS_KM * np.arcsin(half_chord)
    rounded: NDArray[np.int32] = np.rint(FULL * np.exp(-km / scale.decay_km)).astype(np.int32)
    return rounded


def _complementarity_bp(mode: str, a: Traits, b: Traits) -> int:
    if not a.channels & b.channels:
        return 0
    if mode == "range":
        common, either = len(a.families & b.families), len(a.families | b.families)
        return round(FULL * (1 - Fraction(common, either)))
    shares = zip(_shares(a), _shares(b), strict=True)
    return round(FULL * sum((min(x, y) for x, y in shares), Fraction(0)))


def _shares(firm: Traits) -> list[Fraction]:
    """Counted lots by family as shares of the firm's total."""
    return [Fraction(quantity, sum(firm.lots)) for quantity in firm.lots]


def _goals_bp(scale: Scale, a: Traits, b: Traits) -> int:
    common = None
    if a.points and b.points:
        common = sum(min(worth, b.points.get(name, 0)) for name, worth in a.points.items())
    named = None
    if a.names_market is not None and b.names_market is not None:
        named = a.names_market + b.names_market
    return goals_bp(scale, common, named)


def _management_bp(a: Traits, b: Traits) -> int:
    """Likeness of management; half where either is not known."""
    if a.management_bp is None or b.management_bp is None:
        return HALF
    return FULL - abs(a.management_bp - b.management_bp)


def _size_bp(scale: Scale, a: Traits, b: Traits) -> int:
    alike = size_part(scale, a.log_employees, b.log_employees)
    rest = FULL - scale.size_share_bp
    return round(scale.size_share_bp * alike + _management_bp(a, b) * rest / FULL)


def _experience_bp(a: Traits, b: Traits) -> int:
    if a.experienced or b.experienced:
        return FULL
    return HALF if a.experienced is None or b.experienced is None else 0


def _nearness_bp(scale: Scale, a: Traits, b: Traits) -> int:
    if a.place is None or b.place is None:
        return scale.same_town_bp if a.town == b.town else HALF
    x, y, z = (p - q for p, q in zip(a.place, b.place, strict=True))
    return int(proximity_bp(scale, np.array([x * x + y * y + z * z]))[0])
