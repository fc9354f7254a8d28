"""ReLU processors trained on the whole objective, its linear heads in closed form (torch)."""

import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sslboost.bounds import capacity, model_free
from sslboost.core import compute, files, provenance, sweep
from sslboost.core.command import Parser, count, finish, output
from sslboost.core.differentiable import explained
from sslboost.core.linalg import least_squares
from sslboost.core.validation import as_count, as_number, as_rng, takes
from sslboost.population import GaussianPopulation, latent_population

#: Inputs and hidden layers of the recorded study, and labels in multiples of the parameters of
#: W f. Two numbers of inputs separate the parameters from the neurons.
ARCHITECTURES = ("11-8", "11-16", "11-32", "33-8", "33-16", "33-32", "11-8-8", "11-16-16")
RATIOS = (0.5, 1, 2, 4, 8)
POOL = 2**17
SCORED = 40_000


def study_population(d_x=11):
    """Return the population of chapter 6: one label, one nuisance, six inputs driven by them.

    Parameters
    ----------
    d_x : int
        Inputs, at least 6; those above 6 are noise and change nothing but their number.

    Returns
    -------
    GaussianPopulation
        With lambda* = 0.44.

    Raises
    ------
    ValueError
        If there are fewer than 6 inputs.

    Source: slide "Model-Dependent Result (Cont.)" (a population in the set S).
    """
    noise = as_count("d_x", d_x, least=6) - 6
    return latent_population(d_y=1, d_s=1, dims_x=(3, 3, noise), dims_z=(2, 2), y_to_z=1.5)


@takes(population=GaussianPopulation)
def train(
    population, widths, n0, *, d_f=4, lam=0.2, networks=4, steps=2000, batch=1024, rate=0.01, rng=0
):
    """Train a batch of processors on L_{inf,n0}, each on its own extra sample, and score them.

    The expectation over (x, z) is taken over fresh batches of a pool of 131,072 inputs with
    z replaced by psi*(x) = E[z | x], which explains the same and carries no noise. Adam, with a
    rate that rises and falls once. Scores are taken on new samples, with the exact E[y | x].

    Parameters
    ----------
    population : GaussianPopulation
    widths : sequence of int
        Neurons of every hidden layer of f.
    n0 : int
        Extra labels, at least d_f.
    d_f : int
        Outputs of f.
    lam : float
        Weight of the pretext term, not negative.
    networks : int
        Number of extra samples, and of networks.
    steps, batch : int
        Steps of Adam and pretext inputs in each.
    rate : float
        Largest step size.
    rng : numpy.random.Generator or int

    Returns
    -------
    list of dict
        For every network: ``residual`` of y on the extra sample and ``explained`` of z, in their
        units squared; ``objective`` residual + lam explained, whose lower bound is 0; the same
        for the processor E[y | x] as ``objective_yhat``; ``risk`` min_W E||y - W f(x)||^2;
        ``tail``, the share of E||W f(x)||^2 that falls on the one input in a hundred where it is
        largest, for the W that fits the extra labels.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "How to Obtain f ? (Cont.)"; chapter 6.
    """
    d_f, widths = as_count("d_f", d_f), capacity.as_widths(widths)
    n0 = as_count("n0", n0, least=d_f)
    lam, rate = as_number("lam", lam, least=0), as_number("rate", rate, above=0)
    networks, batch = as_count("networks", networks), as_count("batch", batch)
    steps = as_count("steps", steps)
    with compute.threads(1):  # small products gain nothing from a second one
        return _train(population, widths, n0, d_f, lam, networks, steps, batch, rate, rng)


def _train(population, widths, n0, d_f, lam, networks, steps, batch, rate, rng):
    rng = as_rng(rng)
    draws = [population.sample(n0, rng) for _ in range(networks)]
    X, Y = (_tensor(np.stack([draw[i] for draw in draws])) for i in (0, 2))
    pool, psi = _pretext(population, POOL, rng)
    parameters = _initial((population.d_x, *widths, d_f), networks, rng)
    optimiser = torch.optim.Adam(parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1
    )
    for step in range(steps):
        rows = (torch.arange(batch) + step * batch) % POOL
        inputs, targets = (t[rows].expand(networks, -1, -1) for t in (pool, psi))
        gain = explained(_forward(parameters, X), Y)
        price = lam * explained(_forward(parameters, inputs), targets)
        optimiser.zero_grad()
        (price - gain).sum().backward()
        optimiser.step()
        schedule.step()
    return _scores(population, parameters, X, Y, lam, rng)


def _forward(parameters, X):
    """Outputs (networks, n, d_f) of a batch of ReLU networks with a linear last layer."""
    for W, b in zip(parameters[0:-1:2], parameters[1:-1:2], strict=True):
        X = torch.baddbmm(b, X, W).relu()
    return X @ parameters[-1]


def _tensor(array, dtype=torch.float32):
    return torch.from_numpy(np.ascontiguousarray(array)).to(dtype)


def _pretext(population, n, rng, dtype=torch.float32):
    """Inputs and E[z | x] as tensors."""
    x = population.sample(n, rng)[0]
    return _tensor(x, dtype), _tensor(x @ population.best_linear("z", "x").T, dtype)


def _initial(sizes, networks, rng):
    """He's Gaussian weights, and biases that spread the hinges."""
    parameters = []
    for fan_in, fan_out in pairwise(sizes):
        W = rng.standard_normal((networks, fan_in, fan_out)) * np.sqrt(2 / fan_in)
        b = 0.3 * rng.standard_normal((networks, 1, fan_out))
        parameters += [_tensor(W).requires_grad_(), _tensor(b).requires_grad_()]
    return parameters[:-1]


@torch.no_grad()
def _scores(population, parameters, X, Y, lam, rng):
    """Rows of measurements, in float64, on samples that training has not seen."""
    parameters = [p.double() for p in parameters]
    X, Y = X.double(), Y.double()
    x, psi = _pretext(population, SCORED, rng, torch.float64)
    to_yhat = _tensor(population.best_linear("y", "x").T, torch.float64)
    total_y = float(np.trace(population.block("y", "y")))
    features = _forward(parameters, x.expand(len(X), -1, -1))
    power = Y.square().sum(dim=2).mean(dim=1)
    residual = power - explained(_forward(parameters, X), Y)
    of_z = explained(features, psi.expand(len(X), -1, -1))
    of_y = explained(features, (x @ to_yhat).expand(len(X), -1, -1))
    price_yhat = lam * model_free.explained_by_yhat(population)
    objective_yhat = power - explained(X @ to_yhat, Y) + price_yhat
    fits = zip(_forward(parameters, X).numpy(), Y.numpy(), strict=True)
    heads = torch.from_numpy(np.stack([least_squares(F, T) for F, T in fits]))
    sizes = (features @ heads).square().sum(dim=2).sort(dim=1).values
    columns = {
        "residual": residual,
        "explained": of_z,
        "objective": residual + lam * of_z,
        "objective_yhat": objective_yhat,
        "risk": total_y - of_y,
        "tail": sizes[:, -SCORED // 100 :].sum(dim=1) / sizes.sum(dim=1),
    }
    table = [dict(zip(columns, row, strict=True)) for row in torch.stack([*columns.values()]).T]
    return [{name: float(value) for name, value in row.items()} for row in table]


def cell(architecture, ratio, networks=4, steps=2000, rng=0):
    """Train one batch of the study and return its rows, a cell of :func:`study`.

    Parameters
    ----------
    architecture : str
        Inputs and hidden widths, such as "11-16" or "11-16-16".
    ratio : float
        n0 over the number of parameters of W f.
    networks, steps : int
        As in :func:`train`.
    rng : numpy.random.Generator or int

    Returns
    -------
    list of dict
        Those of :func:`train`, with the width of the ``narrowest`` hidden layer, the number of
        hidden ``layers`` and of ``parameters`` of W f, ``n0`` and the number of the ``network``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: chapter 6, collapse of the risk.
    """
    d_x, *widths = _sizes("architecture", architecture)
    population = study_population(d_x)
    parameters = capacity.parameter_count(population.d_x, widths, population.d_y)
    n0 = round(as_number("ratio", ratio, above=0) * parameters)
    rows = train(population, widths, n0, networks=networks, steps=steps, rng=rng)
    facts = {"narrowest": min(widths), "layers": len(widths), "parameters": parameters, "n0": n0}
    return [facts | {"network": i} | row for i, row in enumerate(rows)]


def _sizes(name, architecture):
    """Inputs and hidden widths out of a name such as "11-16-16"."""
    sizes = architecture.split("-") if isinstance(architecture, str) else []
    if len(sizes) < 2 or not all(size.isascii() and size.isdigit() for size in sizes):
        raise ValueError(
            f"{name} must be inputs and hidden widths, such as '11-16', got {architecture!r:.80}"
        )
    sizes = [as_count(f"a size of {name}", int(size[:20])) for size in sizes]
    as_count(f"inputs of {name}", sizes[0], least=6)
    return sizes


def study(architectures, ratios, cache_dir, *, networks=4, steps=2000, n_jobs=None):
    """Train every architecture at every ratio of labels to parameters, resumably.

    Parameters
    ----------
    architectures : sequence of str
        Inputs and hidden widths, such as "11-16" or "11-16-16".
    ratios : sequence of float
        n0 over the number of parameters of W f.
    cache_dir : path
        Where finished cells are kept.
    networks, steps : int
        As in :func:`train`.
    n_jobs : int, optional
        Processes, as in :func:`sslboost.core.sweep.run`.

    Returns
    -------
    list of dict
        Rows of :func:`cell` with their configuration.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: chapter 6, collapse of the risk.
    """
    networks, steps = as_count("networks", networks), as_count("steps", steps)
    for name, values in [("architectures", architectures), ("ratios", ratios)]:
        if not isinstance(values, list | tuple | np.ndarray) or not len(values):
            raise ValueError(f"{name} must be a sequence, not empty, got {values!r:.80}")
    for i, architecture in enumerate(architectures):
        _sizes(f"architectures[{i}]", architecture)
    for i, ratio in enumerate(ratios):
        as_number(f"ratios[{i}]", ratio, above=0)
    cells = sweep.grid(architecture=architectures, ratio=ratios, networks=[networks], steps=[steps])
    folders = ("core", "population", "representation", "bounds")
    version = sweep.code_version(*(f"sslboost.{folder}" for folder in folders))
    return sweep.run(cell, cells, cache_dir, code_version=version, n_jobs=n_jobs)


def half_way(rows, architecture):
    """Return the n0 at which the mean risk is half-way from tr cov_yy to the Bayes risk.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`study`.
    architecture : str

    Returns
    -------
    float
        By linear interpolation in log n0; not a number where the risk does not cross.

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, collapse of the risk.
    """
    rows = rows if isinstance(rows, list | tuple) else [rows]
    for i, row in enumerate(rows):
        if not isinstance(row, dict) or not {"architecture", "n0", "risk"} <= row.keys():
            raise ValueError(f"rows[{i}] must be a row of the study, got {row!r:.80}")
    known = isinstance(architecture, str)
    own = [row for row in rows if known and row["architecture"] == architecture]
    if not own:
        raise ValueError(f"architecture must be one of the rows', got {architecture!r}")
    population = study_population()
    middle = (float(np.trace(population.block("y", "y"))) + population.floor) / 2
    n0 = np.array(sorted({row["n0"] for row in own}))
    risk = np.array([np.mean([row["risk"] for row in own if row["n0"] == n]) for n in n0])
    after = np.flatnonzero((risk[:-1] >= middle) & (risk[1:] < middle))
    if len(after) == 0:
        return float("nan")
    i = after[0]
    share = (risk[i] - middle) / (risk[i] - risk[i + 1])
    return float(np.exp((1 - share) * np.log(n0[i]) + share * np.log(n0[i + 1])))


def main(arguments=None):
    """Run the recorded study and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        As of ``python -m sslboost.bounds.trained_capacity --help``.

    Returns
    -------
    int
    """
    parser = Parser(
        prog="python -m sslboost.bounds.trained_capacity",
        description="Train ReLU processors of several capacities and record what they learn.",
    )
    parser.add_argument("--out", type=output, default="sslboost/pages/recorded/capacity.json")
    parser.add_argument("--cache", type=Path, default=Path(".cache/capacity"))
    parser.add_argument("--networks", type=count, default=4)
    parser.add_argument("--steps", type=count, default=3000)
    parser.add_argument("--jobs", type=count, default=2)
    options = parser.parse_args(arguments)
    return finish(parser, lambda: _record(options), OSError, RuntimeError)


def _record(options):
    settings = {"networks": options.networks, "steps": options.steps, "n_jobs": options.jobs}
    start = time.perf_counter()
    rows = study(ARCHITECTURES, RATIOS, options.cache, **settings)
    facts = provenance.describe() | {"seconds": round(time.perf_counter() - start, 1)}
    files.write_json(options.out, {"provenance": facts, "rows": rows})
    tqdm.write(f"wrote {options.out}")


if __name__ == "__main__":
    sys.exit(main())
