"""Hashes of a plan's inputs, and the software it is made with."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import chain

from consortium.case import Case
from consortium.compatibility import CompatiblePairs
from consortium.market import facts_sha256
from consortium.plan import CreatedWith, GraphInput, GraphSize, Inputs


def created_with() -> CreatedWith:
    """Package, Python and solver versions of this process."""
    from consortium import __version__

    return CreatedWith(
        package="export-consortium",
        version=__version__,
        python=platform.python_version(),
        ortools=_version("ortools"),
        numpy=_version("numpy"),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def input_hashes(case: Case, graphs: Mapping[tuple[str, str], CompatiblePairs]) -> Inputs:
    """Hashes of register, programme, rules, markets, plans; sizes of the graphs."""
    parts = tuple(
        GraphSize(
            market=market,
            mode=mode,
            firms=len(graph.firm_ids),
            rule_edges=graph.rule_edges,
            kept_edges=graph.kept_edges,
            threshold_bp=graph.threshold_bp,
            sparsified=graph.sparsified,
        )
        for (market, mode), graph in sorted(graphs.items())
    )
    plan_facts = chain.from_iterable(plan.facts() for plan in case.plans)
    certificate_facts = chain.from_iterable(c.facts() for c in case.certificates.values())
    return Inputs(
        register_sha256=case.register.sha256,
        programme_sha256=case.programme.sha256,
        rules_sha256=case.rules.sha256,
        markets={market.code: market.sha256_for(case.cluster.key) for market in case.markets},
        market_origins={market.code: market.origin for market in case.markets},
        plans_sha256=facts_sha256({}, chain(plan_facts, certificate_facts)),
        graph=GraphInput(
            rule_edges=sum(part.rule_edges for part in parts),
            kept_edges=sum(part.kept_edges for part in parts),
            threshold_bp=parts[0].threshold_bp if parts else 0,
            sparsified=any(part.sparsified for part in parts),
            parts=parts,
        ),
        pairs_sha256=None if case.own_pairs is None else case.own_pairs.sha256,
        pairs_origin=None if case.own_pairs is None else case.own_pairs.origin,
    )
