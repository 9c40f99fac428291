"""``consortium propose``: read, solve with live progress, print cards, write the files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from consortium.case import Case, load_case
from consortium.draws import MOST_DRAWS
from consortium.errors import InputError, InputFault, NoPlan, OutputError
from consortium.goals import GOALS
from consortium.market import is_file, split_code
from consortium.plan import Plan
from consortium.planner import propose
from solver import Limits, strategies
from solver.errors import InvalidLimits


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``consortium propose``, as given."""

    register: Path
    markets: tuple[str, ...]
    programme: Path | None
    rules: Path | None
    pairs: Path | None
    seconds: float
    work: int | None
    gap: float
    seed: int
    workers: int
    strategy: str
    start: Path | None
    output: Path | None
    turning_points: bool
    then: tuple[str, ...]
    give_up: float
    draws: int
    json: bool


def propose_and_write(options: Options) -> None:
    """Run the main job.

    Raises
    ------
    InputError, OutputError, NoPlan
        As the exit codes 2, 2 and 3 or 4.
    """
    from consortium.cli.cards import print_plan
    from consortium.cli.progress import Progress

    case, start, limits = _inputs(options)
    targets = _targets(options)
    began = datetime.now(UTC)
    with Progress() as progress, _interruptible():
        plan = propose(
            case,
            limits,
            strategy=options.strategy,
            start=start,
            observer=progress.observe,
            turning_points=options.turning_points,
            then=options.then,
            give_up=options.give_up,
            draws=options.draws,
        )
    if targets:
        _write(plan, case, targets, options, began, progress.log)
    if options.json:
        sys.stdout.write(plan.to_json())
    else:
        print_plan(plan, case)
        if targets:
            names = ", ".join(str(path) for path in targets.values())
            sys.stderr.write(f"Wrote {names}\n")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C while solving keeps the best plan; before that there is none to keep."""
    try:
        yield
    except KeyboardInterrupt:
        raise NoPlan("Interrupted before there was a plan.", proved=False) from None


def _inputs(options: Options) -> tuple[Case, Plan | None, Limits]:
    """Everything read before anything is solved, all faults together."""
    faults: list[InputFault] = []
    case = start = limits = None
    if options.strategy not in strategies():
        known = ", ".join(strategies())
        faults.append(InputFault("--strategy", f"must be one of {known}", value=options.strategy))
    faults.extend(_goal_faults(options))
    if not 0 <= options.draws <= MOST_DRAWS:
        message = f"must be 0 to {MOST_DRAWS:,}"
        faults.append(InputFault("--draws", message, value=str(options.draws)))
    try:
        limits = Limits(
            seconds=options.seconds,
            work=options.work,
            gap=options.gap,
            workers=options.workers,
            seed=options.seed,
        )
    except InvalidLimits as error:
        faults.append(InputFault("options", str(error)))
    try:
        case = load_case(
            options.register, options.markets, options.programme, options.rules, options.pairs
        )
    except InputError as error:
        faults.extend(error.faults)
    if options.start is not None:
        try:
            start = Plan.load(options.start)
        except InputError as error:
            faults.extend(error.faults)
    if faults or case is None or limits is None:
        raise InputError(faults)
    return case, start, limits


def _goal_faults(options: Options) -> list[InputFault]:
    """What is wrong with the second goals asked for."""
    known = ", ".join(GOALS)
    faults = [
        InputFault("--then", f"must be one of {known}", value=goal)
        for goal in options.then
        if goal not in GOALS
    ]
    for goal in sorted({goal for goal in options.then if options.then.count(goal) > 1}):
        faults.append(InputFault("--then", "is named twice", value=goal))
    if not 0 <= options.give_up <= 1:  # also where it is no number
        message = "must be a share from 0 to 1 (0.01 is 1%)"
        faults.append(InputFault("--give-up", message, value=str(options.give_up)))
    return faults


def _inputs_of(options: Options) -> list[Path]:
    """Every file that is read, and so never written."""
    from consortium.intake import register_files

    others = (options.programme, options.rules, options.pairs, options.start)
    given = [path for path in others if path is not None]
    markets = (split_code(text)[0] for text in options.markets)
    given += [Path(market) for market in markets if is_file(market)]
    return [*register_files(options.register).values(), *given]


def _targets(options: Options) -> dict[str, Path]:
    """Files to write, by kind; refused before the solve where they could not be written."""
    if options.output is None:
        return {}
    stem = options.output
    if stem.suffix.lower() in (".json", ".xlsx", ".png"):
        stem = stem.with_suffix("")
    folder = stem.parent
    if not folder.is_dir():
        raise OutputError(f"{folder} is no folder; make it first, or choose another place for -o")
    paths = {
        kind: stem.with_name(f"{stem.name}.{kind}") for kind in ("json", "xlsx", "png", "log.json")
    }
    taken = {path.resolve() for path in _inputs_of(options)}
    for path in paths.values():
        if path.resolve() in taken:
            raise OutputError(f"{path} is one of the inputs; choose another name for -o")
        if path.is_dir():
            raise OutputError(f"{path} is a folder; choose another name for -o")
    return paths


def _write(
    plan: Plan,
    case: Case,
    targets: dict[str, Path],
    options: Options,
    began: datetime,
    log: list[dict[str, object]],
) -> None:
    """All files or none: made in memory first, then written together."""
    from consortium.compatibility import compatibility_graph
    from consortium.documents.picture import groups_png
    from consortium.documents.workbook import workbook_bytes
    from consortium.files import write_all_atomically

    graphs = [compatibility_graph(case, market.code) for market in case.markets]
    record = {
        "began": began.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "register": str(options.register),
        "trace": log,
    }
    write_all_atomically(
        {
            targets["json"]: plan.to_json().encode(),
            targets["xlsx"]: workbook_bytes(plan, case),
            targets["png"]: groups_png(graphs, plan),
            targets["log.json"]: (json.dumps(record, indent=1) + "\n").encode(),
        },
        inputs=_inputs_of(options),
    )
