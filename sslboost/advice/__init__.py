"""On the reader's own data: estimators that learn from a pretext, and from few labels."""

from sslboost.advice.estimator import PretextClassifier, PretextRegressor

__all__ = ["PretextClassifier", "PretextRegressor"]
