"""CIFAR-10: the data, pretext tasks, networks, their training, and the linear probe."""

from sslboost.core import compute  # noqa: F401 - says how threads wait, before torch loads
