"""Plan: consortia, firms left out and assumptions, as canonical JSON (``consortium.plan/1``).

The same inputs, seed and work give the same bytes: keys are sorted, money is integer US cents, and
nothing that depends on the clock is inside. The models are strict, so a plan edited by hand is
either read exactly as written or refused with the place of the fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consortium.errors import InputError, InputFault

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Literal["consortium.plan/1"] = "consortium.plan/1"
StopReason = Literal["optimal", "gap", "seconds", "work", "observer", "interrupt", "exhausted"]
_MAX_BYTES = 200_000_000


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class CreatedWith(_Row):
    """Software that made the plan."""

    package: str
    version: str
    python: str
    ortools: str
    numpy: str | None = None


class GraphSize(_Row):
    """Compatible pairs before and after sparsifying, for one market and mode."""

    market: str
    mode: str
    firms: int
    rule_edges: int
    kept_edges: int
    threshold_bp: int
    sparsified: bool


class GraphInput(_Row):
    """Compatible pairs in all: ``bound_cents`` holds for the kept edges."""

    rule_edges: int
    kept_edges: int
    threshold_bp: int
    sparsified: bool
    parts: tuple[GraphSize, ...]


class Inputs(_Row):
    """Hashes of what the plan was made from."""

    register_sha256: str
    programme_sha256: str
    rules_sha256: str
    markets: dict[str, str]
    market_origins: dict[str, str]
    plans_sha256: str
    graph: GraphInput
    pairs_sha256: str | None = None
    pairs_origin: str | None = None


class PlanLimits(_Row):
    """Limits of the solve."""

    seconds: float | None
    work: int | None
    gap: float
    seed: int
    workers: int
    strategy: str


class PlanTerm(_Row):
    """A named part of a consortium's worth."""

    name: str
    cents: int


class PlanFee(_Row):
    """What a member pays in a launch year."""

    firm: str
    year: int
    cents: int


class PlanRetention(_Row):
    """How likely members are to stay; reported, never part of the worth."""

    leaving_bp_per_year: dict[str, int]
    expected_members_after_two_years_bp: int
    chance_at_least_min_after_two_years_bp: int


class MemberReason(_Row):
    """Why one member is in: what it brings, and what its leaving would cost."""

    firm: str
    brings: str
    without_it: str


class PlanConsortium(_Row):
    """One proposed consortium."""

    id: str
    market: str
    marketing_plan: str
    mode: str
    members: tuple[str, ...]
    worth_cents: int
    terms: tuple[PlanTerm, ...]
    standalone_cents: dict[str, int]
    surplus_cents: int
    surplus_without_subsidy_cents: int
    lives_on_subsidy: bool
    families: tuple[str, ...]
    capacity: dict[str, int]
    certificates: dict[str, tuple[str, ...]]
    to_obtain: dict[str, tuple[str, ...]]
    cohesion_bp: int
    cost_by_year_cents: tuple[int, ...]
    subsidy_by_year_cents: tuple[int, ...]
    sales_margin_by_year_cents: tuple[int, ...]
    self_financing_year: int | None
    fees: tuple[PlanFee, ...]
    retention: PlanRetention
    reasons: tuple[str, ...]
    member_reasons: tuple[MemberReason, ...]


class LeftOut(_Row):
    """A firm in no consortium, and why."""

    firm: str
    code: str
    reason: str


class TurningPoint(_Row):
    """The change of one fact that would make a consortium form, seen on both sides.

    ``forms_at`` and ``does_not_form_at`` are neighbouring values; each was solved, to a proof.
    """

    fact: str
    label: str
    value: str
    does_not_form_at: str
    forms_at: str
    change_percent: int
    proved: bool


class DoNotForm(_Row):
    """A market in which no consortium should form."""

    market: str
    reason: str
    turning_point: TurningPoint | None
    other_turning_points: tuple[TurningPoint, ...]
    tried: tuple[str, ...]


class SecondGoal(_Row):
    """One second goal: what the plan reaches, and the plan of most surplus before it.

    ``at_most`` bounds every plan within what may be given up that serves the goals before it as
    well; ``None`` where that is not known.
    """

    goal: str
    label: str
    before: int
    value: int
    at_most: int | None


class SecondGoals(_Row):
    """Second goals in their order, and their price: the surplus given up for all of them."""

    give_up_ppm: int
    most_surplus_cents: int
    given_up_cents: int
    goals: tuple[SecondGoal, ...]


class DecidingFact(_Row):
    """A figure that moves a consortium's surplus: at both ends of its range, the others as used."""

    fact: str
    unit: str
    low: str
    value: str
    high: str
    surplus_at_low_cents: int
    surplus_at_high_cents: int


class ConsortiumDraws(_Row):
    """What became of one consortium in the draws.

    ``positive`` counts draws with a surplus above 0, ``can_pay`` those in which the members can
    carry the launch years. So many percent of the draws do not exceed ``surplus_p10_cents`` etc.
    """

    consortium: str
    positive: int
    can_pay: int
    surplus_p10_cents: int
    surplus_p50_cents: int
    surplus_p90_cents: int
    deciding: tuple[DecidingFact, ...]


class Draws(_Row):
    """Estimates redrawn within their ranges (``consortium.draws``)."""

    draws: int
    seed: int
    num_facts: int
    consortia: tuple[ConsortiumDraws, ...]


class Assumption(_Row):
    """A figure the plan assumes; firm inputs that were missing are among them."""

    field: str
    value: str
    grade: Literal["sourced", "estimate", "recalled", "missing"]
    source: str


class Plan(_Row):
    """A proposal: see the module docstring. Money is integer US cents."""

    schema_: Literal["consortium.plan/1"] = Field(alias="schema")
    created_with: CreatedWith
    inputs: Inputs
    limits: PlanLimits
    status: Literal["OPTIMAL", "FEASIBLE"]
    stopped_by: StopReason
    objective_cents: int
    bound_cents: int | None
    gap_ppm: int | None
    consortia: tuple[PlanConsortium, ...]
    left_out: tuple[LeftOut, ...]
    do_not_form: tuple[DoNotForm, ...]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    second_goals: SecondGoals | None = None
    draws: Draws | None = None

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, UTF-8, one newline at the end."""
        content = self.model_dump(by_alias=True, mode="json")
        return json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from consortium.files import write_atomically

        write_atomically(Path(path), self.to_json().encode())

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan.

        Raises
        ------
        InputError
            If it is not a plan; every fault with its place in the file.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError([InputFault(path.name, "is too large for a plan")])
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise InputError([InputFault(path.name, f"cannot be read: {error.strerror}")]) from None
        except UnicodeDecodeError:
            raise InputError([InputFault(path.name, "is not UTF-8 text, so no plan")]) from None
        return cls.from_json(text, path.name)

    @classmethod
    def from_json(cls, text: str, source: str = "plan") -> Plan:
        """Parse a plan; faults as in ``load``."""
        try:
            content = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
            # Strict models read JSON arrays as tuples only in JSON mode.
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            faults = [
                InputFault(
                    source,
                    f"{fault['msg']} (is this a plan written by consortium propose?)",
                    column=".".join(str(part) for part in fault["loc"]) or None,
                    value=str(fault.get("input"))[:80],
                )
                for fault in error.errors()
            ]
            raise InputError(faults) from None
        except (ValueError, RecursionError) as error:
            raise InputError([InputFault(source, f"is not valid JSON: {error}")]) from None

    def to_frame(self) -> pd.DataFrame:
        """One row a member: consortium, market, plan, firm, stand-alone worth, launch-year fees.

        ``surplus_cents`` is the consortium's, the same in every member's row. Other tables of a
        plan are in ``consortium.frames``.
        """
        import pandas as pd

        rows = []
        for group in self.consortia:
            for firm in group.members:
                fees = {
                    f"fee_year_{fee.year}_cents": fee.cents
                    for fee in group.fees
                    if fee.firm == firm
                }
                rows.append(
                    {
                        "consortium": group.id,
                        "market": group.market,
                        "marketing_plan": group.marketing_plan,
                        "mode": group.mode,
                        "firm": firm,
                        "standalone_cents": group.standalone_cents[firm],
                        "surplus_cents": group.surplus_cents,
                        **fees,
                    }
                )
        columns = ["consortium", "market", "marketing_plan", "mode", "firm"]
        columns += ["standalone_cents", "surplus_cents"]
        return pd.DataFrame(rows, columns=None if rows else columns)


def gives_up(told: SecondGoals | None) -> bool:
    """Whether a plan gives up surplus for its second goals."""
    return told is not None and told.given_up_cents > 0


def gap_ppm(objective: int, bound: int | None) -> int | None:
    """Gap in parts per million of max(|bound|, |objective|, 1), rounded up; ``None`` unknown."""
    if bound is None:
        return None
    return -((objective - bound) * 1_000_000 // max(abs(bound), abs(objective), 1))


def _unique_keys(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Refuse a JSON object that names a key twice: which one holds would be a guess."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise ValueError(f"the key {key!r} stands twice in one object")
        out[key] = value
    return out


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number of a plan")
