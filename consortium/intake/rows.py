"""One Pydantic model per row of a register file, its values in the register's own units.

Field names are the file's columns. A blank cell is not passed at all, so it takes the field's
default: missing stays missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationInfo

from consortium.intake import cells, numbers
from consortium.intake.table import Cell
from consortium.market_files import load_clusters
from consortium.register import (
    FEE_MODES,
    PRIORITIES,
    ROLES,
    TIE_KINDS,
    Certificate,
    FeeMode,
    Firm,
    Product,
    Role,
    Tie,
    TieKind,
)


@dataclass(slots=True)
class Reading:
    """What rows need to know of their sheet, and what they report back.

    Attributes
    ----------
    pkr_per_usd : rate at which columns in rupees are converted.
    rupees : columns given in rupees.
    row : number of the row being read.
    rounded : rows in which digits were lost, by column.
    """

    pkr_per_usd: Fraction
    rupees: frozenset[str]
    row: int = 0
    rounded: dict[str, list[int]] = field(default_factory=dict)

    def lost(self, column: str) -> None:
        """Note that digits of this row were lost."""
        self.rounded.setdefault(column, []).append(self.row)


def _reads(parse: Callable[[Cell, str, Reading], Any]) -> PlainValidator:
    """A validator that reads one cell; it gets the column's name and the sheet's ``Reading``."""

    def validate(cell: Any, info: ValidationInfo) -> Any:
        reading = info.context
        assert isinstance(reading, Reading)
        assert info.field_name is not None
        return parse(cells.usable(cell), info.field_name, reading)

    return PlainValidator(validate)


def _text(most: int) -> PlainValidator:
    return _reads(lambda cell, column, reading: cells.text(cell, most))


def _whole(low: int, high: int | None = None) -> PlainValidator:
    return _reads(
        lambda cell, column, reading: numbers.whole(numbers.number(cell, column), low, high)
    )


def _degrees(limit: int) -> PlainValidator:
    return _reads(
        lambda cell, column, reading: numbers.degrees(numbers.number(cell, column), limit)
    )


def _choice(allowed: tuple[str, ...]) -> PlainValidator:
    return _reads(lambda cell, column, reading: cells.choice(cell, allowed))


def _money(cell: Cell, column: str, reading: Reading) -> int:
    rate = reading.pkr_per_usd if column in reading.rupees else None
    cents, lost = numbers.money(numbers.number(cell, column), rate)
    if lost:
        reading.lost(column)
    return cents


def _share(cell: Cell, column: str, reading: Reading) -> int:
    points, lost = numbers.share(numbers.number(cell, column))
    if lost:
        reading.lost(column)
    return points


def _cluster(cell: Cell, column: str, reading: Reading) -> str:
    return cells.choice(cell, tuple(load_clusters()))


_ID = _reads(lambda cell, column, reading: cells.identifier(cell))
_YES_NO = _reads(lambda cell, column, reading: cells.yes_no(cell))
_COUNTRIES = _reads(lambda cell, column, reading: tuple(sorted(cells.countries(cell))))
_MARKETS = _reads(lambda cell, column, reading: cells.countries(cell))
_CERTIFICATES = _reads(lambda cell, column, reading: cells.certificates(cell))
_PRIORITIES = _reads(lambda cell, column, reading: cells.priorities(cell, PRIORITIES))
_NAMES = _reads(lambda cell, column, reading: cells.names(cell))
_HS6 = _reads(lambda cell, column, reading: cells.hs6(cell))
_CENTS = _reads(_money)
_BASIS_POINTS = _reads(_share)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FirmRow(_Row):
    """A row of the firms sheet."""

    firm_id: Annotated[str, _ID]
    name: Annotated[str, _text(200)]
    cluster: Annotated[str, _reads(_cluster)]
    town: Annotated[str, _text(100)]
    employees: Annotated[int, _whole(1)]
    latitude: Annotated[float | None, _degrees(90)] = None
    longitude: Annotated[float | None, _degrees(180)] = None
    role: Annotated[Role | None, _choice(ROLES)] = None
    turnover_usd: Annotated[int | None, _CENTS] = None
    export_sales_usd: Annotated[int | None, _CENTS] = None
    export_years: Annotated[int | None, _whole(0, 200)] = None
    countries: Annotated[tuple[str, ...], _COUNTRIES] = ()
    certificates: Annotated[tuple[Certificate, ...], _CERTIFICATES] = ()
    financial_health: Annotated[int | None, _BASIS_POINTS] = None
    management: Annotated[int | None, _BASIS_POINTS] = None
    max_contribution_usd_per_year: Annotated[int | None, _CENTS] = None
    preferred_fee_mode: Annotated[FeeMode | None, _choice(FEE_MODES)] = None
    hours_per_month: Annotated[int | None, _whole(0, 744)] = None
    priorities: Annotated[tuple[str, ...], _PRIORITIES] = ()
    target_markets: Annotated[tuple[str, ...], _MARKETS] = ()
    women_led: Annotated[bool | None, _YES_NO] = None
    new_exporter: Annotated[bool | None, _YES_NO] = None
    other_memberships: Annotated[tuple[str, ...], _NAMES] = ()

    def firm(self, products: tuple[Product, ...]) -> Firm:
        """The firm, with its products."""
        return Firm(
            firm_id=self.firm_id,
            name=self.name,
            cluster=self.cluster,
            town=self.town,
            employees=self.employees,
            latitude=self.latitude,
            longitude=self.longitude,
            role=self.role,
            turnover_cents=self.turnover_usd,
            export_sales_cents=self.export_sales_usd,
            export_years=self.export_years,
            countries=self.countries,
            certificates=self.certificates,
            financial_health_bp=self.financial_health,
            management_bp=self.management,
            max_contribution_cents=self.max_contribution_usd_per_year,
            preferred_fee_mode=self.preferred_fee_mode,
            hours_per_month=self.hours_per_month,
            priorities=self.priorities,
            target_markets=self.target_markets,
            women_led=self.women_led,
            new_exporter=self.new_exporter,
            other_memberships=self.other_memberships,
            products=products,
        )


class ProductRow(_Row):
    """A row of the products sheet."""

    firm_id: Annotated[str, _ID]
    family: Annotated[str, _text(100)]
    hs6: Annotated[str | None, _HS6] = None
    capacity_units_per_year: Annotated[int | None, _whole(0)] = None
    spare_share: Annotated[int | None, _BASIS_POINTS] = None
    unit_cost_usd: Annotated[int | None, _CENTS] = None
    unit_price_usd: Annotated[int | None, _CENTS] = None
    lead_time_days: Annotated[int | None, _whole(0, 3650)] = None
    reject_rate: Annotated[int | None, _BASIS_POINTS] = None

    def product(self, family: str) -> Product:
        """The product; ``family`` as the cluster spells it."""
        return Product(
            family=family,
            hs6=self.hs6,
            capacity_units_per_year=self.capacity_units_per_year,
            spare_share_bp=self.spare_share,
            unit_cost_cents=self.unit_cost_usd,
            unit_price_cents=self.unit_price_usd,
            lead_time_days=self.lead_time_days,
            reject_rate_bp=self.reject_rate,
        )


class TieRow(_Row):
    """A row of the ties sheet."""

    firm_a: Annotated[str, _ID]
    firm_b: Annotated[str, _ID]
    kind: Annotated[TieKind, _choice(TIE_KINDS)]

    def tie(self) -> Tie:
        """The tie, the lower id first."""
        low, high = sorted((self.firm_a, self.firm_b))
        return Tie(low, high, self.kind)


#: The model of each sheet's rows.
ROW_MODELS: dict[str, type[FirmRow] | type[ProductRow] | type[TieRow]] = {
    "firms": FirmRow,
    "products": ProductRow,
    "ties": TieRow,
}
