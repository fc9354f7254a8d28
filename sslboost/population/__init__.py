"""The joint law of input x, pretext label z and downstream label y (chapter 1)."""

from sslboost.population.gaussian import (
    GaussianPopulation,
    MixturePopulation,
    latent_population,
    lee_mixture,
)

__all__ = ["GaussianPopulation", "MixturePopulation", "latent_population", "lee_mixture"]
