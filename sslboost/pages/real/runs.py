"""Every use of the labels, run on draws of labelled rows, beside what was predicted for it."""

from dataclasses import dataclass

import numpy as np

from sslboost.advice import PretextRegressor
from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, as_samples, takes
from sslboost.criteria import empirical
from sslboost.pages.real.outlook import FORMULAS, as_budgets, predict
from sslboost.pages.real.sources import Triples
from sslboost.population import GaussianPopulation
from sslboost.uses import heads, intercept

#: Uses that choose a parameter by the labels that they have, and have no formula.
CHOSEN = ("augmented, c chosen", "joint, ridge chosen", "ridge SSL", "ridge SSL, c chosen")

#: The last two of them are the estimator's, with fewer penalties and folds than by default.
_ESTIMATOR = {"penalties": (1e-2, 1e-1, 1.0, 10.0), "cv": 3}


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What every use of the labels cost, draw by draw, and what it was predicted to cost.

    Attributes
    ----------
    triples : Triples
    population : GaussianPopulation
        With the second moments of all rows, from which predictions are made.
    labels : tuple of int
    predicted : list of dict of str to float
        For each budget, as of :func:`~sslboost.pages.real.outlook.predict`.
    realised : list of dict of str to array (draws,)
        Squared error on rows that nothing was fitted to, as a share of the variance of y there.
    correct : list of dict of str to array (draws,)
        Share of these rows that are classified correctly; empty without classes.
    """

    triples: Triples
    population: GaussianPopulation
    labels: tuple
    predicted: list
    realised: list
    correct: list


@takes(triples=Triples, chosen=bool)
def run(triples, labels, draws=20, *, chosen=True, rng=0):
    """Draw labelled rows again and again, and use them in every way.

    In each draw a quarter of the rows is held out; the others are the pool, from whose x and z psi
    is learned; the first rows of the pool are labelled. Predictions are made from the second
    moments of all rows.

    Parameters
    ----------
    triples : Triples
    labels : sequence of int
        Budgets, each at least 5.
    draws : int
    chosen : bool
        Whether to run what has no formula as well.
    rng : numpy.random.Generator or int

    Returns
    -------
    Outcomes

    Raises
    ------
    ValueError
        If there is no budget, or rows or draws are too few.
    """
    held_out = len(triples) // 4
    most = len(triples) - held_out
    labels = as_budgets("labels", labels, least=5, most=most)
    draws, rng = as_count("draws", draws, least=2), as_rng(rng)
    whole = empirical(triples.X, triples.Z, triples.Y)
    promised = predict(whole, labels)
    weights = [
        intercept.best_weight(whole, n) if "augmented head" in uses else None
        for n, uses in zip(labels, promised, strict=True)
    ]
    found = [
        _draw(triples, rng.permutation(len(triples)), labels, promised, weights, chosen)
        for _ in range(draws)
    ]
    realised, correct = (
        [
            {use: np.array([draw[i][kind][use] for draw in found]) for use in found[0][i][kind]}
            for i in range(len(labels))
        ]
        for kind in (0, 1)
    )
    return Outcomes(triples, whole, labels, promised, realised, correct)


def _draw(triples, order, labels, promised, weights, chosen):
    """For each budget, squared errors and shares correct on the first quarter of the rows."""
    test, pool = np.split(order, [len(order) // 4])
    pretext = empirical(triples.X[pool], triples.Z[pool], triples.Y[pool])
    psi = pretext.best_linear("z", "x").T
    F = triples.X @ psi
    scores = []
    for n, uses, c in zip(labels, promised, weights, strict=True):
        X, Z, Y = (rows[pool[:n]] for rows in (triples.X, triples.Z, triples.Y))
        mean, shown = Y.mean(axis=0), triples.X[test] - X.mean(axis=0)
        maps = fitted(
            pretext, *(rows - rows.mean(axis=0) for rows in (X, Z, Y)), uses, c, chosen=chosen
        )
        answers = {use: mean + shown @ matrix for use, matrix in maps.items()}
        if chosen:
            answers |= _estimated(F[pool], triples.Z[pool], Y, F[test])
        scores.append(_scores(triples, pool, test, answers))
    return scores


def _scores(triples, pool, test, answers):
    truth = triples.Y[test]
    varies = np.sum((truth - triples.Y[pool].mean(axis=0)) ** 2)
    risks = {use: np.sum((truth - y) ** 2) / varies for use, y in answers.items()}
    if not triples.classes:
        return risks, {}
    right = truth.argmax(axis=1)
    return risks, {use: np.mean(y.argmax(axis=1) == right) for use, y in answers.items()}


@takes(pretext=GaussianPopulation, chosen=bool)
def fitted(pretext, X, Z, Y, uses, c=None, *, chosen=False):
    """Return the linear maps from x to y that the uses make of labelled rows.

    Least squares is on whitened x or phi, in which least norm is what the formula means.

    Parameters
    ----------
    pretext : GaussianPopulation
        With the moments of x and z of the pool.
    X, Z, Y : arrays (n, d_x), (n, d_z), (n, d_y)
        Labelled rows, centred.
    uses : collection of str
        Among :data:`~sslboost.pages.real.outlook.FORMULAS`.
    c : float, optional
        Weight of the augmented head, where that is among the uses.
    chosen : bool
        Whether to fit heads that choose c or a ridge beside the augmented and the joint one.

    Returns
    -------
    dict of str to array (d_x, d_y)

    Raises
    ------
    ValueError
        If the arrays do not match, or a use is unknown or needs more rows.
    """
    X, Z, Y = as_samples(X=X, Z=Z, Y=Y)
    X, Z = as_matrix("X", X, columns=pretext.d_x), as_matrix("Z", Z, columns=pretext.d_z)
    named = isinstance(uses, list | tuple | set | dict)
    if not named or not uses or not all(use in FORMULAS for use in uses):
        raise ValueError(f"uses must be among {', '.join(FORMULAS)}, got {uses!r:.80}")
    psi, to_x = pretext.best_linear("z", "x").T, pretext.whitening.unwhiten(np.eye(pretext.rank_x))
    strongest = np.linalg.svd(pretext.K_z, full_matrices=False)[0][:, : pretext.U.shape[1]]
    found = {"guessing": np.zeros((X.shape[1], Y.shape[1]))} if "guessing" in uses else {}
    features = {
        "x directly": to_x,
        "minimum norm": to_x @ pretext.V,
        "plain SSL": to_x @ pretext.V,
        "reduced-rank SSL": to_x @ strongest,
    }
    for use, basis in features.items():
        if use in uses:
            found[use] = basis @ np.linalg.lstsq(X @ basis, Y, rcond=RANK_RTOL)[0]
    F, shift = X @ psi, heads.shift_star(pretext)
    on_psi = {}
    if "augmented head" in uses:
        on_psi["augmented head"] = heads.fit_augmented(F, Z, Y, shift, as_number("c", c))
        if chosen:
            on_psi["augmented, c chosen"] = heads.choose_c(F, Z, Y, shift).head
    if "joint head" in uses:
        on_psi["joint head"] = heads.fit_joint(F, Z, Y)
        if chosen:
            on_psi["joint, ridge chosen"] = heads.choose_ridge(F, Z, Y).head
    return found | {use: psi @ head.matrix.T for use, head in on_psi.items()}


def _estimated(F, Z, Y, shown):
    """Predictions of the estimator, which chooses a penalty on psi, without c and with it."""
    targets = np.concatenate([Y, np.full((len(F) - len(Y), Y.shape[1]), np.nan)])
    models = (PretextRegressor(augmentation=c, **_ESTIMATOR) for c in (0.0, "cv"))
    answers = (model.fit(F, targets, Z).predict(shown) for model in models)
    return dict(zip(CHOSEN[2:], answers, strict=True))
