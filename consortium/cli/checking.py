"""``consortium check``: the verdict in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from consortium.case import load_case
from consortium.checking import Verdict, check
from consortium.errors import InputError, InputFault
from consortium.market import CHANGED, Market, country_of, split_code
from consortium.market_files import find_market, read_market
from consortium.plan import Plan
from consortium.wording import listed


def check_and_print(
    plan_path: Path,
    register: Path | None,
    programme: Path | None,
    rules: Path | None,
    pairs: Path | None,
    market_files: Sequence[Path],
    as_json: bool,
) -> bool:
    """Check a plan and print the verdict; whether nothing is wrong."""
    others = any(given is not None for given in (programme, rules, pairs)) or bool(market_files)
    if register is None and others:
        message = "is needed to check against a programme, rules, pairs or market file"
        raise InputError([InputFault("--register", message)])
    plan = Plan.load(plan_path)
    case = None
    if register is not None:
        markets = sorted(plan.inputs.markets)
        if not markets:
            raise InputError([InputFault(plan_path.name, "names no market among its inputs")])
        if plan.inputs.pairs_sha256 is not None and pairs is None:
            message = f"the plan was made with the pairs of {plan.inputs.pairs_origin}; give them"
            raise InputError([InputFault("--pairs", message)])
        case = load_case(register, _markets(plan, market_files), programme, rules, pairs)
    verdict = check(plan, case)
    if as_json:
        sys.stdout.write(json.dumps(asdict(verdict), indent=1, ensure_ascii=False) + "\n")
    else:
        _print(verdict, plan_path.name)
    return verdict.ok


def _markets(plan: Plan, files: Sequence[Path]) -> list[Market]:
    """The plan's markets, each from its file if one is given, else as shipped."""
    faults: list[InputFault] = []
    own: dict[str, Market] = {}
    countries = {country_of(code) for code in plan.inputs.markets}
    for path in files:
        try:
            market = read_market(path)
        except InputError as error:
            faults.extend(error.faults)
            continue
        if market.code not in countries:
            known = listed(sorted(plan.inputs.markets))
            message = f"is of {market.code}; the plan's markets are {known}"
            faults.append(InputFault("--market", message, value=str(path)))
        elif market.code in own:
            faults.append(InputFault("--market", f"{market.code} is given twice", value=str(path)))
        own[market.code] = market
    chosen = []
    for code in sorted(plan.inputs.markets):
        country, cluster = split_code(code)
        if country in own:
            chosen.append(own[country].only_for(cluster) if cluster else own[country])
            continue
        origin = plan.inputs.market_origins.get(code, "shipped")
        try:
            if origin.endswith(CHANGED):
                message = f"the plan was made with changed figures of {origin[: -len(CHANGED)]}"
                message += "; check it in Python, against the changed case"
                raise InputError([InputFault("--market", message, value=code)])
            if origin != "shipped":
                message = f"the plan was made with the market file {origin}; give it by --market"
                raise InputError([InputFault("--market", message, value=code)])
            chosen.append(find_market(code))
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(faults)
    return chosen


def _print(verdict: Verdict, name: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if verdict.ok:
        console.print(f"{name} is {verdict.scope}: every check passed.", markup=False)
    else:
        number = len(verdict.failures)
        things = "thing is" if number == 1 else "things are"
        console.print(f"{name} is not {verdict.scope}: {number} {things} wrong.", markup=False)
        for failure in verdict.failures:
            console.print(f"  {failure}", markup=False)
    for note in verdict.notes:
        console.print(f"Note: {note}", markup=False)
