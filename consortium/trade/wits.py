"""Downloads of WITS (World Bank): trade from UN Comtrade, and tariffs from UNCTAD TRAINS.

**Trade**: "Reporter,TradeFlow,ProductCode,Product Description,Year,Partner,Trade Value
1000USD,Quantity,Quantity Unit", as users' data dictionaries list it; values in thousands of US
dollars, countries by their English names.

**Tariffs**: the columns are described in the online help of WITS, "Advanced Query: Tariffs, Result"
(wits.worldbank.org/wits/wits/witshelp): reporter and partner (codes, with names beside them),
tariff year, trade year, trade source, product, duty type, and simple and weighted averages, least
and greatest rates "in percentage points". ``DutyType`` is MFN (applied to all members of the WTO),
PRF (preferential), AHS (effectively applied: the lower of the two) or BND (bound, a ceiling that
nobody need pay). The simple average of an HS6 code is that of its national lines. Partner 000 or
WLD is the world, for which AHS and PRF are averages over partners. Versions differ in the spelling
of headers: "DutyType" and "Duty Type", "Imports Value in 1000 USD" and "Imports in 1000 USD".
Countries are UN numbers in today's files and alpha-3 codes in older ones; members of the European
Union are filed under it (918, EUN).
"""

from __future__ import annotations

from consortium.trade.flat import FlatLayout

_THOUSAND = (
    "tradevalue1000usd",
    "tradevaluein1000usd",
    "tradevalueinusd1000",
    "tradevalueusd1000",
    "tradevalue1000us",
    "tradevaluein1000us",
    "tradevalueusthousand",
    "tradevalueusdthousand",
    "tradevalueinthousandusd",
)
_DOLLARS = ("tradevalueusd", "tradevalueinusd", "tradevalueus")

TRADE = FlatLayout(
    name="a WITS trade download",
    database="WITS",
    signature=("product", "flow_name", "reporter_name|reporter_iso"),
    columns={
        "reporter_name": ("reporter", "reportername"),
        "reporter_iso": ("reporteriso3", "reporteriso", "reportercode"),
        "flow_name": ("tradeflow", "tradeflowname"),
        "product": ("productcode",),
        "year": ("year", "tradeyear"),
        "partner_name": ("partner", "partnername"),
        "partner_iso": ("partneriso3", "partneriso", "partnercode"),
        "classification": ("nomenclature", "nomen"),
        "value": (*_THOUSAND, *_DOLLARS),
    },
    needed={
        "reporter_name|reporter_iso": "Reporter",
        "flow_name": "TradeFlow",
        "product": "ProductCode",
        "year": "Year",
        "partner_name|partner_iso": "Partner",
        "value": "Trade Value 1000USD",
    },
    usd={**dict.fromkeys(_THOUSAND, 1000), **dict.fromkeys(_DOLLARS, 1)},
)

TARIFFS = FlatLayout(
    name="a WITS tariff download",
    database="WITS (TRAINS)",
    signature=("duty_type", "product"),
    columns={
        "reporter_name": ("reportername",),
        "reporter_code": ("reporter", "reportercode", "reporteriso3"),
        "product": ("product", "productcode"),
        "partner_name": ("partnername",),
        "partner_code": ("partner", "partnercode", "partneriso3"),
        "year": ("tariffyear", "year"),
        "duty_type": ("dutytype", "dutycode"),
        "rate": ("simpleaverage", "simpleaveragerate"),
        "lowest": ("minimumrate", "minrate"),
        "highest": ("maximumrate", "maxrate"),
    },
    needed={
        "reporter_name|reporter_code": "Reporter",
        "product": "Product",
        "partner_name|partner_code": "Partner",
        "year": "Tariff Year",
        "duty_type": "DutyType",
        "rate": "Simple Average",
    },
    is_tariff=True,
)
