"""Which small manufacturers should export together: cases, graphs, proposals and checks.

The face is lazy: ``import consortium`` loads nothing heavy; each name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consortium.case import Case, load_case, make_case
    from consortium.checking import Verdict, check
    from consortium.compatibility import compatibility_graph
    from consortium.errors import ConsortiumError, InputError, InputFault, NoPlan, OutputError
    from consortium.intake import read_register
    from consortium.market import Market, load_markets, read_market
    from consortium.plan import Plan
    from consortium.planner import propose
    from consortium.programme import Programme, load_programme
    from consortium.register import Firm, Product, Register, Tie, make_register
    from consortium.rules import Rules, read_rules
    from consortium.sample import sample_register

__version__ = "0.1.0"

_HOME = {
    "Case": "case",
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
    "read_register": "intake",
    "Market": "market",
    "load_markets": "market",
    "read_market": "market",
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
