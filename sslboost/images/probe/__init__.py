"""Frozen features of images, and the heads that read them."""

from sslboost.images.probe.features import network_outputs, pretext_accuracy, stage_features
from sslboost.images.probe.head import PENALTIES, Probe, best_by_held_out, fit_probe

__all__ = [
    "PENALTIES",
    "Probe",
    "best_by_held_out",
    "fit_probe",
    "network_outputs",
    "pretext_accuracy",
    "stage_features",
]
