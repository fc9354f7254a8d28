"""The two criteria that a data processor has to meet (chapter 2)."""

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
    "c1_test_per_class",
    "c1_test_permuted",
    "c1_test_pooled",
    "c2_gap",
    "c2_test",
    "ci_defect",
    "empirical",
    "epsilon_ci",
    "existence_gap",
    "four_processors",
    "pipeline",
    "simulate_pipeline",
    "wilks_from_moments",
]
