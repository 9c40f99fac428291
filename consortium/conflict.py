"""A set of rules that cannot hold together, in the words of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consortium.formulation import Formulation
from consortium.wording import usd

if TYPE_CHECKING:
    from solver.explain import Conflict, Rule


def conflict_sentences(formulation: Formulation, conflict: Conflict) -> tuple[str, ...]:
    """One sentence per rule, in the conflict's order, without repeats."""
    return tuple(dict.fromkeys(_sentence(formulation, rule) for rule in conflict.rules))


def obvious_conflicts(formulation: Formulation) -> tuple[str, ...]:
    """Firms that must join although none can: each is a contradiction by itself."""
    forced = sorted(formulation.case.rules.must_join)
    found = ((firm, _because(formulation, firm)) for firm in forced)
    return tuple(f"{firm} must join a consortium{why}" for firm, why in found if why)


def _sentence(formulation: Formulation, rule: Rule) -> str:
    firms, case, problem = formulation.firm_ids, formulation.case, formulation.problem
    name, at = rule.name, rule.index or ()
    if name == "must_join" and at:
        firm = firms[at[0]]
        return f"{firm} must join a consortium{_because(formulation, firm)}"
    if name == "eligible" and at:
        firm = firms[at[-1]]
        return f"{firm} may only join where it is eligible{_because(formulation, firm)}"
    if name in ("together", "apart") and at:
        items = (problem.together if name == "together" else problem.apart)[at[0]]
        return f"{', '.join(firms[i] for i in items)} stay {name}"
    if name == "pinned" and at:
        pin = problem.pinned[at[0]]
        members = ", ".join(firms[i] for i in pin.members)
        return f"the fixed consortium {members} ({formulation.kinds[pin.kind].label}) stays"
    if name == "shared_limit" and at:
        return f"{formulation.limit_names[at[0]]}: at most {int(problem.shared_limit[at[0]]):,}"
    if name in ("resource_min", "resource_max") and len(at) == 2:
        bound = problem.resource_min[at] if name == "resource_min" else problem.resource_max[at]
        side = "at least" if name == "resource_min" else "at most"
        label, what = formulation.kinds[at[0]].label, formulation.resource_names[at[1]]
        amount = usd(int(bound)) if what.startswith("payable") else f"{int(bound):,}"
        return f"a consortium ({label}) has {side} {amount} {what}"
    if name in ("min_size", "max_size"):
        return f"a consortium has {case.size_min} to {case.size_max} members"
    if name in ("min_groups", "max_groups") and at:
        bound = problem.min_groups[at[0]] if name == "min_groups" else problem.max_groups[at[0]]
        side = "at least" if name == "min_groups" else "at most"
        return f"{side} {int(bound)} consortia of kind {formulation.kinds[at[0]].label}"
    if name.startswith(("pair", "absent")):
        if case.own_pairs is not None:
            return f"only pairs of {case.own_pairs.origin} go together (less vetoes and owners)"
        return "only compatible firms go together (score, vetoes, owners, sales channel)"
    return rule.text


def _because(formulation: Formulation, firm: str) -> str:
    """Why a firm cannot join anywhere, where that is known; in brackets."""
    shut = [formulation.shut_out.get((firm, m.code)) for m in formulation.case.markets]
    if shut and all(why is not None for why in shut) and shut[0] is not None:
        return f" ({shut[0].reason.rstrip('.')})"
    return ""
