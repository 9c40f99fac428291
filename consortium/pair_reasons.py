"""Why two firms go together, or do not, in one sentence made from the parts of their score."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.case import Case
from consortium.criteria import PairScore
from consortium.traits import HALF

# From the first value that the part reaches, in basis points: what to say of it. Above 5,000 a part
# speaks for the pair; exactly 5,000 may only mean that nothing is known.
_Steps = tuple[tuple[int, str], ...]
_RANGE: _Steps = (
    (7_500, "different products for the same buyers"),
    (5_001, "partly different products for the same buyers"),
    (1, "much the same products"),
    (0, "no products that complete one another"),
)
_VOLUME: _Steps = (
    (7_500, "the same products to pool for large orders"),
    (5_001, "many of the same products to pool"),
    (1, "few of the same products to pool"),
    (0, "no products to pool"),
)
_WORDS: dict[str, _Steps] = {
    "goals": (
        (7_500, "similar goals and target markets"),
        (5_001, "partly similar goals and target markets"),
        (5_000, "goals partly alike or not known"),
        (0, "different goals and target markets"),
    ),
    "size": (
        (7_500, "similar size and management"),
        (5_001, "fairly similar size and management"),
        (2_500, "different size or management"),
        (0, "very different size or management"),
    ),
    "finance": (
        (7_500, "sound finances on both sides"),
        (5_001, "fair finances on both sides"),
        (5_000, "finances limited or not known on one side"),
        (0, "weak finances on one side"),
    ),
    "trust": (
        (10_000, "worked together before"),
        (9_000, "trust in one another"),
        (7_000, "a partner in common"),
        (5_000, "no earlier ties"),
        (0, "rivalry between them"),
    ),
    "readiness": (
        (10_000, "no certificate left to obtain"),
        (7_500, "a certificate that only one still has to obtain"),
        (5_000, "certificates still to obtain"),
        (0, "certificates out of reach"),
    ),
    "experience": (
        (10_000, "export experience on board"),
        (5_000, "export experience not known"),
        (0, "no export experience on either side"),
    ),
    "proximity": (
        (7_500, "close to one another"),
        (5_001, "not far from one another"),
        (2_500, "some distance between them"),
        (0, "far from one another"),
    ),
    "time": (
        (7_500, "time to give on both sides"),
        (5_001, "some time to give on both sides"),
        (5_000, "time limited or not known on one side"),
        (0, "little time on one side"),
    ),
}


def pair_reason(score: PairScore, case: Case) -> str:
    """One sentence on a pair: its two strongest parts and its weakest; first what forbids it.

    A part's strength is its weight times its distance from one half, which is what a missing input
    gets: the order of the parts then says what moved this pair, not which weight is largest.
    """
    sentence = reason_of(score.components, score.mode, case.programme.weights_bp())
    if score.allowed:
        return sentence
    return f"Not allowed ({'; '.join(score.blocked)}). {sentence}"


def reason_of(components: Mapping[str, int], mode: str, weights: Mapping[str, int]) -> str:
    """The sentence from parts in basis points; equal strengths in the order of the criteria."""
    strength = {name: weights[name] * (part - HALF) for name, part in components.items()}
    # sorted is stable: the criteria's order decides ties.
    order = sorted(strength, key=lambda name: -strength[name])
    first, second, weakest = order[0], order[1], order[-1]
    strong, also, weak = (_words(name, components[name], mode) for name in (first, second, weakest))
    # At one half or above it is no weakness: one half may only mean that nothing is known.
    ending = f"weakest point: {weak}" if strength[weakest] < 0 else "no weak point known"
    return f"{strong.capitalize()}, {also}; {ending}."


def _words(name: str, part: int, mode: str) -> str:
    steps = _WORDS.get(name) or (_VOLUME if mode == "volume" else _RANGE)
    return next(words for least, words in steps if part >= least)
