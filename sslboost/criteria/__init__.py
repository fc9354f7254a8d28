"""The two criteria that a data processor has to meet (chapter 2)."""

from sslboost.criteria.columns import c1_test_per_column, holm
from sslboost.criteria.consequences import four_processors, pipeline, simulate_pipeline
from sslboost.criteria.gaps import (
    c1_gap,
    c1_gap_per_class,
    c1_gap_pooled,
    c2_gap,
    ci_defect,
    epsilon_ci,
    existence_gap,
)
from sslboost.criteria.mixed import c1_test_mixed, c1_test_mixed_per_class
from sslboost.criteria.nonlinear import ci_test_kernel
from sslboost.criteria.permuted import c1_test_permuted_residuals, c2_test_permuted_residuals
from sslboost.criteria.second_moments import wilks_from_moments
from sslboost.criteria.tests import (
    CriterionTest,
    c1_test,
    c1_test_per_class,
    c1_test_permuted,
    c1_test_pooled,
    c2_test,
    empirical,
)

__all__ = [
    "CriterionTest",
    "c1_gap",
    "c1_gap_per_class",
    "c1_gap_pooled",
    "c1_test",
    "c1_test_mixed",
    "c1_test_mixed_per_class",
    "c1_test_per_class",
    "c1_test_per_column",
    "c1_test_permuted",
    "c1_test_permuted_residuals",
    "c1_test_pooled",
    "c2_gap",
    "c2_test",
    "c2_test_permuted_residuals",
    "ci_defect",
    "ci_test_kernel",
    "empirical",
    "epsilon_ci",
    "existence_gap",
    "four_processors",
    "holm",
    "pipeline",
    "simulate_pipeline",
    "wilks_from_moments",
]
