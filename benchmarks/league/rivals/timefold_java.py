"""Java for ``timefold``: which JDK and jars there are, the virtual machine, and the hand-over.

The package ``timefold`` carries the jars of the Java library. Its own way from Python to Java
turns Python constraints into byte code, is one to two orders of magnitude slower than Java, and is
no longer developed; so the model and its score are written in Java (``Seating*.java``), compiled
when the strategy first runs, and only arrays go across.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.league.rivals.assignment_model import slots_of_kinds
from benchmarks.league.rivals.units import Units

#: The oldest Java that the jars run on.
OLDEST_JAVA = 17
#: With what the virtual machine needs besides, it is well below the 4,000 MB of the league.
_HEAP_MB = 1_500
_SOURCES = ("Seating", "SeatingScore", "SeatingSearch")
_OPTIONS = (
    f"-Xmx{_HEAP_MB}m",
    "-XX:+UseSerialGC",  # others clean up in threads of their own
    "-XX:-UsePerfData",  # no file that tells other programs of it
    "--enable-native-access=ALL-UNNAMED",  # what JPype needs; later Javas warn without it
)
#: Java's int.
_MOST = 2**31 - 1


def jars() -> list[str]:
    """The Java library in the package ``timefold``, which is not imported."""
    found = find_spec("timefold")
    folders = () if found is None else found.submodule_search_locations or ()
    return sorted(str(jar) for at in folders for jar in Path(at, "solver", "jars").glob("*.jar"))


def jdk() -> Path | None:
    """The folder of a JDK that is new enough: JAVA_HOME, or the one of the javac on the PATH."""
    stated, compiler = os.environ.get("JAVA_HOME"), shutil.which("javac")
    homes = [Path(stated)] if stated else []
    if compiler:
        homes.append(Path(compiler).resolve().parent.parent)
    return next((home for home in homes if _version(home) >= OLDEST_JAVA), None)


def _version(home: Path) -> int:
    """Of a JDK by the file that each carries; 0 where it is none that can be used."""
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    stated = re.search(r'^JAVA_VERSION="?(\d+)', release, re.MULTILINE)
    able = shutil.which("javac", path=str(home / "bin")) and _library(home).exists()
    return int(stated[1]) if stated and able else 0


def _library(home: Path) -> Path:
    if sys.platform == "win32":
        return home / "bin" / "server" / "jvm.dll"
    return home / "lib" / "server" / ("libjvm.dylib" if sys.platform == "darwin" else "libjvm.so")


@lru_cache(maxsize=1)
def java() -> SimpleNamespace:
    """The classes of the model, by name; the first call starts Java and compiles them.

    Raises
    ------
    RuntimeError
        If the model cannot be compiled.
    OSError
        If somebody else has started Java in this process: there is one for good.
    """
    import jpype

    home = jdk()
    library = None if home is None else str(_library(home))
    with tempfile.TemporaryDirectory(prefix="timefold-") as folder:
        # Loaded at once: the folder need not last.
        classpath = [*jars(), folder]
        jpype.startJVM(*_OPTIONS, jvmpath=library, classpath=classpath, interrupt=False)
        _be_silent()
        _compile(os.pathsep.join(jars()), folder)
        names = ("Seating", "Seating$Facts", "Seating$Seat", "SeatingScore", "SeatingSearch")
        loaded = {name: jpype.JClass(f"league.{name}") for name in names}
    loaded["Facts"] = loaded.pop("Seating$Facts")
    return SimpleNamespace(**loaded, OutOfMemory=jpype.JClass("java.lang.OutOfMemoryError"))


def _be_silent() -> None:
    """The library logs what it does; before it is loaded, that is turned off."""
    import jpype

    root = jpype.JClass("org.slf4j.LoggerFactory").getLogger("ROOT")
    root.setLevel(jpype.JClass("ch.qos.logback.classic.Level").OFF)


def _compile(classpath: str, folder: str) -> None:
    import jpype

    compiler = jpype.JClass("javax.tools.ToolProvider").getSystemJavaCompiler()
    said = jpype.JClass("java.io.ByteArrayOutputStream")()
    here = Path(__file__).resolve().parent
    sources = [str(here / f"{name}.java") for name in _SOURCES]
    options = ["-proc:none", "-encoding", "UTF-8", "-d", folder, "-cp", classpath]
    if compiler.run(None, said, said, jpype.JArray(jpype.JString)([*options, *sources])):
        raise RuntimeError(f"the model for Timefold cannot be compiled: {said.toString()}")


# -- the hand-over -------------------------------------------------------------------------------


def slot_kinds(units: Units) -> list[int]:
    """Kind of each slot: of the pins', then of those that may be opened."""
    problem = units.problem
    free = [k for k, count in enumerate(slots_of_kinds(problem)) for _ in range(count)]
    return [*(pin.kind for pin in problem.pinned), *free]


def seating(units: Units) -> Any:
    """Java's problem: nobody seated, and the slots that may be chosen."""
    problem, classes = units.problem, java()
    kinds = slot_kinds(units)
    pins = len(problem.pinned)
    slots = [at for at in range(len(kinds)) if at >= pins or problem.pin_may_grow[at]]
    return classes.Seating(facts(units, kinds), _ints(slots), _ints(units.free))


def facts(units: Units, kinds: Sequence[int]) -> Any:
    """Java's view of a problem in units, slots of these kinds."""
    problem, made = units.problem, java().Facts()
    pinned = [units.unit_of[pin.members[0]] for pin in problem.pinned]
    made.kindOf = _ints(kinds)
    made.pinnedUnit = _ints([*pinned, *[-1] * (len(kinds) - len(pinned))])
    made.sizes = _ints([len(members) for members in units.items])
    made.must = _booleans(units.must)
    made.fits = _rows(_booleans, units.fits)
    made.own = _rows(_longs, units.own)
    made.openValue = _longs(units.open_value)
    made.low, made.high = _ints(units.low), _ints(units.high)
    made.minGroups, made.maxGroups = _ints(problem.min_groups), _ints(problem.max_groups)
    _hand_pairs(made, units)
    _hand_resources(made, units)
    made.limit = _longs(problem.shared_limit)
    made.groupUse = _rows(_longs, units.group_use)
    made.use = _longs(np.asarray(units.use, dtype=np.int64).ravel())
    return made


def _hand_pairs(made: Any, units: Units) -> None:
    links = [sorted(partners.items()) for partners in units.link]
    made.start = _ints(np.cumsum([0, *map(len, links)]))
    made.partner = _ints([partner for row in links for partner, _ in row])
    made.pairAt = _ints([pair for row in links for _, pair in row])
    made.absentBanned = units.absent_banned
    made.pairOpen = _rows(_booleans, units.pair_open)
    made.pairValue = _rows(_longs, units.pair_value)


def _hand_resources(made: Any, units: Units) -> None:
    """Only those that some kind bounds or values."""
    import jpype

    named = {r for rules in units.bounded for r, *_ in rules}
    ruled = sorted(named | {r for rules in units.curved for r, *_ in rules})
    bounds = [{r: (least, most) for r, least, most in rules} for rules in units.bounded]
    curves = [{r: points for r, *points in rules} for rules in units.curved]
    made.resources = len(ruled)
    made.amounts = _longs([row[r] for row in units.amounts for r in ruled])
    open_ = (0, 2**63 - 1)
    made.least = _rows(_longs, [[of.get(r, open_)[0] for r in ruled] for of in bounds])
    made.most = _rows(_longs, [[of.get(r, open_)[1] for r in ruled] for of in bounds])
    made.curves = jpype.JArray(jpype.JLong, 4)(
        [
            jpype.JArray(jpype.JLong, 3)([_rows(_longs, of[r]) if r in of else None for r in ruled])
            for of in curves
        ]
    )


def _ints(numbers: Iterable[int]) -> Any:
    """Java's int array; sizes and numbers of groups beyond its range say nothing anyway."""
    import jpype

    return jpype.JArray(jpype.JInt)(np.minimum(_array(numbers), _MOST).astype(np.int32))


def _longs(numbers: Iterable[int]) -> Any:
    import jpype

    return jpype.JArray(jpype.JLong)(_array(numbers))


def _booleans(numbers: Iterable[bool]) -> Any:
    import jpype

    return jpype.JArray(jpype.JBoolean)(_array(numbers).astype(np.bool_))


def _array(numbers: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


def _rows(array: Callable[[Any], Any], rows: Iterable[Iterable[int]]) -> Any:
    """Java's array of arrays; rows that are one and the same stay so."""
    import jpype

    kept = list(rows)
    made = {id(row): array(row) for row in kept}
    element = jpype.JBoolean if array is _booleans else jpype.JLong
    return jpype.JArray(element, 2)([made[id(row)] for row in kept])
