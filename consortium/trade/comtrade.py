"""Downloads of UN Comtrade (United Nations Statistics Division); values in US dollars.

**Today's** (comtradeplus.un.org, and the API's CSV): one row a figure, 47 columns from ``TypeCode``
to ``IsAggregate``. The header is listed in full by users of the download, in lower camel case
("typeCode,freqCode,refPeriodId,...,primaryValue,legacyEstimationFlag,isReported,isAggregate") as in
the API's; the file on disk has capitals. Rows end with one comma more than the header, so a reader
that takes the first column as an index shifts all. For one reporter, partner, product and year
there may be many rows, of customs procedures (``CustomsCode``, total "C00"), modes of transport
(``MotCode``, total 0), modes of supply (``MosCode``, total 0) and second partners
(``Partner2Code``, total 0): only the row of all totals is the figure. Imports are ``FlowCode`` "M";
"RM", "X" and "RX" are re-imports, exports and re-exports. The world is ``PartnerISO`` "W00".

**Older** (comtrade.un.org until 2022): "Classification,Year,Period,Period Desc.,Aggregate
Level,Is Leaf Code,Trade Flow Code,Trade Flow,Reporter Code,Reporter,Reporter ISO,Partner Code,
Partner,Partner ISO,[2nd Partner ...,Customs ...,Mode of Transport ...,]Commodity Code,Commodity,Qty
Unit Code,...,Trade Value (US$),[...,]Flag"; trade flows 1 imports, 2 exports, 3 re-exports,
4 re-imports ("UN Comtrade Reference Tables", comtrade.un.org/kb).
"""

from __future__ import annotations

from consortium.trade.flat import FlatLayout

_TOTALS = {
    "partner2": "second partner",
    "customs": "customs procedure",
    "transport": "mode of transport",
    "supply": "mode of supply",
}
_NEEDED = {
    "year": "RefYear",
    "reporter_iso|reporter_code|reporter_name": "ReporterISO",
    "flow_code|flow_name": "FlowCode",
    "partner_iso|partner_code|partner_name": "PartnerISO",
    "product": "CmdCode",
    "value": "PrimaryValue",
}

TODAY = FlatLayout(
    name="a UN Comtrade download",
    database="UN Comtrade",
    signature=("product", "flow_code|flow_name", "reporter_iso|reporter_code|reporter_name"),
    columns={
        "frequency": ("freqcode",),
        "year": ("refyear",),
        "period": ("period",),
        "reporter_code": ("reportercode",),
        "reporter_iso": ("reporteriso",),
        "reporter_name": ("reporterdesc",),
        "flow_name": ("flowdesc",),
        "flow_code": ("flowcode",),
        "partner_code": ("partnercode",),
        "partner_iso": ("partneriso",),
        "partner_name": ("partnerdesc",),
        "partner2": ("partner2code",),
        "classification": ("classificationcode",),
        "product": ("cmdcode",),
        "customs": ("customscode",),
        "supply": ("moscode",),
        "transport": ("motcode",),
        "value": ("primaryvalue",),
    },
    needed=_NEEDED,
    totals=_TOTALS,
    usd={"primaryvalue": 1},
)

OLDER = FlatLayout(
    name="an older UN Comtrade download",
    database="UN Comtrade",
    signature=("product", "flow_code|flow_name", "reporter_iso|reporter_code|reporter_name"),
    columns={
        "year": ("year",),
        "period": ("period",),
        "reporter_code": ("reportercode",),
        "reporter_iso": ("reporteriso",),
        "reporter_name": ("reporter",),
        "flow_code": ("tradeflowcode",),
        "flow_name": ("tradeflow",),
        "partner_code": ("partnercode",),
        "partner_iso": ("partneriso",),
        "partner_name": ("partner",),
        "partner2": ("2ndpartnercode",),
        "classification": ("classification",),
        "product": ("commoditycode",),
        "customs": ("customsproccode",),
        "transport": ("modeoftransportcode",),
        "value": ("tradevalueus", "tradevalueusd"),
    },
    needed={
        "year": "Year",
        "reporter_iso|reporter_code|reporter_name": "Reporter",
        "flow_code|flow_name": "Trade Flow",
        "partner_iso|partner_code|partner_name": "Partner",
        "product": "Commodity Code",
        "value": "Trade Value (US$)",
    },
    totals=_TOTALS,
    usd={"tradevalueus": 1, "tradevalueusd": 1},
)
