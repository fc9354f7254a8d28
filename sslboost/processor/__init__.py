"""The data processor f: its loss, its minimisers on the population and on samples (chapter 3)."""

from sslboost.processor._problems import reduce_samples
from sslboost.processor.empirical import (
    Solutions,
    certificate_solution,
    empirical_loss,
    empirical_optimum,
    solve,
    solve_batch,
)
from sslboost.processor.erasure import erase
from sslboost.processor.members import Membership, Survey, membership, random_member, survey
from sslboost.processor.optimum import (
    Processor,
    lambda_star,
    population_loss,
    population_optimum,
    random_minimiser,
    spectrum,
)

__all__ = [
    "Membership",
    "Processor",
    "Solutions",
    "Survey",
    "certificate_solution",
    "empirical_loss",
    "empirical_optimum",
    "erase",
    "lambda_star",
    "membership",
    "population_loss",
    "population_optimum",
    "random_member",
    "random_minimiser",
    "reduce_samples",
    "solve",
    "solve_batch",
    "spectrum",
    "survey",
]
