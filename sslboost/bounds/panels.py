"""The slides' synthetic experiments: downstream error against n0, lambda and d_f."""

import inspect
from functools import cache

import numpy as np

from sslboost import processor
from sslboost.bounds import past_threshold
from sslboost.core import sweep
from sslboost.core.validation import as_count, as_number, as_rng
from sslboost.population import latent_population
from sslboost.processor import pipeline
from sslboost.processor.empirical import solve_batch
from sslboost.representation.risk import expected_risk

#: Sizes of the experiments: d_x = 60 inputs, of which m = 50 explain nothing of z.
SIZES = {"d_y": 2, "d_s": 8, "dims_x": (6, 12, 42), "dims_z": (2, 8)}
STRENGTHS = {"y_to_x": (3.0, 2.0), "s_to_x": 2.0, "y_to_z": (1.0, 0.7), "s_to_z": 3.0}


@cache
def population():
    """Return the population of the three panels, a member of S.

    Returns
    -------
    GaussianPopulation
        d_x = 60, d_z = 10, d_y = 2, m = 50.

    Source: slide "Experiments"; the slides do not say which population they draw from.
    """
    return latent_population(**SIZES, **STRENGTHS, rng=0)


def learn(problems, n0, lam, d_f, rng, **options):
    """Return the processors that minimise L_{n1,n0} on fresh draws of n0 labels.

    Parameters
    ----------
    problems : sequence of (Inputs, Pretext, Generator)
        One for each processor; the generator draws its extra sample.
    n0 : int
    lam : float
        As a share of lam*.
    d_f : int
    rng : numpy.random.Generator
        Draws random starts of the search.
    **options
        Passed to :func:`sslboost.processor.empirical.solve`.

    Returns
    -------
    matrices : list of arrays (d_x, k_f)
        f(x) = A' x for each problem.
    Solutions
        What the search reports.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "How to Obtain f ? (Cont.)", training loss.
    """
    lam = as_number("lam", lam, above=0) * processor.lambda_star(population())
    n0, d_f, problems = as_count("n0", n0), as_count("d_f", d_f), _problems(problems)
    batch = []
    for inputs, pretext, child in problems:
        X, _, Y = inputs.draw(n0, child)
        batch.append((pretext.white.whiten(X.T).T, Y, pretext.K_z))
    X, Y, K_z = (np.stack(parts) for parts in zip(*batch, strict=True))
    found = solve_batch(X, Y, K_z, lam, d_f=d_f, rng=rng, **options)
    used = [Q[:, np.any(Q != 0, axis=0)] for Q in found.C]
    return [p.white.unwhiten(Q) for (_, p, _), Q in zip(problems, used, strict=True)], found


def _problems(problems):
    problems = list(problems) if np.iterable(problems) else []
    kinds = pipeline.Inputs, pipeline.Pretext, np.random.Generator
    good = [
        isinstance(one, tuple | list)
        and len(one) == 3
        and all(isinstance(part, kind) for part, kind in zip(one, kinds, strict=True))
        and len(one[1].white.root) == one[0].law.d_x
        for one in problems
    ]
    if not good or not all(good):
        wrong = good.index(False) if good else 0
        raise ValueError(
            "problems must be triples (Inputs, Pretext of them, Generator), at least one, got "
            f"something else at {wrong}"
        )
    return problems


def cell(n0, lam, d_f, n1, n2, units=0, seeds=24, restarts=1, *, rng):
    """Run one setting of the experiment for several seeds.

    Each seed draws n0 extra labels and, where finite, one pretext sample that serves processor
    and representation alike, and n2 downstream labels. The processor minimises L_{n1,n0}.

    Parameters
    ----------
    n0 : int
        Extra labels for the processor.
    lam : float
        Weight of the pretext term as a share of lam*.
    d_f : int
        Outputs of the processor.
    n1, n2 : int or numpy.inf
        Pretext samples and downstream labels.
    units : int
        0 for linear processors of x; otherwise the number of random ReLU units below them.
    seeds, restarts : int
        Independent repetitions, and random starts of each search.
    rng : numpy.random.Generator

    Returns
    -------
    list of dict
        For each seed: "seed", the risks "processed", "plain" (SSL on x) and "direct" (labels on
        x), the least "objective" F, and whether the search "converged".

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Experiments".
    """
    raw = pipeline.raw_inputs(population())
    units = as_count("units", units, least=0)
    problems = []
    for child in as_rng(rng).spawn(as_count("seeds", seeds)):
        V = child.standard_normal((units, population().d_x))
        inputs = pipeline.relu_inputs(population(), V) if units else raw
        problems.append((inputs, pipeline.sample_pretext(inputs, n1, child), child))
    matrices, found = learn(problems, n0, lam, d_f, rng, restarts=restarts)
    everything = np.eye(raw.law.d_x)
    rows = []
    for seed, (inputs, pretext, child) in enumerate(problems):
        features = pipeline.representation(inputs, pretext, matrices[seed])
        plain = pipeline.sample_pretext(raw, n1, child) if units else pretext
        row = {
            "seed": seed,
            "processed": pipeline.downstream_risk(inputs, features, n2, child),
            "plain": pipeline.downstream_risk(
                raw, pipeline.representation(raw, plain, everything), n2, child
            ),
            "direct": pipeline.downstream_risk(raw, everything, n2, child),
            "objective": found.objective[seed],
            "converged": bool(found.converged[seed]),
        }
        rows.append(row)
    return rows


def run(settings, cache_dir, **options):
    """Run settings of the experiment as a sweep and return means with standard errors.

    Parameters
    ----------
    settings : list of dict
        Arguments of :func:`cell`.
    cache_dir : path
        Keeps finished cells, as in :func:`sslboost.core.sweep.run`.
    **options
        Passed to :func:`sslboost.core.sweep.run`.

    Returns
    -------
    list of dict
        One for each setting: the setting, the mean "processed", "plain" and "direct" risks as
        shares of tr cov_yy, their standard errors "processed_se" and so on, not a number for a
        single seed, the number of "seeds" and the share of searches that "converged".

    Raises
    ------
    ValueError
        As :func:`cell` and :func:`sslboost.core.sweep.run`.

    Source: slide "Experiments".
    """
    rows = sweep.run(cell, _settings(settings), cache_dir, **options)
    total = np.trace(population().block("y", "y"))
    results = []
    for setting in settings:
        mine = [row for row in rows if all(row[name] == v for name, v in setting.items())]
        result = setting | {"seeds": len(mine)}
        for name in ("processed", "plain", "direct"):
            risks = np.array([row[name] for row in mine]) / total
            result[name] = float(risks.mean())
            spread = risks.std(ddof=1) if len(risks) > 1 else np.nan
            result[f"{name}_se"] = float(spread / np.sqrt(len(risks)))
        results.append(result | {"converged": float(np.mean([r["converged"] for r in mine]))})
    return results


def _settings(settings):
    taken = inspect.signature(cell).parameters
    needed = {name for name, one in taken.items() if one.default is one.empty} - {"rng"}
    settings = settings if isinstance(settings, list | tuple) else [settings]
    for i, one in enumerate(settings):
        if not isinstance(one, dict) or not needed <= one.keys() <= taken.keys() - {"rng"}:
            raise ValueError(
                f"settings must be arguments of cell, {', '.join(sorted(needed))} at least, got "
                f"{one!r:.80} at {i}"
            )
    as_count("number of settings", len(settings))
    return settings


def limit(n0, lam, n2=np.inf):
    """Return the asymptotic risk of the processed pipeline with unlimited pretext data.

    Parameters
    ----------
    n0 : int
    lam : float
        As a share of lam*.
    n2 : int or numpy.inf
        The head pays for d_y numbers, unless n0 <= m leaves nothing to fit.

    Returns
    -------
    float
        As a share of tr cov_yy; exactly 1 for n0 <= m.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: chapter 4, the limit past the threshold.
    """
    law, lam = population(), as_number("lam", lam, above=0)
    risk = past_threshold.population_limit(law, n0, lam * processor.lambda_star(law)).risk
    total = np.trace(law.block("y", "y"))
    k = law.d_y if n0 > law.m else 0
    return float(expected_risk(np.array([[risk]]), k, n2) / total)


def reference(n2):
    """Return the exact risks of plain SSL and of labels on x, with unlimited pretext data.

    Parameters
    ----------
    n2 : int or numpy.inf
        Downstream labels, more than d_x + 1.

    Returns
    -------
    dict of float
        "plain" and "direct", as shares of tr cov_yy.

    Raises
    ------
    ValueError
        If n2 is too small.

    Source: slide "Why Does Pretext-Based SSL Work?", made exact in chapter 1.
    """
    law = population()
    R = np.array([[law.floor / np.trace(law.block("y", "y"))]])
    ranks = {"plain": law.V.shape[1], "direct": law.rank_x}
    return {name: expected_risk(R, k, n2) for name, k in ranks.items()}


def best(lam):
    """Return the exact risk of the population optimum, the processor learned from n0 = inf.

    Parameters
    ----------
    lam : float
        As a share of lam*.

    Returns
    -------
    float
        As a share of tr cov_yy, with n1 = n2 = inf.

    Raises
    ------
    ValueError
        If lam is negative.

    Source: chapter 3, the optimum in closed form.
    """
    return _optimal_risk(pipeline.raw_inputs(population()), lam)


def best_of_units(units, lam, repetitions, rng=None):
    """Return the exact risk of the population optimum on random ReLU units, averaged over them.

    Parameters
    ----------
    units : int
    lam : float
        As a share of lam*.
    repetitions : int
        Number of random first layers V.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    float
        As a share of tr cov_yy, with n0 = n1 = n2 = inf.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: chapter 7, the second reading of panel (c).
    """
    rng, law = as_rng(rng), population()
    shape = (as_count("repetitions", repetitions), as_count("units", units), law.d_x)
    layers = rng.standard_normal(shape)
    return float(np.mean([_optimal_risk(pipeline.relu_inputs(law, V), lam) for V in layers]))


def _optimal_risk(inputs, lam):
    law = inputs.law
    lam = as_number("lam", lam, least=0) * processor.lambda_star(population())
    values, vectors = processor.spectrum(law, lam)
    A = law.whitening.unwhiten(vectors[:, values > 0])
    features = pipeline.representation(inputs, pipeline.sample_pretext(inputs, np.inf), A)
    return pipeline.downstream_risk(inputs, features, np.inf, None) / np.trace(law.block("y", "y"))
