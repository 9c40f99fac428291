"""Grouping problems and strategies that solve them: pure mathematics, no domain.

The face is lazy: ``import solver`` loads nothing heavy; each name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solver.api import solve as solve
    from solver.api import strategies as strategies
    from solver.certificate import Certificate as Certificate
    from solver.certificate import ItemPrices as ItemPrices
    from solver.certificate import ProofNode as ProofNode
    from solver.checking import BoundCheck as BoundCheck
    from solver.checking import check_bound as check_bound
    from solver.errors import Fault as Fault
    from solver.errors import InvalidLimits as InvalidLimits
    from solver.errors import InvalidProblem as InvalidProblem
    from solver.errors import ModelTooLarge as ModelTooLarge
    from solver.errors import SolverDisagreement as SolverDisagreement
    from solver.errors import SolverError as SolverError
    from solver.errors import UnknownStrategy as UnknownStrategy
    from solver.events import Event as Event
    from solver.events import EventKind as EventKind
    from solver.events import Observer as Observer
    from solver.explain import Conflict as Conflict
    from solver.explain import explain_infeasible as explain_infeasible
    from solver.grouping import Group as Group
    from solver.grouping import Grouping as Grouping
    from solver.limits import Limits as Limits
    from solver.problem import UNBOUNDED as UNBOUNDED
    from solver.problem import Curve as Curve
    from solver.problem import GroupingProblem as GroupingProblem
    from solver.result import Result as Result
    from solver.result import Status as Status
    from solver.result import TracePoint as TracePoint
    from solver.second_goals import Goal as Goal
    from solver.second_goals import Reached as Reached
    from solver.second_goals import Refined as Refined
    from solver.second_goals import refine as refine
    from solver.verification import Verdict as Verdict
    from solver.verification import Violation as Violation
    from solver.verification import group_value as group_value
    from solver.verification import group_violations as group_violations
    from solver.verification import verify as verify

_HOME = {
    "solve": "api",
    "strategies": "api",
    "Certificate": "certificate",
    "ItemPrices": "certificate",
    "ProofNode": "certificate",
    "BoundCheck": "checking",
    "check_bound": "checking",
    "Fault": "errors",
    "InvalidLimits": "errors",
    "InvalidProblem": "errors",
    "ModelTooLarge": "errors",
    "SolverDisagreement": "errors",
    "SolverError": "errors",
    "UnknownStrategy": "errors",
    "Event": "events",
    "EventKind": "events",
    "Observer": "events",
    "Conflict": "explain",
    "explain_infeasible": "explain",
    "Group": "grouping",
    "Grouping": "grouping",
    "Limits": "limits",
    "UNBOUNDED": "problem",
    "Curve": "problem",
    "GroupingProblem": "problem",
    "Result": "result",
    "Status": "result",
    "TracePoint": "result",
    "Goal": "second_goals",
    "Reached": "second_goals",
    "Refined": "second_goals",
    "refine": "second_goals",
    "Verdict": "verification",
    "Violation": "verification",
    "group_value": "verification",
    "group_violations": "verification",
    "verify": "verification",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"solver.{_HOME[name]}"), name)
    raise AttributeError(f"module 'solver' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
