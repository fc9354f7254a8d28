"""What a processor learned from few labels can do: Theorems 2 to 4 and the slides' three panels.

One module a theorem; :mod:`sslboost.bounds.trained_capacity` trains networks and needs torch.
"""

from sslboost.bounds import (
    capacity,
    general_loss,
    model_dependent,
    model_free,
    panels,
    past_threshold,
    past_threshold_simulation,
)

__all__ = [
    "capacity",
    "general_loss",
    "model_dependent",
    "model_free",
    "panels",
    "past_threshold",
    "past_threshold_simulation",
]
