"""The joint law of input x, pretext label z and downstream label y (chapter 1)."""

from sslboost.population.families import (
    copying_population,
    isotropic_population,
    latent_population,
    lee_mixture,
)
from sslboost.population.gaussian import GaussianPopulation
from sslboost.population.mixture import MixturePopulation

__all__ = [
    "GaussianPopulation",
    "MixturePopulation",
    "copying_population",
    "isotropic_population",
    "latent_population",
    "lee_mixture",
]
