"""What the pretext teaches, and what a head on it costs (chapter 1)."""

from sslboost.representation.pretext import LinearMap, W_star, fit_linear, fit_ssl, g_star, psi_star
from sslboost.representation.risk import (
    excess_risk,
    expected_risk,
    predictor_risk,
    residual_cov,
    sample_complexity,
    simulate_excess_risk,
    simulate_excess_risk_from_samples,
    whitened_span,
)

__all__ = [
    "LinearMap",
    "W_star",
    "excess_risk",
    "expected_risk",
    "fit_linear",
    "fit_ssl",
    "g_star",
    "predictor_risk",
    "psi_star",
    "residual_cov",
    "sample_complexity",
    "simulate_excess_risk",
    "simulate_excess_risk_from_samples",
    "whitened_span",
]
