"""Frozen features of images, and the heads that read them."""

from sslboost.images.probe.features import (
    Layer,
    layer_features,
    network_outputs,
    pretext_accuracy,
    stage_features,
)
from sslboost.images.probe.head import PENALTIES, Head, Probe, best_by_held_out, fit_head, fit_probe
from sslboost.images.probe.mlp import fit_mlp

__all__ = [
    "PENALTIES",
    "Head",
    "Layer",
    "Probe",
    "best_by_held_out",
    "fit_head",
    "fit_mlp",
    "fit_probe",
    "layer_features",
    "network_outputs",
    "pretext_accuracy",
    "stage_features",
]
