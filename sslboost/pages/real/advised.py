"""The advice put to the test: what it predicts from a few labelled rows, and what then happens."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sslboost.advice import AdviceWarning, PretextRegressor, advise
from sslboost.core.validation import as_count, as_rng, takes
from sslboost.pages.real.sources import Triples

#: What somebody may do without advice; the last is the estimator as it is.
RIVALS = ("guessing", "x directly", "ridge on x", "by default")

#: Penalties of the ridge on standardised x.
_PENALTIES = np.geomspace(1e-2, 1e4, 13)


@dataclass(frozen=True, eq=False)
class Followed:
    """Draw by draw, what was advised with a number of labels, and what came of it.

    Attributes
    ----------
    name : str
        Of the data.
    labels : int
    columns : int
        Independent columns of x and z, of the first draw.
    best : tuple of str
        The use that was advised.
    predicted : array (draws,)
        Its risk as predicted, as a share of the variance of y.
    realised : dict of str to array (draws,)
        Squared error on rows that nothing was fitted to, as a share of the variance of y among
        the rows that were: of the use "as advised", and of :data:`RIVALS`.
    """

    name: str
    labels: int
    columns: int
    best: tuple
    predicted: np.ndarray
    realised: dict


@takes(triples=Triples)
def follow(triples, labels, draws=20, rng=0):
    """Ask for advice with a few labelled rows, follow it, and score it on rows held out.

    In each draw a quarter of the rows is held out; of the others all have z and ``labels`` have y,
    and the advice sees nothing else.

    Parameters
    ----------
    triples : Triples
    labels : int
        Labelled rows, which are also the budget.
    draws : int
    rng : numpy.random.Generator or int

    Returns
    -------
    Followed

    Raises
    ------
    ValueError
        If the labels are too few for any advice, or more than the rows that are not held out.
    """
    pool = len(triples) - len(triples) // 4
    labels = as_count("labels", labels, least=2, most=pool)
    draws, rng = as_count("draws", draws, least=2), as_rng(rng)
    found = [_draw(triples, labels, rng) for _ in range(draws)]
    reports, realised = zip(*found, strict=True)
    return Followed(
        triples.name,
        labels,
        sum(reports[0].dimensions[part]["rank"] for part in "xz"),
        tuple(report.best for report in reports),
        np.array([min(use.risk for use in report.uses) for report in reports]),
        {name: np.array([one[name] for one in realised]) for name in realised[0]},
    )


def _draw(triples, labels, rng):
    """One report, and the risks of what it advises and of its rivals."""
    test, pool = np.split(rng.permutation(len(triples)), [len(triples) // 4])
    X, Z, Y = (rows[pool] for rows in (triples.X, triples.Z, triples.Y))
    known, told = Y[:labels], Y.copy()
    told[labels:] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AdviceWarning)
        report = advise(X, Z, told, labels=labels, bootstrap=0)
    shown, truth = triples.X[test], triples.Y[test]
    ridge = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES)).fit(X[:labels], known)
    mean = np.broadcast_to(known.mean(axis=0), truth.shape)
    answers = {
        "guessing": mean,
        "x directly": _least_squares(X[:labels], known, shown),
        "ridge on x": ridge.predict(shown).reshape(truth.shape),
        "by default": PretextRegressor().fit(X, told, Z).predict(shown),
    }
    if report.arguments is None:
        advised = answers["guessing" if report.best == "guessing" else "x directly"]
    else:
        advised = PretextRegressor(**report.arguments).fit(X, told, Z).predict(shown)
    unit = np.mean(np.sum((truth - Y.mean(axis=0)) ** 2, axis=1))
    return report, {
        name: np.mean(np.sum((truth - answer) ** 2, axis=1)) / unit
        for name, answer in ({"as advised": advised} | answers).items()
    }


def _least_squares(X, Y, shown):
    mean = X.mean(axis=0)
    return Y.mean(axis=0) + (shown - mean) @ np.linalg.lstsq(X - mean, Y - Y.mean(axis=0))[0]
