"""On the reader's own data: advice on what labels can do, and estimators that do it."""

from sslboost.advice.advise import AdviceWarning, advise, advise_file
from sslboost.advice.estimator import PretextClassifier, PretextRegressor
from sslboost.advice.report import Report

__all__ = [
    "AdviceWarning",
    "PretextClassifier",
    "PretextRegressor",
    "Report",
    "advise",
    "advise_file",
]
