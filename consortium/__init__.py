"""Which small manufacturers should export together: cases, graphs, proposals and checks.

The face is lazy: ``import consortium`` loads nothing heavy; each name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consortium.case import Case as Case
    from consortium.case import Kind as Kind
    from consortium.case import load_case as load_case
    from consortium.case import make_case as make_case
    from consortium.checking import Verdict as Verdict
    from consortium.checking import check as check
    from consortium.compatibility import compatibility_graph as compatibility_graph
    from consortium.errors import ConsortiumError as ConsortiumError
    from consortium.errors import InputError as InputError
    from consortium.errors import InputFault as InputFault
    from consortium.errors import NoPlan as NoPlan
    from consortium.errors import OutputError as OutputError
    from consortium.graph_figures import GraphReport as GraphReport
    from consortium.graph_figures import graph_report as graph_report
    from consortium.intake import read_register as read_register
    from consortium.market import Market as Market
    from consortium.market import load_markets as load_markets
    from consortium.market import read_market as read_market
    from consortium.next_firm import NextFirms as NextFirms
    from consortium.next_firm import best_next_firms as best_next_firms
    from consortium.own_pairs import OwnPairs as OwnPairs
    from consortium.own_pairs import pairs_of_function as pairs_of_function
    from consortium.own_pairs import pairs_of_graph as pairs_of_graph
    from consortium.own_pairs import read_pairs as read_pairs
    from consortium.plan import Plan as Plan
    from consortium.planner import propose as propose
    from consortium.programme import Programme as Programme
    from consortium.programme import load_programme as load_programme
    from consortium.register import Firm as Firm
    from consortium.register import Product as Product
    from consortium.register import Register as Register
    from consortium.register import Tie as Tie
    from consortium.register import make_register as make_register
    from consortium.rules import Rules as Rules
    from consortium.rules import read_rules as read_rules
    from consortium.sample import sample_register as sample_register

__version__ = "0.1.0"

_HOME = {
    "Case": "case",
    "Kind": "case",
    "load_case": "case",
    "make_case": "case",
    "Verdict": "checking",
    "check": "checking",
    "compatibility_graph": "compatibility",
    "ConsortiumError": "errors",
    "InputError": "errors",
    "InputFault": "errors",
    "NoPlan": "errors",
    "OutputError": "errors",
    "GraphReport": "graph_figures",
    "graph_report": "graph_figures",
    "read_register": "intake",
    "Market": "market",
    "load_markets": "market",
    "read_market": "market",
    "NextFirms": "next_firm",
    "best_next_firms": "next_firm",
    "OwnPairs": "own_pairs",
    "pairs_of_function": "own_pairs",
    "pairs_of_graph": "own_pairs",
    "read_pairs": "own_pairs",
    "Plan": "plan",
    "propose": "planner",
    "Programme": "programme",
    "load_programme": "programme",
    "Firm": "register",
    "Product": "register",
    "Register": "register",
    "Tie": "register",
    "make_register": "register",
    "Rules": "rules",
    "read_rules": "rules",
    "sample_register": "sample",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"consortium.{_HOME[name]}"), name)
    raise AttributeError(f"module 'consortium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
