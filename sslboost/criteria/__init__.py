"""The two criteria that a data processor has to meet (chapter 2)."""

from sslboost.criteria.gaps import (
    CriterionTest,
    c1_gap,
    c1_gap_per_class,
    c1_gap_pooled,
    c1_test,
    c1_test_per_class,
    c1_test_pooled,
    c2_gap,
    c2_test,
    empirical,
    epsilon_ci,
    existence_gap,
    four_processors,
    pipeline,
    simulate_pipeline,
)

__all__ = [
    "CriterionTest",
    "c1_gap",
    "c1_gap_per_class",
    "c1_gap_pooled",
    "c1_test",
    "c1_test_per_class",
    "c1_test_pooled",
    "c2_gap",
    "c2_test",
    "empirical",
    "epsilon_ci",
    "existence_gap",
    "four_processors",
    "pipeline",
    "simulate_pipeline",
]
