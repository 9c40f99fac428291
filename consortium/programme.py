"""Programme: horizon, subsidy path, rules of size and money, and the weights of the score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from consortium.facts import DATA, Fact, FactReader, NewValue, read_toml
from consortium.market import facts_sha256

#: Criteria of the compatibility score, in the order of economics' table.
CRITERIA: tuple[str, ...] = (
    "complementarity",
    "goals",
    "size",
    "finance",
    "trust",
    "readiness",
    "experience",
    "proximity",
    "time",
)
AFFINITY_CRITERIA: tuple[str, ...] = ("size", "proximity", "goals", "management")
HAZARD_TERMS: tuple[str, ...] = (
    "base",
    "cohesion_slope",
    "cohesion_reference",
    "size_slope",
    "size_reference",
    "fee_slope",
    "fee_reference",
)
#: Figures inside the criteria; see ``consortium.scale``.
CRITERION_FIGURES: tuple[str, ...] = (
    "pay_reference",
    "hours_reference",
    "names_one",
    "names_none",
    "size_ratio",
    "size_share",
    "distance_km",
    "same_town",
    "trust_worked",
    "trust_trusted",
    "trust_rival",
    "trust_shared",
    "cohesion_mean",
)
MODES: tuple[str, ...] = ("range", "volume")
_TABLES = {
    "weights": CRITERIA,
    "criteria": CRITERION_FIGURES,
    "affinity": AFFINITY_CRITERIA,
    "hazard": HAZARD_TERMS,
}
_OPTIONAL = ("budget",)


@dataclass(frozen=True, repr=False)
class Programme:
    """Every programme figure as a ``Fact``; meaning and unit stand in the shipped TOML file.

    ``budget`` (USD over the horizon, undiscounted) is ``None`` where there is none. ``weights``,
    ``criteria``, ``affinity`` and ``hazard`` map a name to its fact.
    """

    name: str
    as_of: Fact
    pkr_per_usd: Fact
    horizon_years: Fact
    discount_rate: Fact
    ramp: Fact
    subsidy_path: Fact
    subsidy_cap_fixed: Fact
    subsidy_cap_member: Fact
    elasticity: Fact
    reachable_share: Fact
    commission: Fact
    retention: Fact
    member_cap: Fact
    manager_annual: Fact
    coordination_per_member: Fact
    coordination_per_pair: Fact
    synergy_per_pair: Fact
    range_bonus: Fact
    size_min: Fact
    size_max: Fact
    contribution_of_turnover: Fact
    contribution_floor: Fact
    contribution_ceiling: Fact
    experienced_years: Fact
    launch_ramp: Fact
    certificate_months: Fact
    certificate_cost_share: Fact
    reference_buyers: Fact
    consortia_share: Fact
    caseload: Fact
    facilitators: Fact
    modes: Fact
    spare_share: Fact
    threshold_range: Fact
    threshold_volume: Fact
    sparsify_above: Fact
    sparsify_nearest: Fact
    weights: Mapping[str, Fact]
    criteria: Mapping[str, Fact]
    affinity: Mapping[str, Fact]
    hazard: Mapping[str, Fact]
    budget: Fact | None = None

    def __repr__(self) -> str:
        return f"Programme({self.name!r}, {self.sha256[:8]})"

    def facts(self) -> Iterator[Fact]:
        """Every fact of the programme."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Fact):
                yield value
            elif isinstance(value, Mapping):
                yield from value.values()

    @cached_property
    def sha256(self) -> str:
        """Hash of the name and every fact."""
        return facts_sha256({"name": self.name}, self.facts())

    @cached_property
    def years(self) -> tuple[int, ...]:
        """1..T."""
        return tuple(range(1, self.horizon_years.whole + 1))

    @cached_property
    def discount(self) -> tuple[Fraction, ...]:
        """delta_t = (1 + r)^-t for t = 1..T, exactly (cash at year end)."""
        return tuple(1 / (1 + self.discount_rate.exact) ** t for t in self.years)

    @cached_property
    def launch_years(self) -> tuple[int, ...]:
        """Years whose ramp is below ``launch_ramp``: members' fees carry them."""
        return tuple(t for t in self.years if self.ramp.series[t - 1] < self.launch_ramp.exact)

    @cached_property
    def day(self) -> date:
        """The day on which certificates must be valid."""
        return date.fromisoformat(str(self.as_of.value))

    def weights_bp(self, table: str = "weights") -> dict[str, int]:
        """Weights in basis points; they sum to 10,000."""
        chosen: Mapping[str, Fact] = getattr(self, table)
        return {name: fact.bp for name, fact in chosen.items()}

    def changed(self, field: str, value: NewValue, note: str) -> Programme:
        """This programme with one fact changed; ``TypeError`` as ``Fact.changed``.

        Facts inside ``weights``, ``criteria``, ``affinity`` and ``hazard`` are changed by their
        full name with ``fact_changes.with_facts``.
        """
        fact: Fact = getattr(self, field)
        changes: dict[str, Any] = {field: fact.changed(value, note)}
        return replace(self, **changes)


def shipped_programmes() -> tuple[str, ...]:
    """Names of the programmes we ship, the default first."""
    names = {path.stem for path in (DATA / "programmes").glob("*.toml")}
    return ("default", *sorted(names - {"default"}))


def load_programme(path: Path | None = None) -> Programme:
    """Read a programme file, or one we ship by its name ("italy"); the default when left out.

    A user's file may give only what differs: every other figure is the default's.

    Raises
    ------
    InputError
        With every fault found.
    """
    default = DATA / "programmes" / "default.toml"
    table = read_toml(default)
    source = default.name
    if path is not None:
        if str(path) in shipped_programmes():
            path = DATA / "programmes" / f"{path}.toml"
        source = path.name
        own = read_toml(path)
        for key, value in own.items():
            if key in _TABLES and isinstance(value, dict):
                table[key] = {**table[key], **value}
            else:
                table[key] = value
    reader = FactReader(source)
    name = table.pop("name", None)
    if not isinstance(name, str) or not name:
        reader.fault("name", "must be a text", name)
    found: dict[str, object] = {}
    for group, keys in _TABLES.items():
        rows = table.pop(group, {})
        if not isinstance(rows, dict):
            reader.fault(group, "must be a table")
            continue
        for unknown in sorted(set(rows) - set(keys)):
            reader.fault(f"{group}.{unknown}", f"is unknown; known are {', '.join(keys)}")
        found[group] = {key: reader.fact(f"programme.{group}.{key}", rows.get(key)) for key in keys}
    names = [f.name for f in fields(Programme) if f.name not in (*_TABLES, "name")]
    for key in names:
        if key in table or key not in _OPTIONAL:
            found[key] = reader.fact(f"programme.{key}", table.pop(key, None))
    for unknown in table:
        reader.fault(unknown, "is unknown; the shipped programmes/default.toml lists every figure")
    reader.raise_faults()
    programme = Programme(name=str(name), **found)  # type: ignore[arg-type]
    for fact in programme.facts():
        _right_type(reader, fact)
    reader.raise_faults()
    plausible_programme(reader, programme)
    reader.raise_faults()
    return programme


_SHARES = (
    "reachable_share",
    "commission",
    "retention",
    "member_cap",
    "contribution_of_turnover",
    "launch_ramp",
    "certificate_cost_share",
    "consortia_share",
    "spare_share",
    "threshold_range",
    "threshold_volume",
)
_WHOLE = {
    "horizon_years": (1, 30),
    "size_min": (2, 30),
    "size_max": (2, 30),
    "experienced_years": (0, 100),
    "certificate_months": (0, 120),
    "reference_buyers": (1, 1000),
    "caseload": (0, 10_000),
    "facilitators": (0, 10_000),
    "sparsify_above": (0, 10**6),
    "sparsify_nearest": (1, 10**6),
}
_MONEY = (
    "subsidy_cap_fixed",
    "subsidy_cap_member",
    "manager_annual",
    "coordination_per_member",
    "coordination_per_pair",
    "synergy_per_pair",
    "range_bonus",
    "contribution_floor",
    "contribution_ceiling",
)


def _right_type(reader: FactReader, fact: Fact) -> None:
    """Whether a fact is a number, a yearly path or a text, as its name asks."""
    key = fact.name.removeprefix("programme.")
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    if key in ("ramp", "subsidy_path"):
        good = isinstance(fact.value, tuple) and all(isinstance(v, Decimal) for v in values)
        wanted = "must be a list of numbers, one a year"
    elif key in ("modes", "as_of"):
        good, wanted = all(isinstance(v, str) for v in values), "must be a text in quotes"
    else:
        good, wanted = isinstance(fact.value, Decimal), "must be one number"
    if not good:
        reader.fault(f"{key}.value", wanted, fact.text)


def plausible_programme(reader: FactReader, programme: Programme) -> None:
    """Tell the reader of figures that cannot be meant, or that contradict one another."""
    try:
        for name in _SHARES:
            fact: Fact = getattr(programme, name)
            if not 0 <= fact.exact <= 1:
                reader.fault(f"{name}.value", "must be a share from 0 to 1", fact.text)
        for name, (low, high) in _WHOLE.items():
            fact = getattr(programme, name)
            if fact.exact.denominator != 1 or not low <= fact.exact <= high:
                reader.fault(f"{name}.value", f"must be a whole number, {low} to {high}", fact.text)
        for name in _MONEY:
            fact = getattr(programme, name)
            if fact.exact < 0:
                reader.fault(f"{name}.value", "must be 0 or more", fact.text)
        if not Fraction(-1, 2) <= programme.discount_rate.exact <= 1:
            reader.fault("discount_rate.value", "must be from -0.5 to 1")
        for name, fact in programme.hazard.items():
            if abs(fact.exact) > 100 or (name == "base" and fact.exact < 0):
                reader.fault(f"hazard.{name}.value", "is out of range", fact.text)
        if not 0 <= programme.elasticity.exact <= 20:
            reader.fault("elasticity.value", "must be from 0 to 20")
        if programme.pkr_per_usd.exact <= 0:
            reader.fault("pkr_per_usd.value", "must be above 0")
        if programme.budget is not None and programme.budget.exact < 0:
            reader.fault("budget.value", "must be 0 or more")
        horizon = programme.horizon_years.exact
        for name in ("ramp", "subsidy_path"):
            series = getattr(programme, name).series
            if len(series) != horizon:
                reader.fault(f"{name}.value", f"needs one entry a year: {horizon}", len(series))
            if not all(0 <= x <= 1 for x in series):
                reader.fault(f"{name}.value", "entries must be shares from 0 to 1")
        if programme.size_min.exact > programme.size_max.exact:
            reader.fault("size_min.value", "is above size_max", programme.size_min.text)
        if programme.contribution_floor.exact > programme.contribution_ceiling.exact:
            reader.fault("contribution_floor.value", "is above contribution_ceiling")
        for table in ("weights", "affinity"):
            weights = [fact.exact * 10_000 for fact in getattr(programme, table).values()]
            if sum(weights) != 10_000 or any(w < 0 or w.denominator != 1 for w in weights):
                reader.fault(table, "weights must be multiples of 0.0001, 0 or more, and sum to 1")
        figures = programme.criteria
        for name in CRITERION_FIGURES:
            if name in ("pay_reference", "hours_reference", "distance_km"):
                good = figures[name].exact > 0
            elif name == "size_ratio":
                good = figures[name].exact > 1
            else:
                good = 0 <= figures[name].exact <= 1
            if not good:
                reader.fault(f"criteria.{name}.value", "is out of range", figures[name].text)
        if figures["hours_reference"].exact.denominator != 1:
            reader.fault("criteria.hours_reference.value", "must be a whole number")
        unknown = set(programme.modes.texts) - set(MODES)
        repeated = len(set(programme.modes.texts)) != len(programme.modes.texts)
        if unknown or repeated or not programme.modes.texts:
            reader.fault(
                "modes.value",
                f"must be some of {', '.join(MODES)}, each once",
                programme.modes.text,
            )
        date.fromisoformat(str(programme.as_of.value))
    except TypeError as error:
        reader.fault("value", f"has the wrong type: {error}")
    except ValueError:
        reader.fault("as_of.value", "must be a date like 2026-01-01", programme.as_of.value)
