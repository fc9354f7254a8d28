"""The CIFAR-10 table: its profiles, its cells, its grid and the file that records it."""

from sslboost.images.table.record import ARMS, KEY, measure, read, run, select, write

__all__ = ["ARMS", "KEY", "measure", "read", "run", "select", "write"]
