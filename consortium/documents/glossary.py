"""What the words of a proposal mean: printed in the workbook, so every number can be defended."""

from __future__ import annotations

#: Key figures, as the sheets name them.
FIGURES: tuple[tuple[str, str], ...] = (
    (
        "worth",
        "What the consortium is worth to its members over the programme's years, in today's money: "
        "margins on sales and subsidies less costs. It is the sum of the named terms.",
    ),
    (
        "worth alone",
        "What a member would be worth exporting to the same markets by itself, in its best way; 0 "
        "for a firm that is not an experienced exporter or could not cover the costs.",
    ),
    (
        "surplus",
        "Worth less the members' worth alone: what they gain by going together. The plan makes the "
        "total surplus as large as it can.",
    ),
    (
        "surplus without subsidy",
        "The surplus less the two subsidy terms. Where it is below 0 the consortium lives on the "
        "subsidy: without it the members would be better off alone.",
    ),
    (
        "by year",
        "Cost, subsidy and margin by year are cash of that year, not discounted. Certificates yet "
        "to obtain and the two terms of pairs are not in the yearly cost; they are in the worth.",
    ),
    (
        "launch-year fee",
        "What a member pays in a year in which sales are still low: its own costs less subsidy, "
        "and its share of the joint costs by export sales, never above the most it will pay.",
    ),
    (
        "most it pays a year",
        "As the firm states it; where it states nothing, assumed from its turnover.",
    ),
    (
        "self-financing year",
        "First year from which the margin covers the cost less the subsidy, to the end.",
    ),
    (
        "chance of leaving, members remaining",
        "From a formula fitted to a published study; a report only, it changes no other figure. "
        "The two-year chance assumes that members leave independently.",
    ),
    (
        "cohesion",
        "How well the members fit, 0 to 100%: 70% of the mean and 30% of the lowest score of a "
        "pair.",
    ),
)
#: Terms of the worth; a name ending " of" stands for one term per product family.
TERMS: tuple[tuple[str, str], ...] = (
    ("study and catalogue", "joint market study and catalogue, paid in year 1"),
    ("fair stand", "the joint stand, every year"),
    ("web site", "the joint site, every year"),
    ("common brand", "name, design and registration of a common brand, paid in year 1"),
    ("manager", "pay of the consortium's manager, every year"),
    ("market registration", "the market's fees per consortium, the only ones that grouping saves"),
    ("licence holder or agent", "the dearer of the two, every year: one firm can be both"),
    ("subsidy on joint promotion", "the programme's share of joint promotion, up to its ceiling"),
    ("members' promotion", "each member's own promotion, every year"),
    ("coordination of members", "keeping each member in step: meetings, reports, every year"),
    ("establishment fees", "the market's fees per member's site"),
    ("product fees", "the market's fees per product family of each member"),
    ("certificates to obtain", "certificates that members need and do not hold, in year 1"),
    ("subsidy on members' promotion", "the programme's share of it, up to its ceiling"),
    ("synergy of pairs", "what two firms that fit save and learn from one another"),
    ("coordination of pairs", "time two firms need to work together, less the better they fit"),
    ("sales of", "margin on what the buyers take of a family, up to the members' free capacity"),
    ("range bonus of", "what a wider range brings, per family that reaches its minimum order"),
)
NOT_CHECKED: tuple[str, ...] = (
    "Whether the register is right: capacities, certificates and contributions are as the firms "
    "gave them.",
    "Whether the firms want to work with one another, beyond the ties in the register.",
    "Whether the buyers exist and will buy: demand, prices and the reachable share are facts of "
    "the Assumptions sheet, each with its grade.",
    "Competition law, tax and the statutes of the consortium.",
    "That the bound is a true bound is the solver's proof; checking a plan again does not repeat "
    "it.",
)
