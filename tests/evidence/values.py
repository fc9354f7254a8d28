"""Right values of what the theory's functions take, small enough to be cheap."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from sslboost.bounds import capacity, general_loss, model_dependent, panels
from sslboost.bounds import past_threshold_simulation as simulation
from sslboost.core import certificate, checkpoints
from sslboost.population import MixturePopulation, latent_population
from sslboost.processor import optimum, pipeline, reduce_samples
from sslboost.representation.pretext import LinearMap
from sslboost.theorems import REGISTRY


@cache
def population():
    return latent_population(2, 2, dims_x=(3, 3, 2), dims_z=(2, 2))


@cache
def mixture():
    means = np.random.default_rng(0).standard_normal((3, 5))
    cov = np.repeat(np.eye(5)[None], 3, axis=0)
    return MixturePopulation(np.full(3, 1 / 3), means[:, :3], means[:, 3:], cov)


def sample(block, n=40):
    return population().sample(n, 0)["xzy".index(block)].copy()


def few(block, n=3):
    """Fewer rows than pretext-orthogonal directions."""
    return sample(block, n)


def normal(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def classes(n=40, k=3):
    return np.arange(n) % k


def features(n=40, d=6):
    return normal(n, d).astype(np.float32)


def new_path():
    return Path(tempfile.mkdtemp()) / "new.json"


def rows_file():
    """A file of labelled rows, with columns x0, ..., z0, ... and y0, ..."""
    path = new_path().with_suffix(".csv")
    blocks = [sample(block) for block in "xzy"]
    names = [f"{b}{i}" for b, rows in zip("xzy", blocks, strict=True) for i in range(rows.shape[1])]
    np.savetxt(path, np.hstack(blocks), delimiter=",", header=",".join(names), comments="")
    return path


def new_folder():
    return Path(tempfile.mkdtemp())


def problems():
    X = population().whitening.whiten(sample("x", 20).T).T
    return reduce_samples(X[None], sample("y", 20)[None], population().K_z, 0.1)


def fitting_problem():
    return simulation.draw_spectral(3, 8, 0.5, 0)


def inputs():
    return pipeline.raw_inputs(population())


def pretext_moments():
    return pipeline.sample_pretext(inputs(), 40, 0)


def panel_problems():
    raw = pipeline.raw_inputs(panels.population())
    moments = pipeline.sample_pretext(raw, np.inf)
    return [(raw, moments, np.random.default_rng(0))]


def loss():
    return general_loss.LOSSES["absolute"]


def network():
    return capacity.memorise(normal(5, 3), normal(5, 2), (6,), 0)


def composed():
    X, _, Y = population().sample(3, 0)
    return model_dependent.memorising_processor(population(), X, Y, (5,), 0)


def linear_map(d_out=2, d_in=8):
    return LinearMap(normal(d_out, d_in), np.zeros(d_out))


def linear_processor():
    return optimum.population_optimum(population(), 2, 0.01)


def theorem():
    return REGISTRY[0]


def board_rows():
    facts = {"claim": "A: b", "chapter": "01-a", "label": "x", "value": 1.0, "bound": 1.0}
    facts |= {"at_least": False, "tolerance": 0.1, "margin": 0.1, "holds": True}
    return [facts | {"control_fails": True, "seeds": [0], "seconds": 0.1}]


def checkpoint():
    return checkpoints.Checkpoint(new_path())


def a_certificate():
    return certificate.Certificate("claim", 0.1, 1.0)


def norm(R):
    return np.linalg.norm(R, axis=-1)


def trial(rng):
    """A trial of nothing."""
    return {"value": float(rng.standard_normal())}


def cell(a, rng):
    """A cell of a sweep."""
    return {"value": a + float(rng.standard_normal())}


def panel_settings():
    return [{"n0": 8, "lam": 0.3, "d_f": 2, "n1": np.inf, "n2": np.inf, "seeds": 2}]


def separable():
    """A population that falls into one-dimensional problems."""
    return panels.population()


#: Wrong rows of a table that are right values of a grid's axis.
SEQUENCES = (
    "list of texts",
    "list of objects",
    "ragged list",
    "complex array",
    "text array",
    "date array",
    "object array",
    "masked array",
    "set",
    "dict",
    "bytes",
    "numbers",
    "empty dicts",
)


def board_path():
    path = new_path()
    path.write_text("[]")
    return path


def fourier_map():
    from sslboost.representation.lee_simulation import fit_rbf

    return fit_rbf(normal(20, 3), normal(20, 2), features=5, rng=0)
