"""Runs the shipped notebooks: ``python tests/consortium/notebook_runs.py`` (``make notebooks``).

Each runs in a fresh kernel whose folder is empty and temporary, and is written in place with its
outputs; with ``-o FOLDER`` it is written there instead, which is how the tests look for stale ones.
What would differ from run to run (times, versions, ids) is not stored.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = tuple(sorted((ROOT / "consortium" / "data" / "notebooks").glob("*.ipynb")))
#: A tag of cells whose outputs depend on the processor: run, but not compared.
VARIES = "varies"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_CELL_SECONDS = 600


def run_notebook(source: Path, target: Path) -> None:
    """Run a notebook from its cells alone, and write it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails; nothing is written then.
    """
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(source, as_version=4)
    for at, cell in enumerate(notebook.cells):
        cell.id = f"cell-{at}"
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        config = Config()
        if os.name == "posix":  # sockets in the file system: no port of the machine is opened
            config.KernelManager.transport = "ipc"
            config.KernelManager.ip = f"{sockets}/kernel"
        NotebookClient(
            notebook,
            timeout=_CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
            config=config,
        ).execute()
    notebook.metadata = _METADATA
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    target.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")


def main() -> None:
    """Run the notebooks named, or all of them."""
    parser = argparse.ArgumentParser(description="Run the shipped notebooks.")
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("-o", dest="folder", type=Path, help="write there, not in place")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as settings:
        # The reader's own settings, history and kernels must not show in a notebook.
        os.environ |= {
            "IPYTHONDIR": settings,
            "JUPYTER_CONFIG_DIR": settings,
            "JUPYTER_DATA_DIR": settings,
            "JUPYTER_RUNTIME_DIR": settings,
            "JUPYTER_PREFER_ENV_PATH": "1",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": str(ROOT),  # this checkout, not one that is installed
        }
        # On a new machine matplotlib tells that it lists the fonts: here, not in a notebook.
        import matplotlib.font_manager  # noqa: F401

        for source in options.notebooks or NOTEBOOKS:
            target = source if options.folder is None else options.folder / source.name
            run_notebook(source, target)
            sys.stderr.write(f"ran {source.name}\n")


if __name__ == "__main__":
    main()
