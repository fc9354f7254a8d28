"""What a budget of labelled triples buys: the expected test risk of every use of it.

Pretext data are unlimited, psi = psi*, and every label may come with its z. A use is a way to turn
the labels into a predictor of y from x; its risk is ``E ||y - y_hat||^2`` over the labels drawn and
a new sample. :data:`USES` says which risks are exact.
"""

import numpy as np

from sslboost.bounds import past_threshold
from sslboost.core.linalg import RANK_RTOL, whitening
from sslboost.core.validation import as_array, as_count, as_number, as_rng, takes
from sslboost.criteria.consequences import pipeline
from sslboost.population import GaussianPopulation
from sslboost.processor import lambda_star, solve_batch, unexplained
from sslboost.processor.pipeline import downstream_risk, raw_inputs, representation, sample_pretext
from sslboost.uses.innovation import innovation

#: Uses of a budget, from what asks least of z to what asks most, and how their risk is known.
USES = {
    "guessing": "exact",
    "x directly": "exact",
    "plain SSL": "exact",
    "minimum norm": "exact",
    "reduced-rank SSL": "exact",
    "joint head": "exact",
    "augmented head": "exact",
    "slides' processor": "asymptotic",
}

#: By what factor the numbers of labels grow that are tried for a processor, past the first.
_FINER = 1.04


@takes(population=GaussianPopulation)
def risks(population, labels, *, n0=None, lam=0.1, rank=None):
    """Return the expected test risk of every use of a budget of labelled triples.

    With d directions of x that predict z, d_zeta of z beyond x, r of x and m that do not predict z:

    - *guessing*: the mean of y;
    - *x directly*: least squares on x; finite for more than r + 1 labels;
    - *plain SSL*: least squares on psi*; more than d + 1;
    - *minimum norm*: the same, with the least norm on d whitened directions where labels are fewer;
      infinite only from d - 1 to d + 1;
    - *reduced-rank SSL*: least squares on the ``rank`` leading directions of psi*;
    - *joint head*: more than d + d_zeta + 1;
    - *augmented head*: with one weight for all labels, that of existence, and of the weights of
      several labels the one with the least risk; where existence fails its bias is counted;
    - *slides' processor*: f minimises the slides' loss on a part of the labels, and a head on
      psi*(f) is fitted to the others. Up to m labels for f all its minimisers have lost the label,
      exactly; past them it is the limit for m large next to d, and small samples have more.

    Parameters
    ----------
    population : GaussianPopulation
    labels : int or sequence of int
        The budget, at least 1.
    n0 : int, optional
        Labels for a processor, of which its head gets none; the best number when omitted.
    lam : float
        Weight of the slides' pretext term, as a share of lam*; positive.
    rank : int, optional
        Of reduced-rank SSL; that of cov_xy, to which conditional independence would bring psi*,
        when omitted.

    Returns
    -------
    dict of float, or of arrays (number of budgets,)
        By the names of :data:`USES`, in the units of y squared. Infinite where the expectation is;
        not a number for the slides' processor past m labels where its limit is not known, or m is
        below d.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the chapter on the label budget.
    """
    n, several = _budgets(labels)
    n0 = None if n0 is None else as_count("n0", n0)
    lam = as_number("lam", lam, above=0)
    rank = None if rank is None else as_count("rank", rank)
    found = _all(population, n, n0, lam, rank)
    return found if several else {use: float(risk[0]) for use, risk in found.items()}


def _budgets(labels):
    several = isinstance(labels, list | tuple | range | np.ndarray)
    n = np.array([as_count("labels", one) for one in (labels if several else [labels])])
    as_count("number of labels", len(n))
    return n, several


@takes(population=GaussianPopulation)
def told_delta(population, labels):
    """Return the expected test risk of whoever is told Delta = Cov[x_w, z | y].

    f is the projection of x on the kernel of Delta', which meets (C1) and takes no label: all are
    for the head, which pays for rank Cov[f(x), z] <= d_y features. Nobody has it: Delta and the
    pretext data together are a subspace of the directions that tell of y.

    Parameters
    ----------
    population : GaussianPopulation
    labels : int or sequence of int
        The budget, at least 1.

    Returns
    -------
    float, or array (number of budgets,)
        In the units of y squared. Infinite where the expectation is.

    Raises
    ------
    ValueError
        If there is no such budget.

    Source: beyond the slides; the chapter on the label budget.
    """
    n, several = _budgets(labels)
    free, total = unexplained(population).N, float(np.trace(population.block("y", "y")))
    if not free.shape[1]:
        found = np.full(len(n), total)
    else:
        left, k = pipeline(population, population.whitening.unwhiten(free).T)
        found = _least_squares(_left(np.trace(left), total), k, n)
    return found if several else float(found[0])


@takes(population=GaussianPopulation)
def simulate_processor(population, labels, n0, *, lam=0.1, repetitions=24, rng=None):
    """Draw test risks of the slides' processor, also where its limit is not known.

    Every time f minimises the slides' loss on n0 fresh labels, with unlimited pretext data, and a
    head on psi*(f) is fitted to the others.

    Parameters
    ----------
    population : GaussianPopulation
    labels, n0 : int
        The budget, and the part of it for f; one at least is left for the head.
    lam : float
        As a share of lam*; positive.
    repetitions : int
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)
        Exact given the labels, in the units of y squared.

    Raises
    ------
    ValueError
        If an argument is out of range, or the population has no lam*.

    Source: slide "How to Obtain f ? (Cont.)"; the chapter on the label budget.
    """
    p, rng = population, as_rng(rng)
    n = as_count("labels", labels, least=2)
    n0, b = as_count("n0", n0, most=n - 1), as_count("repetitions", repetitions)
    weight = as_number("lam", lam, above=0) * lambda_star(p)
    x, _, y = p.sample(b * n0, rng)
    X, Y = p.whitening.whiten(x.T).T.reshape(b, n0, -1), y.reshape(b, n0, -1)
    spans = solve_batch(X, Y, p.K_z, weight, restarts=0, rng=rng).C
    inputs = raw_inputs(p)
    pretext = sample_pretext(inputs, np.inf)
    seen = [representation(inputs, pretext, p.whitening.unwhiten(Q)) for Q in spans]
    return np.array([downstream_risk(inputs, one, n - n0, rng) for one in seen])


def best(by_use):
    """Return the use with the least of the given risks, the first of :data:`USES` among equals.

    Parameters
    ----------
    by_use : dict of float, or of arrays of one shape
        As of :func:`risks`; what is not a number does not take part.

    Returns
    -------
    str, or array of str

    Raises
    ------
    ValueError
        If it is no such dictionary, or holds no finite risk of some budget.

    Source: beyond the slides; the chapter on the label budget.
    """
    if not isinstance(by_use, dict) or not by_use or not by_use.keys() <= USES.keys():
        raise ValueError(f"by_use must hold uses among {', '.join(USES)}, got {by_use!r:.200}")
    uses = [use for use in USES if use in by_use]
    known = []
    for use in uses:
        risk = np.asarray(by_use[use])
        unknown = np.isnan(risk) if risk.dtype.kind == "f" else False
        known.append(as_array(use, np.where(unknown, np.inf, risk), None, infinite=True))
    shapes = {risk.shape for risk in known}
    if len(shapes) > 1:
        raise ValueError(f"by_use must hold risks of one shape, got {shapes}")
    least = np.min(known, axis=0)
    if not (np.isfinite(least) & (least >= 0)).all():
        raise ValueError("by_use must hold a finite risk of every budget, none negative, got none")
    found = np.array(uses)[np.argmax(np.array(known) <= least * (1 + RANK_RTOL), axis=0)]
    return found if found.ndim else str(found)


def _all(p, n, n0, lam, rank):
    told, total = innovation(p), float(np.trace(p.block("y", "y")))
    d, d_zeta = len(told.B), len(told.told)
    found = dict.fromkeys(USES, np.full(len(n), total))  # psi tells nothing where d is 0
    found["x directly"] = _least_squares(_left(p.floor, total), p.rank_x, n)
    if d:
        given_phi = _left(np.trace(told.given_phi), total)
        given_both = _left(np.trace(told.given_both), total)
        plain = _least_squares(given_phi, d, n)
        fewer = given_phi + _fewer(given_phi, np.sum(told.B**2), d, n)
        found["plain SSL"], found["minimum norm"] = plain, np.where(n < d, fewer, plain)
        found["reduced-rank SSL"] = _reduced(p, n, total, rank)
        found["joint head"] = given_phi + _excess(given_both, d + d_zeta, n) * d / (d + d_zeta)
        found["augmented head"] = given_phi + _augmented(p, told, n, total)
        found["slides' processor"] = _slides(p, n, n0, total, lam)
    return found


def _left(risk, total):
    """A risk of which nothing but rounding is left counts as zero."""
    return float(risk) if risk > RANK_RTOL * total else 0.0


def _excess(left, k, n):
    """Of least squares on k features where ``left`` of y is no function of them."""
    if left == 0:
        return np.where(n >= k, 0.0, np.inf)
    return np.divide(left * k, n - k - 1, out=np.full(len(n), np.inf), where=n > k + 1)


def _least_squares(left, k, n):
    return left + _excess(left, k, n)


def _fewer(left, signal, k, n):
    """Excess of the fit of least norm with fewer labels than features."""
    noise = np.divide(left * n, k - n - 1, out=np.full(len(n), np.inf), where=n < k - 1)
    return (noise if left else 0.0) + signal * (1 - n / k)


def _reduced(p, n, total, rank):
    """On the leading directions of psi*; equal ones take part in equal shares."""
    left, values, _ = np.linalg.svd(p.K_z, full_matrices=False)
    d = p.V.shape[1]
    k = min(d, p.U.shape[1] if rank is None else rank)
    if k == 0:
        return np.full(len(n), total)
    values, told = values[:d], np.sum((left[:, :d].T @ p.K_y) ** 2, axis=1)
    more, least = (values > values[k - 1] * (1 + s * RANK_RTOL) for s in (1, -1))
    equal = least & ~more
    seen = told[more].sum() + told[equal].mean() * (k - more.sum())
    return _least_squares(_left(total - seen, total), k, n)


def _augmented(p, told, n, total):
    """Excess at the best of the weights that existence would ask for."""
    white = whitening(p.block("y", "y"))
    correlations = np.linalg.svd(white.whiten(p.K_y.T), compute_uv=False)
    weights = 1 / correlations[correlations > RANK_RTOL] ** 2 - 1
    c = np.maximum(weights, 0.0) if len(weights) else np.zeros(1)
    tau, Q = np.linalg.eigh(told.T)
    a, B = 1 + np.multiply.outer(c**2, tau)[..., None], Q.T @ told.B
    gamma = (B + c[:, None, None] * (Q.T @ told.J @ told.told)) / a
    bias = np.sum((gamma - B) ** 2, axis=(1, 2))
    left = np.trace(told.cov_y) - np.sum(a * gamma**2, axis=(1, 2))
    noise = [_left(one, total) for one in left * np.mean(1 / a, axis=(1, 2))]
    return np.min([b + _excess(s, len(B), n) for b, s in zip(bias, noise, strict=True)], axis=0)


def _split(n, n0, first, k, total, risk):
    """Mean risk with n0 labels for f and the rest for a head on k features, at the best n0.

    With fewer than ``first`` labels f has lost the label, so that there is nothing to fit.
    """
    tried = np.array([n0]) if n0 else _splits(first, int(n.max()) - k - 2)
    if not len(tried) or tried[0] < first:
        return np.full(len(n), total)
    n2 = n[:, None] - tried
    price = np.divide(n2 - 1, n2 - k - 1, out=np.full(n2.shape, np.inf), where=n2 > k + 1)
    found = np.min(price * risk(tried), axis=1)
    return np.minimum(found, total) if n0 is None else found


def _splits(first, most):
    """Numbers of labels for f, dense where they begin to be enough; the same for every budget."""
    if most < first:
        return np.array([], dtype=int)
    steps = _FINER ** np.arange(1 + np.log(most - first + 1) / np.log(_FINER))
    return first - 1 + np.unique(steps.round().astype(int))


def _slides(p, n, n0, total, lam):
    """Nothing up to m labels for f, and the limit past them where it is known."""
    try:
        parts = past_threshold.coordinates(p)
    except ValueError:
        parts = None
    if parts is None or p.m < p.V.shape[1]:
        return np.where((n if n0 is None else n0) <= p.m, np.full(len(n), total), np.nan)
    weight = lam * lambda_star(p) / parts.scale

    def risk(tried):
        each = past_threshold.limit(tried[:, None] / p.m, weight, parts.k2, parts.kappa2)
        return np.sum(parts.scale * each.risk, axis=1)

    return _split(n, n0, p.m + 1, p.d_y, total, risk)
