"""The data processor f: its loss, its minimisers on the population and on samples (chapter 3)."""

from sslboost.processor._problems import reduce_samples
from sslboost.processor.conditional import (
    estimated_pretext,
    price_of_c1,
    unexplained,
    unexplained_in_each_class,
)
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
    "estimated_pretext",
    "lambda_star",
    "membership",
    "population_loss",
    "population_optimum",
    "price_of_c1",
    "random_member",
    "random_minimiser",
    "reduce_samples",
    "solve",
    "solve_batch",
    "spectrum",
    "survey",
    "unexplained",
    "unexplained_in_each_class",
]
