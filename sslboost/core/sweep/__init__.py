"""Grids of experiments: parallel, resumable after a kill, every finished cell on disk at once."""

from sslboost.core.sweep._cells import CellError
from sslboost.core.sweep.contents import code_version
from sslboost.core.sweep.grids import columns, grid, run

__all__ = ["CellError", "code_version", "columns", "grid", "run"]
