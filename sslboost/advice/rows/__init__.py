"""Rows of (x, z, y) from arrays, frames, Dask and files, and the sums that all else needs."""

from sslboost.advice.rows.readers import file_table
from sslboost.advice.rows.sources import table

__all__ = ["file_table", "table"]
