"""The house: one-way imports, one folder, a quick --help, permissive licences."""

from __future__ import annotations

import importlib.metadata as metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = ("pandas", "networkx", "numba", "ortools", "scipy", "matplotlib")


def test_packages_come_from_this_folder() -> None:
    """An old install of a package elsewhere would be tested instead of this checkout."""
    import consortium
    import scenarios
    import solver

    for package in (consortium, scenarios, solver):
        assert package.__file__ is not None
        assert Path(package.__file__).resolve().parent.parent == ROOT.resolve()


def _modules_after(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["propose", "--help"], ["check", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"from consortium.cli.app import code_of\nassert code_of({arguments!r}) == 0"
    assert not _modules_after(code).intersection(HEAVY)


def test_package_faces_are_lazy() -> None:
    assert not _modules_after("import consortium, solver").intersection((*HEAVY, "numpy"))


@pytest.mark.parametrize("package", ["consortium", "solver"])
def test_every_name_of_a_face_can_be_had(package: str) -> None:
    module = __import__(package)
    for name in module._HOME:
        assert getattr(module, name) is not None
        # Importing a module of that name would put it in the name's place.
        assert not (ROOT / package / f"{name}.py").exists()
    with pytest.raises(AttributeError, match="no attribute"):
        _ = module.no_such_name


def test_imports_go_one_way() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if lint is None:
        pytest.skip("import-linter is not installed (it comes with the dev extra)")
    done = subprocess.run([lint], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_ships_the_three_packages_only() -> None:
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert include == ["consortium*", "solver*", "scenarios*"]


@pytest.mark.parametrize("requirement", PROJECT["project"]["dependencies"])
def test_core_dependencies_are_permissive(requirement: str) -> None:
    """GPL only as an optional extra."""
    name = re.split(r"[><=\[; ]", requirement)[0]
    meta = metadata.metadata(name)
    licence = meta.get("License-Expression") or meta.get("License") or ""
    classifiers = " ".join(c for c in meta.get_all("Classifier", []) if c.startswith("License"))
    text = f"{licence[:200]} {classifiers}"
    assert "GPL" not in text or "LGPL" in text, f"{name}: {text}"


def test_constraints_pin_every_dependency() -> None:
    pins = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    extras = PROJECT["project"]["optional-dependencies"]
    for requirement in PROJECT["project"]["dependencies"] + extras["dev"]:
        name = re.sub(r"[-_.]+", "-", re.split(r"[><=\[; ]", requirement)[0]).lower()
        assert name in pins, f"{name} is not pinned in constraints.txt"


def test_no_float_decides_in_the_problem() -> None:
    """The formal problem refuses floats: scaling happens once, in the formulation."""
    from solver import GroupingProblem, InvalidProblem

    with pytest.raises(InvalidProblem, match="whole numbers"):
        GroupingProblem(num_items=2, kinds=("a",), item_values=[[0.5, 1.0]])
