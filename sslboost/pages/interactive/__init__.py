"""Figures with sliders, which need no kernel, no network and, to be read, no script."""

from sslboost.pages.interactive import budget, cliff, labels, weights
from sslboost.pages.interactive.parts import Drag, Move, Reading, Slider, slider
from sslboost.pages.interactive.widget import show

__all__ = [
    "Drag",
    "Move",
    "Reading",
    "Slider",
    "budget",
    "cliff",
    "labels",
    "show",
    "slider",
    "weights",
]
