"""Grids of experiments: parallel, resumable after a kill, every finished cell on disk at once."""

from sslboost.core.sweep.grids import code_version, columns, grid, run

__all__ = ["code_version", "columns", "grid", "run"]
