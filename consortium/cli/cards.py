"""A plan on the terminal: a card for each consortium, then what is proved and who is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from consortium.case import Case
from consortium.documents.words import (
    LEFT_OUT_LABELS,
    MODES,
    NOT_JUDGED,
    draws_sentences,
    enough_members,
    families_brought,
    family_label,
    firm_name,
    grade_sentence,
    heading,
    market_name,
    none_formed,
    percent,
    plain,
    proof_sentence,
    second_goal_sentences,
    self_financing,
    sentence,
)
from consortium.plan import LeftOut, Plan, PlanConsortium
from consortium.wording import count, listed, usd

_SENTENCE = 2_000
_FIRST_REASONS = 3
#: Least width of a column of words, and the width of a certificate's ("to obtain").
_LEAST_WIDTH, _CERTIFICATE_WIDTH = 13, 9
#: Beyond this, lines are hard to follow.
_WIDEST = 120


def print_plan(plan: Plan, case: Case, console: Console | None = None) -> None:
    """Print a plan for readers.

    Parameters
    ----------
    plan : the proposal.
    case : the case it was made for.
    console : where to; standard output when left out.
    """
    console = console or Console(highlight=False)
    cards = _Cards(console, case)
    for group in plan.consortia:
        cards.consortium(group, draws_sentences(case, plan, group.id))
    cards.summary(plan)


class _Cards:
    """Prints; every text goes through ``_text``, so none can carry markup or escape codes."""

    def __init__(self, console: Console, case: Case) -> None:
        self.console, self.case = console, case
        self.width = min(console.width, _WIDEST)

    # -- one consortium ---------------------------------------------------------------------------

    def consortium(self, group: PlanConsortium, draws: Sequence[str] = ()) -> None:
        """The card of one consortium; ``draws`` says what becomes of it if estimates are off."""
        self._heading(heading(self.case, group))
        self._print(self._members(group))
        self._say(
            "Fees are USD for the year, in the years before sales carry the costs: split by export "
            "sales within what each firm said it would pay. How gains are split is for the members "
            "to agree; it is not part of this proposal."
        )
        self._label("What each brings")
        self._pairs(
            (why.firm, f"{sentence(why.brings)} {sentence(why.without_it)}")
            for why in group.member_reasons
        )
        self._label("Key figures")
        self._pairs(self._figures(group))
        self._print(self._by_year(group))
        if draws:
            self._label("If the estimates are off")
            self._bullets(draws)
        self._label("Why together")
        self._bullets(plain(reason, _SENTENCE) for reason in group.reasons)
        self.console.print()

    def _members(self, group: PlanConsortium) -> Table:
        """Members and fees; town and name share a column where the terminal is narrow."""
        years = sorted({fee.year for fee in group.fees})
        fees = {(fee.firm, fee.year): _dollars(fee.cents) for fee in group.fees}
        id_width = min(14, max((len(plain(firm)) for firm in group.members), default=4))
        fee_width = max(7, *map(len, fees.values()), 0)
        held = sorted(group.certificates)
        room = self.width - 1 - (id_width + 2) - len(years) * (fee_width + 2)
        if room - len(held) * (_CERTIFICATE_WIDTH + 2) < 2 * _LEAST_WIDTH:
            held = []  # told under "What each brings", like the families
        room -= len(held) * (_CERTIFICATE_WIDTH + 2)
        widths = _shares(room)
        table = self._table()
        table.add_column(self._text("firm"), width=id_width, overflow="fold")
        for column, width in widths.items():
            table.add_column(self._text(column), width=width, overflow="fold")
        for name in held:
            table.add_column(self._text(name), width=_CERTIFICATE_WIDTH, overflow="fold")
        for year in years:
            label = self._text(f"fee, year {year}")
            table.add_column(label, width=fee_width, justify="right", overflow="fold")
        for firm_id in group.members:
            words = self._firm_words(group.market, firm_id, "town" in widths)
            row = [plain(firm_id), *(words[column] for column in widths)]
            row += ["holds" if firm_id in group.certificates[n] else "to obtain" for n in held]
            row += [fees.get((firm_id, year), "") for year in years]
            table.add_row(*map(self._text, row))
        return table

    def _firm_words(self, market: str, firm_id: str, town_apart: bool) -> dict[str, str]:
        """Cells of the table of members, by heading."""
        name = firm_name(self.case, firm_id) or "not in this register"
        firm = self.case.register.by_id.get(firm_id)
        if firm is None:
            return {"name": name, "town": "", "families": ""}
        town = plain(firm.town)
        return {
            "name": name if town_apart else f"{name}, {town}",
            "town": town,
            "families": ", ".join(families_brought(self.case, market, firm)),
        }

    def _figures(self, group: PlanConsortium) -> list[tuple[str, str]]:
        lives = "; it lives on the subsidy" if group.lives_on_subsidy else ""
        alone = sum(group.standalone_cents.values())
        families = [family_label(self.case, key) for key in group.families]
        return [
            ("worth", f"{usd(group.worth_cents)} in today's money"),
            (
                "surplus",
                f"{usd(group.surplus_cents)} over the {usd(alone)} its members are worth alone",
            ),
            ("without subsidy", f"{usd(group.surplus_without_subsidy_cents)}{lives}"),
            ("carries its own costs", self_financing(group)),
            (
                "staying together",
                f"{percent(group.retention.chance_at_least_min_after_two_years_bp)} "
                f"{enough_members(self.case, group)}",
            ),
            ("sells", f"{listed(families, 9)} ({MODES.get(group.mode, plain(group.mode))})"),
        ]

    def _by_year(self, group: PlanConsortium) -> Table:
        table = self._table()
        table.add_column(self._text("USD, by year"))
        lines = {
            "cost": group.cost_by_year_cents,
            "subsidy": group.subsidy_by_year_cents,
            "margin on sales": group.sales_margin_by_year_cents,
        }
        for label in lines:
            table.add_column(self._text(label), justify="right")
        for at in range(max(map(len, lines.values()))):
            row = [_dollars(line[at] if at < len(line) else None) for line in lines.values()]
            table.add_row(*map(self._text, (f"year {at + 1}", *row)))
        return table

    # -- the whole plan ---------------------------------------------------------------------------

    def summary(self, plan: Plan) -> None:
        """What is proved, where none forms and why, who is left out, what it rests on."""
        self._heading("The plan")
        if plan.consortia:
            without = sum(group.surplus_without_subsidy_cents for group in plan.consortia)
            members = sum(len(group.members) for group in plan.consortia)
            self._say(
                f"{count(len(plan.consortia), 'consortium', 'consortia')} of "
                f"{count(members, 'firm')}; total surplus {usd(plan.objective_cents)} "
                f"({usd(without)} without subsidy)."
            )
        self._say(proof_sentence(plan))
        if plan.second_goals is not None:
            self._label("Second goals, in their order")
            self._bullets(second_goal_sentences(plan))
        for row in plan.do_not_form:
            self._label(f"{plain(market_name(self.case, row.market))}: no consortium should form")
            self._bullets(none_formed(self.case, row))
        self._left_out(plan.left_out)
        if plan.notes:
            self._label("Notes")
            self._bullets(plain(note, _SENTENCE) for note in plan.notes)
        self.console.print()
        self._say(f"{grade_sentence(plan)} {NOT_JUDGED}")

    def _left_out(self, rows: Sequence[LeftOut]) -> None:
        if not rows:
            return
        self._label(f"Left out: {count(len(rows), 'firm')} (the workbook lists all)")
        for code, number in Counter(row.code for row in rows).most_common():
            self._say(f"{number:,}: {LEFT_OUT_LABELS.get(code, plain(code))}")
            first = islice((row for row in rows if row.code == code), _FIRST_REASONS)
            self._pairs((row.firm, plain(row.reason, _SENTENCE)) for row in first)

    # -- how things are printed -------------------------------------------------------------------

    def _text(self, words: str, style: str = "") -> Text:
        """Text as it stands: no markup, nothing the output's encoding cannot say."""
        words = plain(words, 4 * _SENTENCE)
        encoding = self.console.encoding or "utf-8"
        return Text(words.encode(encoding, "replace").decode(encoding), style=style)

    def _heading(self, words: str) -> None:
        text = self._text(words, "bold cyan")
        text.truncate(max(10, self.width - 8), overflow="ellipsis")
        self.console.print(Rule(text, align="left", style="dim"), width=self.width)

    def _label(self, words: str) -> None:
        self.console.print()
        self._print(self._text(words, "bold"))

    def _say(self, words: str) -> None:
        self._print(self._text(words))

    def _print(self, what: Table | Text | Padding) -> None:
        self.console.print(what, width=self.width)

    def _table(self) -> Table:
        return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")

    def _pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        """Labels with sentences beside them, the sentences wrapped under themselves."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(overflow="fold", max_width=24)
        grid.add_column(overflow="fold", ratio=1)
        for label, words in rows:
            grid.add_row(self._text(label), self._text(words))
        self._print(Padding(grid, (0, 0, 0, 2)))

    def _bullets(self, rows: Iterable[str]) -> None:
        self._pairs(("-", words) for words in rows)


def _shares(room: int) -> dict[str, int]:
    """Columns of words for the room there is, with their widths."""
    if room >= 3 * (_LEAST_WIDTH + 2):
        town = 10 if room < 60 else 14
        families = (room - town - 6) * 9 // 20
        return {"name": room - town - families - 6, "town": town, "families": families}
    if room >= 2 * (_LEAST_WIDTH + 2):
        return {"name": room - room // 2 - 2, "families": room // 2 - 2}
    return {"name": max(4, room - 2)}


def _dollars(cents: int | None) -> str:
    return "" if cents is None else usd(cents).replace("USD ", "")
