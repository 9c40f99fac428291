"""The profile a synthetic register is drawn from: every parameter is a fact in a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consortium.errors import InputError, InputFault
from consortium.facts import DATA, Fact, FactReader, read_toml

Floats = NDArray[np.float64]
SAMPLES = DATA / "samples"


@dataclass(frozen=True)
class Profile:
    """Parameters of one cluster's synthetic firms.

    Attributes
    ----------
    cluster : cluster code.
    facts : every parameter by its dotted key, e.g. "size.median".
    """

    cluster: str
    facts: Mapping[str, Fact]

    @cached_property
    def _floats(self) -> dict[str, float]:
        # Ties ask for the same few numbers at every draw; exact fractions are slow to convert.
        single = {key: fact.value for key, fact in self.facts.items()}
        return {key: float(value) for key, value in single.items() if isinstance(value, Decimal)}

    def number(self, key: str) -> float:
        """A single number."""
        return self._floats[key]

    def numbers(self, key: str) -> Floats:
        """A list of numbers."""
        return np.array([float(x) for x in self.facts[key].series], dtype=np.float64)

    def shares(self, key: str) -> Floats:
        """A list of weights, scaled to add up to 1."""
        weights = self.numbers(key)
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def span(self, key: str) -> tuple[float, float]:
        """A lowest and a highest value."""
        low, high = self.facts[key].series
        return float(low), float(high)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return self.facts[key].texts

    def text(self, key: str) -> str:
        """A single text."""
        return self.facts[key].text

    def names_under(self, prefix: str) -> tuple[str, ...]:
        """Names of the tables below a dotted key, in the file's order."""
        start = f"{prefix}."
        below = [key[len(start) :] for key in self.facts if key.startswith(start)]
        return tuple(dict.fromkeys(key.rpartition(".")[0] for key in below if "." in key))


def sample_clusters() -> tuple[str, ...]:
    """Codes of the clusters a synthetic register can be drawn for."""
    return tuple(sorted(path.stem for path in SAMPLES.glob("*.toml")))


@cache
def load_profile(cluster: str) -> Profile:
    """The profile of a cluster.

    Raises
    ------
    InputError
        If there is none for the cluster; the message lists those there are.
    """
    known = sample_clusters()
    if cluster not in known:
        message = f"has no sample profile; known: {', '.join(known)}"
        raise InputError([InputFault("cluster", message, value=cluster[:80])])
    path = SAMPLES / f"{cluster}.toml"
    reader = FactReader(path.name)
    facts: dict[str, Fact] = {}
    _collect(reader, "", read_toml(path), facts)
    reader.raise_faults()
    return Profile(cluster, facts)


def _collect(
    reader: FactReader, prefix: str, table: Mapping[str, Any], facts: dict[str, Fact]
) -> None:
    """Facts of a table and of the tables in it; a table with a value is a fact."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and "value" not in value:
            _collect(reader, f"{key}.", value, facts)
        else:
            fact = reader.fact(key, value)
            if fact is not None:
                facts[key] = fact
