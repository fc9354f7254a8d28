"""Speed of the advice next to the one pass over the rows that nothing can avoid."""

import time
import tracemalloc

import numpy as np
from sklearn.linear_model import RidgeCV

from sslboost.advice import PretextRegressor, advise
from sslboost.advice.estimator import PENALTIES, WEIGHTS
from tests.benchmarks.bench_processor import alternating, row

N, SIZES = 100_000, (500, 50, 5)


def draw(n=N, sizes=SIZES, rng=0):
    """Rows in which x tells of z and of y."""
    rng = np.random.default_rng(rng)
    d_x, *others = sizes
    x = rng.standard_normal((n, d_x))
    told = [x @ rng.standard_normal((d_x, d)) / np.sqrt(d_x) for d in others]
    return x, *(t + rng.standard_normal(t.shape) for t in told)


def advice():
    """``advise`` without a bootstrap, against X'X and X'[Z Y] of the same rows."""
    X, Z, Y = draw()

    def necessary():
        return X.T @ X, X.T @ np.hstack([Z, Y])

    limit_s, ours_s = alternating(
        necessary, lambda: advise(X, Z, Y, labels=1000, bootstrap=0), repetitions=5
    )
    start = time.perf_counter()
    advise(X[:10_000], Z[:10_000], Y[:10_000], labels=1000, bootstrap=20)
    resamples_s = time.perf_counter() - start
    return row(
        f"advise, n = {N:,}, d = {SIZES}",
        ours_s,
        "one pass of X'X and X'[Z Y]",
        limit_s,
        "one pass of X'X and X'[Z Y]",
        limit_s,
        "at most twice the limit",
        ours_s <= 2 * limit_s,
        f"{ours_s / limit_s:.2f} times the limit; peak memory {_peak(X, Z, Y):.0f} MB beside "
        f"{8 * N * sum(SIZES) / 2**20:.0f} MB of rows; with 20 resamples, of a tenth of the rows, "
        f"{resamples_s:.1f} s",
    )


def _peak(*rows):
    """Peak of what the advice allocates beside the rows, in MB, without BLAS's own workspace."""
    tracemalloc.start()
    try:
        advise(*rows, labels=1000, bootstrap=0)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def augmented_head(n=2000, d=50, folds=5):
    """The estimator, which chooses c and a penalty, against ridge on the same features."""
    X, Z, Y = draw(n, (d, d, 1))
    features = PretextRegressor(cv=folds).fit(X, Y[:, 0], Z).transform(X)
    ridge = RidgeCV([n * penalty for penalty in PENALTIES], cv=folds)
    ours_s, ridge_s = alternating(
        lambda: PretextRegressor(cv=folds).fit(X, Y[:, 0], Z), lambda: ridge.fit(features, Y[:, 0])
    )
    return row(
        f"augmented head, n = {n:,}, d = {d}",
        ours_s,
        "RidgeCV's one path",
        ridge_s,
        "RidgeCV's one path",
        ridge_s,
        "at most 3 times one path",
        ours_s <= 3 * ridge_s,
        f"{len(WEIGHTS)} values of c and {len(PENALTIES)} penalties by {folds} folds, and psi; "
        f"{ours_s / ridge_s:.2f} times one path of the penalties by as many folds",
    )


BENCHMARKS = (advice, augmented_head)
