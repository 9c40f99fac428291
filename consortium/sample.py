"""Synthetic registers, shaped on published figures of a cluster; no real firm is in them.

``sample_register`` draws firms, products and ties from a profile (``data/samples/*.toml``) in which
every parameter is a fact with source and grade. The shape for surgical instruments in Sialkot:

- Roles: more than 3,600 firms with vendors and traders [36], more than 1,800 of them exporting
  [37], about 2,300 units counted as 30 large, 150 medium and the rest small [38].
- Workers: lognormal; exporting units have 15 to 700 [39]; 100,000 to 150,000 in all [36].
- Turnover: workers times a productivity that reconciles exports of USD 362-421 million [40][42]
  with those workers. Export share and years, countries (USA 27% [42]), certificates (small firms
  often lack them [49]), management and financial health rise with size and with one another.
- Products: one to four families; capacity times price times utilisation is the turnover.
- Ties: near and like firms, vendors and their makers; the well connected attract more.
- Cost sharing as 165 firms preferred it in a trial [12]; priorities as the diagnostic found them.

Whatever the sources leave open is an estimate, marked so in the profile. No parameter was fitted to
what the planner answers. The same cluster, number and seed give the same register on one platform;
a larger register does not begin with the smaller one's firms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from consortium.errors import InputError, InputFault
from consortium.facts import DATA
from consortium.market_files import load_clusters
from consortium.register import Firm, Register, Tie, make_register
from consortium.sample_firms import draw_population, draw_products
from consortium.sample_profile import Profile, load_profile, sample_clusters
from consortium.sample_rows import write_firms
from consortium.sample_ties import draw_ties
from consortium.several_clusters import AND

MOST_FIRMS = 100_000


def demo_register_path() -> Path:
    """The shipped register (.xlsx): 60 firms of ``surgical-sialkot``, drawn with seed 1."""
    return DATA / "registers" / "sialkot-demo.xlsx"


def sample_register(cluster: str, num_firms: int, seed: int) -> Register:
    """A synthetic register of a cluster.

    Parameters
    ----------
    cluster : cluster code; ``sample_profile.sample_clusters`` lists those there are. Several joined
        by "+", or "all", give a register of several clusters with about as many firms of each.
    num_firms : firms, 1 to 100,000, vendors and traders among them.
    seed : 0 or more; the same seed gives the same register.

    Raises
    ------
    InputError
        If there is no profile for the cluster, or a number is out of range.
    """
    clusters = list(sample_clusters()) if cluster == "all" else cluster.split(AND)
    profiles = _profiles(clusters, num_firms, seed)
    if len(clusters) == 1:
        return _draw(cluster, profiles[0], num_firms, seed, "S")
    firms: list[Firm] = []
    ties: list[Tie] = []
    for at, (key, profile) in enumerate(zip(clusters, profiles, strict=True)):
        number = num_firms // len(clusters) + (at < num_firms % len(clusters))
        # Ids begin with the cluster's first letter.
        part = _draw(key, profile, number, seed, key[0].upper())
        firms.extend(part.firms)
        ties.extend(part.ties)
    named = AND.join(clusters)
    return make_register(firms, ties, f"synthetic {named}, {num_firms} firms, seed {seed}")


def _profiles(clusters: list[str], num_firms: int, seed: int) -> list[Profile]:
    """The clusters' profiles, after every number was found to be in range."""
    faults = []
    if not 1 <= num_firms <= MOST_FIRMS:
        faults.append(
            InputFault("--firms", f"must be from 1 to {MOST_FIRMS:,}", value=str(num_firms)[:80])
        )
    elif num_firms < len(clusters):
        message = f"must be {len(clusters)} or more, one for each cluster"
        faults.append(InputFault("--firms", message, value=str(num_firms)[:80]))
    if seed < 0:
        faults.append(InputFault("--seed", "must be 0 or more", value=str(seed)[:80]))
    if len(set(clusters)) < len(clusters):
        faults.append(InputFault("sample", "names a cluster twice", value=AND.join(clusters)[:80]))
    profiles = []
    for cluster in clusters:
        try:
            profiles.append(load_profile(cluster))
        except InputError as error:
            faults[:0] = error.faults
    if faults:
        raise InputError(faults)
    return profiles


def _draw(cluster: str, profile: Profile, num_firms: int, seed: int, letter: str) -> Register:
    """Firms of one cluster."""
    # One stream per step: a change to one step leaves the draws of the others alone.
    rng = np.random.Generator(np.random.PCG64(seed))
    firms_rng, products_rng, ties_rng, words_rng, rows_rng = rng.spawn(5)
    drawn = draw_population(firms_rng, profile, num_firms)
    products = draw_products(products_rng, profile, drawn)
    width = max(4, len(str(num_firms)))
    ids = [f"{letter}{i + 1:0{width}d}" for i in range(num_firms)]
    names = _names(words_rng, profile, num_firms)
    firms = write_firms(rows_rng, profile, load_clusters()[cluster], drawn, products, ids, names)
    pairs = draw_ties(ties_rng, profile, drawn, products)
    ties = (Tie(ids[min(a, b)], ids[max(a, b)], kind) for a, b, kind in pairs)
    return make_register(firms, ties, f"synthetic {cluster}, {num_firms} firms, seed {seed}")


def _names(rng: np.random.Generator, profile: Profile, num_firms: int) -> list[str]:
    """Unique invented names."""
    endings = profile.texts("names.endings")
    first, middle, last = (profile.texts(f"names.{part}") for part in ("first", "middle", "last"))
    shape = (len(first), len(middle), len(last))
    # Two firms share an invented word only when there are more firms than words.
    words = len(first) * len(middle) * len(last)
    word = rng.permutation(words)
    start = rng.integers(0, len(endings), words)
    out = []
    for i in range(num_firms):
        again, row = divmod(i, words)
        a, b, c = np.unravel_index(word[row], shape)
        ending = endings[(int(start[row]) + again) % len(endings)]
        out.append(f"{first[a]}{middle[b]}{last[c]} {ending}")
    return out
