"""Registers from and to Excel and CSV files.

Reading names every fault at once, each with its sheet, row, column, value and remedy; what was
changed while reading (a currency, a rounding) or not used is listed in ``Register.conversions``.
"""

from __future__ import annotations

from consortium.intake.reading import read_register, register_files
from consortium.intake.writing import write_register

__all__ = ["read_register", "register_files", "write_register"]
