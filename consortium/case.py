"""A case: everything a proposal is computed from, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from consortium.errors import InputError, InputFault
from consortium.market import CertificateFacts, Cluster, Market, MarketCluster, MarketingPlan
from consortium.market_files import find_market, load_certificates, load_clusters, load_plans
from consortium.own_pairs import OwnPairs, read_pairs
from consortium.programme import Programme, load_programme
from consortium.register import Register
from consortium.rules import Rules, read_rules
from consortium.several_clusters import merged_cluster, split_markets


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind of consortium: target market, marketing plan and mode ("range" or "volume")."""

    market: str
    plan: str
    mode: str

    @property
    def label(self) -> str:
        """Label used in the formal problem."""
        return f"{self.market}|{self.plan}|{self.mode}"


@dataclass(frozen=True, repr=False)
class Case:
    """Register, markets, plans, programme and rules of one proposal.

    A register of several clusters has a market for each market and cluster
    (``consortium.several_clusters``). ``notes`` are for the readers of a plan. ``own_pairs`` take
    the place of the compatibility score's threshold where they are given.
    """

    register: Register
    markets: tuple[Market, ...]
    programme: Programme
    rules: Rules
    plans: tuple[MarketingPlan, ...]
    certificates: dict[str, CertificateFacts]
    own_pairs: OwnPairs | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster the firms belong to; all of their clusters as one, where they are several."""
        return merged_cluster(firm.cluster for firm in self.register.firms)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """Every market x plan x mode, in the order given."""
        return tuple(
            Kind(market.code, plan.key, mode)
            for market in self.markets
            for plan in self.plans
            for mode in self.programme.modes.texts
        )

    def __repr__(self) -> str:
        codes = ", ".join(market.code for market in self.markets)
        return f"Case({len(self.register.firms)} firms of {self.register.source!r}, {codes})"

    def market(self, code: str) -> Market:
        """The market with a code; ``KeyError`` if it is not of this case."""
        for market in self.markets:
            if market.code == code:
                return market
        raise KeyError(code)

    def market_cluster(self, code: str) -> MarketCluster:
        """What a market asks of this case's cluster."""
        return self.market(code).clusters[self.cluster.key]

    def plan(self, key: str) -> MarketingPlan:
        """The marketing plan with a code; ``KeyError`` if there is none."""
        for plan in self.plans:
            if plan.key == key:
                return plan
        raise KeyError(key)

    @property
    def size_min(self) -> int:
        """Fewest members: the rules file's, else the programme's."""
        return self.rules.size_min or self.programme.size_min.whole

    @property
    def size_max(self) -> int:
        """Most members: the rules file's, else the programme's."""
        return self.rules.size_max or self.programme.size_max.whole

    def with_programme(self, programme: Programme) -> Case:
        """This case under another programme."""
        return replace(self, programme=programme)

    def without(self, *firm_ids: str) -> Case:
        """This case after some firms have left the register; figures and rules stay.

        Raises
        ------
        KeyError
            If a firm is not of the register.
        InputError
            If a rule names a firm that leaves, or nobody (of one of several clusters) is left.
        """
        register = self.register.without(*firm_ids)
        faults = self.rules.unknown_firms(register)
        if not register.firms:
            faults.append(InputFault(register.source, "has no firms"))
        gone = {f.cluster for f in self.register.firms} - {f.cluster for f in register.firms}
        if gone and register.firms:
            message = f"has no firm of {', '.join(sorted(gone))} left; make a new case without it"
            faults.append(InputFault(register.source, message))
        if faults:
            raise InputError(faults)
        return replace(self, register=register)


def make_case(
    register: Register,
    markets: Sequence[Market],
    programme: Programme | None = None,
    rules: Rules | None = None,
    source: str = "register",
    own_pairs: OwnPairs | None = None,
) -> Case:
    """A case from parts that are read already.

    Raises
    ------
    InputError
        If the register is empty, a cluster is unknown, a market is named twice or has no facts on
        any cluster of the register, a rule names a firm that is not of the register, or sizes
        contradict one another.
    """
    programme = programme or load_programme()
    rules = rules or Rules()
    if not register.firms:
        raise InputError([InputFault(source, "has no firms")])
    faults = [*rules.unknown_firms(register), *rules.contradictions(register)]
    clusters = sorted({firm.cluster for firm in register.firms})
    known = load_clusters()
    for cluster in clusters:
        if cluster not in known:
            names = ", ".join(known)
            faults.append(
                InputFault(
                    source,
                    f"is no cluster we know; known: {names}",
                    column="cluster",
                    value=cluster,
                )
            )
    if not markets:
        faults.append(InputFault("--market", "name at least one market"))
    if known.keys() >= set(clusters):
        faults.extend(_without_facts(markets, clusters))
    markets, notes = split_markets(markets, clusters)
    codes = [market.code for market in markets]
    for code in sorted({c for c in codes if codes.count(c) > 1}):
        faults.append(InputFault("--market", "is named twice", value=code))
    case = Case(
        register,
        tuple(markets),
        programme,
        rules,
        tuple(load_plans().values()),
        load_certificates(),
        own_pairs,
        notes,
    )
    for pin in rules.pins:
        if pin.mode not in programme.modes.texts or pin.market not in codes:
            modes = ", ".join(programme.modes.texts)
            faults.append(
                InputFault(
                    "--rules",
                    f"is no kind of this case; the programme's modes are {modes}",
                    column="pin",
                    value=Kind(pin.market, pin.plan, pin.mode).label,
                )
            )
    if own_pairs is not None and not own_pairs.serves(programme.modes.texts):
        modes = ", ".join(programme.modes.texts)
        message = f"names no pair for the programme's modes ({modes})"
        faults.append(InputFault("--pairs", message, value=own_pairs.origin))
    if case.size_min > case.size_max:
        faults.append(
            InputFault("--rules", f"size.min {case.size_min} is above size.max {case.size_max}")
        )
    if faults:
        raise InputError(faults)
    return case


def _without_facts(markets: Sequence[Market], clusters: Sequence[str]) -> list[InputFault]:
    """Markets that nothing is known of for any cluster of the register."""
    whole = merged_cluster(clusters).key
    out = []
    for market in markets:
        lacking = [market.no_data(key) for key in clusters if market.asked_for(key)]
        if whole not in market.clusters and all(why is not None for why in lacking):
            message = "; ".join(why for why in lacking if why is not None)
            message = message or f"is asked for {market.only} only, of which there is no firm"
            out.append(InputFault("--market", message, value=market.code))
    return out


def load_case(
    register: str | Path | Register,
    markets: Iterable[str | Market],
    programme: str | Path | Programme | None = None,
    rules: str | Path | Rules | None = None,
    pairs: str | Path | OwnPairs | None = None,
) -> Case:
    """Read a case from files.

    Parameters
    ----------
    register : path of the register (.xlsx, .csv or a folder), or one read already.
    markets : market codes such as "ZAF", or markets read already.
    programme, rules : paths of TOML files, or read already; defaults when left out.
    pairs : path of a list of compatible pairs (.csv), or pairs read already, in the place of the
        compatibility score's threshold (``consortium.own_pairs``).

    Raises
    ------
    InputError
        With ``.faults``: everything wrong in all of the files.
    """
    from consortium.intake import read_register

    faults: list[InputFault] = []

    if isinstance(markets, str):
        markets = [markets]
    chosen: list[Market] = []
    for market in markets:
        try:
            chosen.append(find_market(market) if isinstance(market, str) else market)
        except InputError as error:
            faults.extend(error.faults)
    try:
        if not isinstance(programme, Programme):
            programme = load_programme(None if programme is None else Path(programme))
    except InputError as error:
        faults.extend(error.faults)
        programme = load_programme()
    try:
        if not isinstance(register, Register):
            register = read_register(Path(register), programme.pkr_per_usd)
    except InputError as error:
        faults.extend(error.faults)
    if isinstance(register, Register) and rules is not None and not isinstance(rules, Rules):
        try:
            split, _ = split_markets(chosen, (firm.cluster for firm in register.firms))
            rules = read_rules(Path(rules), register, tuple(market.code for market in split))
        except InputError as error:
            faults.extend(error.faults)
            rules = None
    if isinstance(register, Register) and pairs is not None and not isinstance(pairs, OwnPairs):
        try:
            pairs = read_pairs(Path(pairs), register)
        except InputError as error:
            faults.extend(error.faults)
            pairs = None
    if faults or not isinstance(register, Register):
        raise InputError(faults)
    parsed = rules if isinstance(rules, Rules) else None
    own = pairs if isinstance(pairs, OwnPairs) else None
    return make_case(register, chosen, programme, parsed, register.source, own)
