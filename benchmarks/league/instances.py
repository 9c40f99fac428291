"""Instances of the league by name, with what is known of their optimum.

A name says all: the same name is the same problem, on any machine. ``family:argument,argument``;
an option is ``name=value``. ``FAMILIES`` lists the families with their arguments:

register:CLUSTER,MARKET+MARKET,FIRMS,SEED[,nearest=N|pairs=all]
    What the domain makes of a sample register, by default with the pairs it keeps by itself.
shape:FIRMS,MARKETS,SEED[,budget=tight]
    The domain's shape for many markets (``generators.register_problem``).
study:N,DEGREE,MARKETS,SEED
    Firms in a latent space with a sparse graph (``generators.study_problem``).
planted:N,SEED[,noise=PERCENT]
    Cliques of 3 to 8 whose pairs gain and all others lose; the planted groups are the optimum. With
    noise so many per cent of the pairs change their sign, and the optimum is no longer known.
trap:N,A
    CP-Lib's am-n-a: 2N items, the optimum N(A+N-3) has N items in one group, which moves of single
    items do not find.
free:N,C,SEED
    Clique partitioning with every pair an integer from -C to C.
coalitions:DISTRIBUTION,N,SEED
    A value for each of the 2^N - 1 coalitions, each a kind of its own; the optimum by dynamic
    programming over subsets (Rothkopf, Pekec, Harstad 1998). N is 20 at most. The problem holds
    a row of items a kind, which is not made for so many kinds: few strategies get beyond N = 14.
published:FOLDER/NAME
    A published instance with its best known value, from a folder of the user's own
    (``benchmarks.instances``).
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from benchmarks.generators import register_problem, study_problem
from benchmarks.instances import NO_TARGET, Published, instances_root, published, read
from benchmarks.league.judging import Known
from solver import Curve, GroupingProblem
from solver.families import clique_partitioning

IntArray = npt.NDArray[np.int64]
#: Of so many items the optimum takes 7 seconds, and three times as long with each one more.
MOST_COALITION_ITEMS = 20
#: A pattern of names has no more than so many.
MOST_NAMES = 10_000
#: Values of coalitions are thousandths of those in the literature.
THOUSANDTHS = 1_000
NOTHING_KNOWN = Known(None, False, "")


class UnknownInstance(Exception):
    """No instance has that name; the message says what is wrong with it."""


@dataclass(frozen=True)
class Instance:
    """A problem, and what is known of its optimum.

    Attributes
    ----------
    name, family : the family is what stands before the colon; of published ones with its folder.
    known : best known value of the problem (in the problem's integers) and where it is from.
    """

    name: str
    family: str
    problem: GroupingProblem
    known: Known = NOTHING_KNOWN

    @property
    def density(self) -> float:
        """Share of all pairs that are listed."""
        n = self.problem.num_items
        return 2 * self.problem.num_pairs / (n * (n - 1)) if n > 1 else 0.0


def load(name: str) -> Instance:
    """Build the instance of that name.

    Raises
    ------
    UnknownInstance
        If the name has no family we know, or its arguments are not that family's.
    InstancesMissing
        If it is a published one and their folder is not there.
    """
    family, colon, rest = name.partition(":")
    if not colon or family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise UnknownInstance(f"{name!r}: a name is family:arguments, with a family of {known}")
    words = rest.split(",")
    options = dict(word.split("=", 1) for word in words if "=" in word)
    plain = [word for word in words if "=" not in word]
    try:
        problem, known = FAMILIES[family](*plain, **options)
    except (
        ArithmeticError, IndexError, KeyError, MemoryError, TypeError, ValueError
    ) as error:  # fmt: skip
        raise UnknownInstance(f"{name!r} is no instance of {family}: {error}") from error
    shown = f"published/{rest.rpartition('/')[0]}" if family == "published" else family
    return Instance(name, shown, problem, known)


def expanded(pattern: str) -> list[str]:
    """Names of a pattern: ``study:{100,300},20,3,{0..2}`` is six of them.

    Raises
    ------
    ValueError
        If a range in it is none, or it has more than ``MOST_NAMES`` names.
    """
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices: list[list[str]] = []
    for at, part in enumerate(parts):
        if at % 2 == 0:
            choices.append([part])
            continue
        first, dots, last = part.partition("..")
        if dots:
            try:
                numbers = range(int(first), int(last) + 1)
            except ValueError:
                raise ValueError(f"{{{part}}} is no range of whole numbers") from None
            if not 1 <= len(numbers) <= MOST_NAMES:
                raise ValueError(f"{{{part}}} is a range of {len(numbers)} numbers")
            choices.append([str(number) for number in numbers])
        else:
            choices.append(part.split(","))
    if math.prod(map(len, choices)) > MOST_NAMES:
        raise ValueError(f"it has more than {MOST_NAMES:,} names")
    return ["".join(words) for words in itertools.product(*choices)]


def fingerprint(problem: GroupingProblem) -> str:
    """SHA-256 of everything a problem holds."""
    digest = hashlib.sha256()
    for name, value in problem.arguments().items():
        digest.update(name.encode())
        if isinstance(value, np.ndarray):
            digest.update(repr((value.dtype.str, value.shape)).encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif name == "curves":
            curves: dict[tuple[int, int], Curve] = dict(value)
            digest.update(repr(sorted((key, curves[key].points) for key in curves)).encode())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


# -- families -----------------------------------------------------------------------------------

Made = tuple[GroupingProblem, Known]


def _register(
    cluster: str, markets: str, firms: str, seed: str, nearest: str = "", pairs: str = ""
) -> Made:
    from consortium.case import make_case
    from consortium.formulation import formulate
    from consortium.market_files import find_market
    from consortium.programme import load_programme
    from consortium.sample import sample_register

    programme = load_programme()
    if pairs not in ("", "all"):
        raise ValueError(f"pairs={pairs}: only all can be asked for")
    if pairs:
        programme = programme.changed("sparsify_above", 10**6, "league")
    if nearest:
        programme = programme.changed("sparsify_above", 0, "league")
        programme = programme.changed("sparsify_nearest", int(nearest), "league")
    found = [find_market(code) for code in markets.split("+")]
    case = make_case(sample_register(cluster, int(firms), int(seed)), found, programme)
    return formulate(case).problem, NOTHING_KNOWN


def _shape(firms: str, markets: str, seed: str, budget: str = "") -> Made:
    if budget not in ("", "tight"):
        raise ValueError(f"budget={budget}: only tight can be asked for")
    problem = register_problem(int(firms), int(markets), int(seed), budget=bool(budget))
    return problem, NOTHING_KNOWN


def _study(n: str, degree: str, markets: str, seed: str) -> Made:
    return study_problem(int(n), int(degree), int(markets), int(seed)), NOTHING_KNOWN


def _planted(n: str, seed: str, noise: str = "0") -> Made:
    """Every pair inside gains, every pair across loses: another grouping has fewer of the first."""
    num, rng = int(n), np.random.default_rng(int(seed))
    blocks: list[int] = []
    while len(blocks) < num:
        blocks += [len(set(blocks))] * int(rng.integers(3, 9))
    block = np.array(blocks[:num])[rng.permutation(num)]
    pairs = np.array(list(combinations(range(num), 2)), dtype=np.int64)
    inside = block[pairs[:, 0]] == block[pairs[:, 1]]
    values = np.where(inside, 1, -1) * rng.integers(1, 100, len(pairs))
    if float(noise) == 0:
        best = Known(int(values[inside].sum()), True, "planted")
        return clique_partitioning(num, pairs, values), best
    turned = rng.random(len(pairs)) < float(noise) / 100
    return clique_partitioning(num, pairs, np.where(turned, -values, values)), NOTHING_KNOWN


def _trap(n: str, a: str) -> Made:
    num, gain = int(n), int(a)
    if num < 4 or gain < 1:
        raise ValueError("N is 4 or more and A is 1 or more")
    pairs = np.array(list(combinations(range(2 * num), 2)), dtype=np.int64)
    first, second = pairs[:, 0], pairs[:, 1]
    values = np.full(len(pairs), -(num * num + 2 * num * gain), dtype=np.int64)
    core = second < num
    values[core] = 2
    values[core & ((second - first == 1) | (second - first == num - 1))] = gain
    values[second == first + num] = gain + 1
    return clique_partitioning(2 * num, pairs, values), Known(
        num * (gain + num - 3), True, "CP-Lib's am-n-a"
    )


def _free(n: str, c: str, seed: str) -> Made:
    num, most = int(n), int(c)
    pairs = np.array(list(combinations(range(num), 2)), dtype=np.int64)
    values = np.random.default_rng(int(seed)).integers(-most, most + 1, len(pairs))
    return clique_partitioning(num, pairs, values), NOTHING_KNOWN


def _coalitions(distribution: str, n: str, seed: str) -> Made:
    num = int(n)
    if not 1 <= num <= MOST_COALITION_ITEMS:
        raise ValueError(f"N is 1 to {MOST_COALITION_ITEMS}")
    rng = np.random.default_rng(int(seed))
    masks = np.arange(1, 2**num)
    member = (masks[:, None] >> np.arange(num)) & 1 == 1
    size = member.sum(axis=1)
    drawn = DISTRIBUTIONS[distribution](rng, size, member)
    values = np.rint(THOUSANDTHS * drawn).astype(np.int64)
    problem = GroupingProblem(
        num_items=num,
        kinds=tuple(str(mask) for mask in masks.tolist()),
        eligible=member,
        open_values=values,
        min_size=size,
        max_size=size,
        max_groups=np.ones(len(masks), dtype=np.int64),
        must_join=np.ones(num, dtype=bool),
    )
    from benchmarks.league.coalitions import best_structure  # numba: for no other family

    return problem, Known(best_structure(values, num), True, "dynamic programming")


Draw = Callable[[np.random.Generator, IntArray, npt.NDArray[np.bool_]], npt.NDArray[np.float64]]

#: Distributions of coalition values by the number of members s (Rahwan et al. 2009, and as
#: recalled in the instances' README).
DISTRIBUTIONS: dict[str, Draw] = {
    "uniform": lambda rng, s, _: rng.uniform(0, s),
    "normal": lambda rng, s, _: rng.normal(10 * s, 0.1),
    "ndcs": lambda rng, s, _: rng.normal(s, np.sqrt(s)),
    "modified-uniform": lambda rng, s, _: (
        rng.uniform(0, 10 * s) + np.where(rng.random(len(s)) < 0.2, rng.uniform(0, 50, len(s)), 0)
    ),
    "exponential": lambda rng, s, _: s * rng.exponential(1.0, len(s)),
    "beta": lambda rng, s, _: s * rng.beta(0.5, 0.5, len(s)),
    "gamma": lambda rng, s, _: s * rng.gamma(2.0, 2.0, len(s)),
    "agents": lambda rng, s, member: (
        rng.uniform(0, 2 * rng.uniform(0, 10, member.shape[1]), member.shape) * member
    ).sum(axis=1),
}


def _published(name: str) -> Made:
    listed = published_names()
    if name not in listed:
        raise ValueError("no published instance has that name")
    instance = listed[name]
    found = read(instance)
    return found.problem, _known_of(instance, found.scale, found.offset)


@lru_cache(maxsize=1)
def published_names() -> dict[str, Published]:
    """Every published instance at hand, by family and name."""
    return {f"{one.family}/{one.name}": one for one in published(instances_root())}


def _known_of(instance: Published, scale: int, offset: int | None) -> Known:
    """A published value in the problem's integers.

    One printed with fewer digits than the problem has may be rounded up: what it surely reached is
    half a last digit less, and its optimum is not known to the last digit.
    """
    if instance.best_known is None or instance.grade in NO_TARGET:
        return NOTHING_KNOWN
    sign = -1 if instance.minimise else 1
    last_digit = Decimal(1).scaleb(int(instance.best_known.as_tuple().exponent))
    exact = scale == 1 or last_digit * scale <= 1
    reached = sign * instance.best_known - (0 if exact else last_digit / 2)
    value = math.ceil(reached * scale) + (offset or 0)
    return Known(value, instance.is_optimal and exact, f"published, grade {instance.grade}")


FAMILIES: dict[str, Callable[..., Made]] = {
    "register": _register,
    "shape": _shape,
    "study": _study,
    "planted": _planted,
    "trap": _trap,
    "free": _free,
    "coalitions": _coalitions,
    "published": _published,
}


def sampled_published(number: int, largest: int | None = None) -> list[str]:
    """So many published names of each family, evenly spread by size, with values to compare."""
    from benchmarks.suites import sampled

    listed: Iterable[Published] = published_names().values()
    usable = [one for one in listed if one.usable and (largest is None or one.n <= largest)]
    return [f"published:{one.family}/{one.name}" for one in sampled(usable, number)]
