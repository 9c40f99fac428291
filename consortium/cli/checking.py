"""``consortium check``: the verdict in words."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from consortium.case import load_case
from consortium.checking import Verdict, check
from consortium.errors import InputError, InputFault
from consortium.plan import Plan


def check_and_print(
    plan_path: Path,
    register: Path | None,
    programme: Path | None,
    rules: Path | None,
    as_json: bool,
) -> bool:
    """Check a plan and print the verdict; whether nothing is wrong."""
    if register is None and (programme is not None or rules is not None):
        raise InputError(
            [InputFault("--register", "is needed to check against a programme or rules file")]
        )
    plan = Plan.load(plan_path)
    case = None
    if register is not None:
        markets = sorted(plan.inputs.markets)
        if not markets:
            raise InputError([InputFault(plan_path.name, "names no market among its inputs")])
        case = load_case(register, markets, programme, rules)
    verdict = check(plan, case)
    if as_json:
        sys.stdout.write(json.dumps(asdict(verdict), indent=1, ensure_ascii=False) + "\n")
    else:
        _print(verdict, plan_path.name)
    return verdict.ok


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
