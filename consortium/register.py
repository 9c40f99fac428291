"""The register: firms, their products and the ties between them; frozen, with units in names.

A missing value is ``None``, never 0. Money is integer US cents, shares are integer basis points
(10,000 = 1), so equal registers have equal bytes and one hash. ``intake`` reads registers from
files; ``FIRM_COLUMNS``, ``PRODUCT_COLUMNS`` and ``TIE_COLUMNS`` describe the file format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

Role = Literal["maker", "vendor", "trader"]
TieKind = Literal["worked_together", "trust", "same_owner", "rival", "veto"]
FeeMode = Literal["export_share", "size_share", "flat", "none"]

ROLES: tuple[Role, ...] = ("maker", "vendor", "trader")
TIE_KINDS: tuple[TieKind, ...] = ("worked_together", "trust", "same_owner", "rival", "veto")
FEE_MODES: tuple[FeeMode, ...] = ("export_share", "size_share", "flat", "none")
#: Certificates the register knows; the markets say which of them they need.
CERTIFICATES: tuple[str, ...] = (
    "ISO 9001",
    "ISO 13485",
    "CE-MDR",
    "FDA",
    "BSCI",
    "WRAP",
    "SEDEX",
    "OEKO-TEX",
    "GOTS",
    "LWG",
    "REACH",
    "IATF 16949",
)
#: What firms may rank as their three priorities (the diagnostic's list).
PRIORITIES: tuple[str, ...] = (
    "new_markets",
    "export_marketing",
    "certification",
    "technology",
    "design",
    "skills",
    "finance",
    "raw_material",
    "productivity",
    "branding",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate a firm holds.

    Attributes
    ----------
    name : one of ``CERTIFICATES``.
    expires : last day it is valid, ``None`` where the register does not say.
    """

    name: str
    expires: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether it is valid on a day; one without a date counts as valid."""
        return self.expires is None or day <= self.expires


@dataclass(frozen=True, slots=True)
class Product:
    """What a firm makes in one product family.

    Attributes
    ----------
    family : product family of the cluster, e.g. "general".
    hs6 : six digits of the Harmonised System, or ``None``.
    capacity_units_per_year : pieces (or pairs) the firm can make a year, or ``None``.
    spare_share_bp : part of it free for a consortium, basis points, or ``None``.
    unit_cost_cents, unit_price_cents : per piece, US cents, or ``None``.
    lead_time_days : from order to dispatch, or ``None``.
    reject_rate_bp : rejected share of output, basis points, or ``None``.
    """

    family: str
    hs6: str | None = None
    capacity_units_per_year: int | None = None
    spare_share_bp: int | None = None
    unit_cost_cents: int | None = None
    unit_price_cents: int | None = None
    lead_time_days: int | None = None
    reject_rate_bp: int | None = None


@dataclass(frozen=True, slots=True)
class Firm:
    """One firm of the register.

    Attributes
    ----------
    firm_id, name, cluster, town, employees : required of every register.
    latitude, longitude : degrees, both or neither.
    role : maker, vendor or trader; only makers join a consortium.
    turnover_cents, export_sales_cents : a year, US cents.
    export_years : years in which the firm has exported.
    countries : ISO 3166 alpha-3 codes of countries exported to, ascending.
    certificates : held, ascending by name.
    financial_health_bp, management_bp : scores, basis points.
    max_contribution_cents : most the firm will pay towards a consortium in a year, US cents.
    preferred_fee_mode : how it would share costs.
    hours_per_month : time its owner or staff can give.
    priorities : up to three, most important first.
    target_markets : ISO alpha-3 codes the firm names, in its order of preference.
    women_led, new_exporter : yes, no, or not known.
    other_memberships : names of consortia or groups it is in already.
    products : one per family, ascending by family.
    """

    firm_id: str
    name: str
    cluster: str
    town: str
    employees: int
    latitude: float | None = None
    longitude: float | None = None
    role: Role | None = None
    turnover_cents: int | None = None
    export_sales_cents: int | None = None
    export_years: int | None = None
    countries: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    financial_health_bp: int | None = None
    management_bp: int | None = None
    max_contribution_cents: int | None = None
    preferred_fee_mode: FeeMode | None = None
    hours_per_month: int | None = None
    priorities: tuple[str, ...] = ()
    target_markets: tuple[str, ...] = ()
    women_led: bool | None = None
    new_exporter: bool | None = None
    other_memberships: tuple[str, ...] = ()
    products: tuple[Product, ...] = ()

    def product(self, family: str) -> Product | None:
        """The firm's product of a family, or ``None``."""
        return next((p for p in self.products if p.family == family), None)


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie between two firms, ``firm_a`` < ``firm_b``."""

    firm_a: str
    firm_b: str
    kind: TieKind


@dataclass(frozen=True, repr=False)
class Register:
    """A whole register, in canonical order.

    Attributes
    ----------
    firms : ascending by ``firm_id``, ids unique.
    ties : ascending, unique; both firms are in ``firms``.
    source : name of the file it came from, for messages; not part of the hash.
    conversions : what intake changed while reading (a currency, a rounding), one sentence each;
        not part of the hash.
    """

    firms: tuple[Firm, ...]
    ties: tuple[Tie, ...] = ()
    source: str = "register"
    conversions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Register({len(self.firms)} firms, {len(self.ties)} ties, {self.source!r})"

    @cached_property
    def by_id(self) -> dict[str, Firm]:
        """Firms by ``firm_id``."""
        return {firm.firm_id: firm for firm in self.firms}

    @cached_property
    def ties_between(self) -> dict[tuple[str, str], frozenset[TieKind]]:
        """Kinds of tie by pair of ids, first id below the second."""
        found: dict[tuple[str, str], set[TieKind]] = {}
        for tie in self.ties:
            found.setdefault((tie.firm_a, tie.firm_b), set()).add(tie.kind)
        return {pair: frozenset(kinds) for pair, kinds in found.items()}

    def without(self, *firm_ids: str) -> Register:
        """This register after some firms have left it, with their ties.

        Raises
        ------
        KeyError
            If a firm is not of the register.
        """
        unknown = sorted(set(firm_ids) - self.by_id.keys())
        if unknown:
            raise KeyError(", ".join(unknown))
        gone = set(firm_ids)
        return Register(
            tuple(firm for firm in self.firms if firm.firm_id not in gone),
            tuple(tie for tie in self.ties if not gone.intersection((tie.firm_a, tie.firm_b))),
            self.source,
            self.conversions,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the content (not of the file's bytes)."""
        content = {
            "firms": [asdict(firm) for firm in self.firms],
            "ties": [asdict(tie) for tie in self.ties],
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()


def make_register(
    firms: Iterable[Firm],
    ties: Iterable[Tie] = (),
    source: str = "register",
    conversions: Iterable[str] = (),
) -> Register:
    """A register in canonical order (firms and ties sorted, ties oriented and unique)."""
    oriented = {Tie(min(t.firm_a, t.firm_b), max(t.firm_a, t.firm_b), t.kind) for t in ties}
    return Register(
        tuple(sorted(firms, key=lambda firm: firm.firm_id)),
        tuple(sorted(oriented, key=lambda t: (t.firm_a, t.firm_b, t.kind))),
        source,
        tuple(conversions),
    )


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"cannot hash a {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a register file.

    Attributes
    ----------
    name : header in the file.
    meaning : one sentence, with the unit.
    allowed : allowed values, as a reader would say it.
    required : whether every row must have it.
    """

    name: str
    meaning: str
    allowed: str
    required: bool = False


_LIST = "separated by ;"
_MONEY = "0 or more, two decimals; or the same column ending _pkr instead of _usd"

FIRM_COLUMNS: tuple[Column, ...] = (
    Column("firm_id", "Unique code of the firm", "text up to 40 characters", True),
    Column("name", "Name of the firm", "text up to 200 characters", True),
    Column("cluster", "Cluster the firm belongs to", "e.g. surgical-sialkot", True),
    Column("town", "Town or area", "text up to 100 characters", True),
    Column("employees", "People employed", "whole number, 1 or more", True),
    Column("latitude", "Degrees north", "-90 to 90, with longitude or not at all"),
    Column("longitude", "Degrees east", "-180 to 180, with latitude or not at all"),
    Column("role", "What the firm does", "maker, vendor or trader"),
    Column("turnover_usd", "Turnover a year, US dollars", _MONEY),
    Column("export_sales_usd", "Export sales a year, US dollars", _MONEY),
    Column("export_years", "Years in which it exported", "whole number, 0 to 200"),
    Column("countries", "Countries it exports to", f"three-letter codes {_LIST}"),
    Column(
        "certificates",
        "Certificates held, each with its last valid day if known",
        f"{', '.join(CERTIFICATES)} {_LIST}; e.g. ISO 13485:2027-06-30",
    ),
    Column("financial_health", "Financial health score", "0 to 1"),
    Column("management", "Management score", "0 to 1"),
    Column(
        "max_contribution_usd_per_year", "Most it would pay a consortium a year, US dollars", _MONEY
    ),
    Column("preferred_fee_mode", "How it would share costs", ", ".join(FEE_MODES)),
    Column("hours_per_month", "Hours a month it can give", "whole number, 0 to 744"),
    Column("priorities", "Up to three, first matters most", f"{', '.join(PRIORITIES)} {_LIST}"),
    Column("target_markets", "Markets it wants, first matters most", f"three-letter codes {_LIST}"),
    Column("women_led", "Led by a woman", "yes or no"),
    Column("new_exporter", "Has never exported, or began this year", "yes or no"),
    Column("other_memberships", "Consortia it is in already", f"names {_LIST}"),
)

PRODUCT_COLUMNS: tuple[Column, ...] = (
    Column("firm_id", "Code of the firm", "a firm_id of the firms sheet", True),
    Column("family", "Product family", "a family of the firm's cluster", True),
    Column("hs6", "Harmonised System code", "six digits"),
    Column("capacity_units_per_year", "Pieces or pairs it can make a year", "whole number, 0 up"),
    Column("spare_share", "Part of capacity free for a consortium", "0 to 1"),
    Column("unit_cost_usd", "Cost of one piece, US dollars", _MONEY),
    Column("unit_price_usd", "Price of one piece, US dollars", _MONEY),
    Column("lead_time_days", "Days from order to dispatch", "whole number, 0 to 3650"),
    Column("reject_rate", "Rejected share of output", "0 to 1"),
)

TIE_COLUMNS: tuple[Column, ...] = (
    Column("firm_a", "One firm", "a firm_id of the firms sheet", True),
    Column("firm_b", "The other firm", "a firm_id of the firms sheet", True),
    Column("kind", "What ties them", ", ".join(TIE_KINDS), True),
)

#: Columns by sheet.
SHEETS: dict[str, tuple[Column, ...]] = {
    "firms": FIRM_COLUMNS,
    "products": PRODUCT_COLUMNS,
    "ties": TIE_COLUMNS,
}
