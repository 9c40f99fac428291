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
    from consortium.documents.picture import groups_png as groups_png
    from consortium.documents.workbook import save_workbook as save_workbook
    from consortium.errors import ConsortiumError as ConsortiumError
    from consortium.errors import InputError as InputError
    from consortium.errors import InputFault as InputFault
    from consortium.errors import NoPlan as NoPlan
    from consortium.errors import OutputError as OutputError
    from consortium.fact_changes import facts_of as facts_of
    from consortium.fact_changes import with_facts as with_facts
    from consortium.facts import Fact as Fact
    from consortium.formulation import formulate as formulate
    from consortium.frames import assumptions_frame as assumptions_frame
    from consortium.frames import consortia_frame as consortia_frame
    from consortium.frames import deciding_facts_frame as deciding_facts_frame
    from consortium.frames import do_not_form_frame as do_not_form_frame
    from consortium.frames import draws_frame as draws_frame
    from consortium.frames import facts_frame as facts_frame
    from consortium.frames import fees_frame as fees_frame
    from consortium.frames import firms_frame as firms_frame
    from consortium.frames import in_usd as in_usd
    from consortium.frames import left_out_frame as left_out_frame
    from consortium.frames import member_reasons_frame as member_reasons_frame
    from consortium.frames import pairs_frame as pairs_frame
    from consortium.frames import products_frame as products_frame
    from consortium.frames import second_goals_frame as second_goals_frame
    from consortium.frames import terms_frame as terms_frame
    from consortium.frames import ties_frame as ties_frame
    from consortium.frames import years_frame as years_frame
    from consortium.graph_figures import GraphReport as GraphReport
    from consortium.graph_figures import graph_report as graph_report
    from consortium.intake import read_register as read_register
    from consortium.market import Market as Market
    from consortium.market_files import load_markets as load_markets
    from consortium.market_files import read_market as read_market
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
    from consortium.rules import Pin as Pin
    from consortium.rules import Rules as Rules
    from consortium.rules import read_rules as read_rules
    from consortium.sample import demo_register_path as demo_register_path
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
    "groups_png": "documents.picture",
    "save_workbook": "documents.workbook",
    "ConsortiumError": "errors",
    "InputError": "errors",
    "InputFault": "errors",
    "NoPlan": "errors",
    "OutputError": "errors",
    "facts_of": "fact_changes",
    "with_facts": "fact_changes",
    "Fact": "facts",
    "formulate": "formulation",
    "assumptions_frame": "frames",
    "consortia_frame": "frames",
    "deciding_facts_frame": "frames",
    "do_not_form_frame": "frames",
    "draws_frame": "frames",
    "facts_frame": "frames",
    "fees_frame": "frames",
    "firms_frame": "frames",
    "in_usd": "frames",
    "left_out_frame": "frames",
    "member_reasons_frame": "frames",
    "pairs_frame": "frames",
    "products_frame": "frames",
    "second_goals_frame": "frames",
    "terms_frame": "frames",
    "ties_frame": "frames",
    "years_frame": "frames",
    "GraphReport": "graph_figures",
    "graph_report": "graph_figures",
    "read_register": "intake",
    "Market": "market",
    "load_markets": "market_files",
    "read_market": "market_files",
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
    "Pin": "rules",
    "Rules": "rules",
    "read_rules": "rules",
    "demo_register_path": "sample",
    "sample_register": "sample",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"consortium.{_HOME[name]}"), name)
    raise AttributeError(f"module 'consortium' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
