"""Sums over blocks: the same digits for every source, and none lost to large means."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest

from sslboost.advice.rows.moments import Moments, dealt
from sslboost.advice.rows.readers import file_table
from sslboost.advice.rows.sources import table

EPS = np.finfo(float).eps


def sample(n=5000, seed=0):
    """Rows of x, z, y in units 1e9 and 1e-9, with means of a thousand deviations."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 9)) @ rng.standard_normal((9, 9))
    rows = (rows + 1000) * 10.0 ** np.array([9, -9, 0, 3, -3, 0, 6, 0, -6])
    return np.split(rows, [5, 8], axis=1)


def in_units(moments):
    """Mean and covariance in standard deviations, which units cannot flatter."""
    n, mean, scatter = moments.weighted()
    sd = np.sqrt(np.diag(scatter) / n)
    return n, mean / sd, scatter / n / np.outer(sd, sd)


def exact(rows):
    """Mean and covariance in 80 bits, the mean taken off first."""
    wide = rows.astype(np.longdouble)
    mean = wide.mean(axis=0)
    rest = wide - mean
    sd = np.sqrt((rest**2).mean(axis=0))
    return (mean / sd).astype(float), ((rest / sd).T @ (rest / sd) / len(rows)).astype(float)


def rounding(rows):
    """What float64 data with such means can tell: eps times mean over deviation, summed n times.

    A mean of blocks has at most a few times log2(n) roundings of its size; a factor of 8 is kept.
    """
    size = np.abs(rows).max() if rows.ndim == 1 else (np.abs(rows).max(0) / rows.std(0)).max()
    return 8 * np.log2(len(rows)) * EPS * max(size, 1.0)


@pytest.mark.parametrize("groups", [1, 64])
@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_blocks_of_any_size_give_the_moments_of_the_rows(groups, size):
    rows = np.hstack(sample())[: 300 if size == 1 else None]
    moments = Moments(9, groups)
    for first in range(0, len(rows), size):
        moments.add(rows[first : first + size].copy(), first)
    n, mean, cov = in_units(moments)
    true_mean, true_cov = exact(rows)
    assert n == len(rows) and moments.rows == len(rows)
    assert np.abs(mean - true_mean).max() < rounding(rows)
    assert np.abs(cov - true_cov).max() < rounding(rows)


def test_raw_sums_of_products_would_lose_what_the_blocks_keep():
    x = 1e8 + np.random.default_rng(0).standard_normal((4000, 1))
    moments = Moments(1)
    for first in range(0, 4000, 500):
        moments.add(x[first : first + 500].copy(), first)
    kept = moments.weighted()[2][0, 0] / 4000
    raw = float(np.mean(x**2) - np.mean(x) ** 2)
    true = float(x.astype(np.longdouble).var())
    assert abs(kept / true - 1) < rounding(x)
    assert abs(raw / true - 1) > 0.1


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 + 0.1, -1e9 / 3, 5e-324])
def test_a_constant_is_one_also_where_it_is_not_exact_in_binary(constant):
    rows = np.column_stack([np.full(4000, constant), np.arange(4000.0)])
    rows[::3, 0] *= 1 + EPS
    moments = Moments(2, 64)
    for first in range(0, 4000, 700):
        moments.add(rows[first : first + 700].copy(), first)
    assert moments.constant.tolist() == [True, False]


def test_a_column_that_varies_in_one_row_is_no_constant():
    rows = np.full((4000, 1), 1e6 + 0.1)
    rows[17] += 1e-6
    assert not Moments(1).add(rows, 0).constant[0]


@pytest.mark.parametrize("groups", [2, 64])
def test_groups_are_fair_whatever_the_order_or_the_period_of_the_rows(groups):
    owner = dealt(np.arange(64 * 500), groups)
    assert (np.bincount(owner, minlength=groups) == 64 * 500 / groups).all()
    for period in (2, groups, 2 * groups, 96):
        counts = np.bincount(owner[::period], minlength=groups)
        # Hypergeometric, so no wider than binomial: five deviations, 1e-4 for 64 groups.
        expected = len(owner[::period]) / groups
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected) + 1
    assert np.bincount(np.arange(64 * 500)[::groups] % groups).max() == 64 * 500 / groups


def test_the_group_of_a_row_depends_on_nothing_but_its_number():
    whole = dealt(np.arange(1000), 64)
    assert np.array_equal(
        np.concatenate([dealt(np.arange(333), 64), dealt(np.arange(333, 1000), 64)]), whole
    )
    assert np.array_equal(dealt(np.arange(5, 1000, 7), 64), whole[5::7])


def test_weights_are_repetitions_of_groups():
    rows = np.random.default_rng(0).standard_normal((640, 3)) + 5
    moments, owner = Moments(3, 64).add(rows.copy(), 0), dealt(np.arange(640), 64)
    weights = np.random.default_rng(1).integers(0, 4, 64)
    repeated = np.repeat(rows, weights[owner], axis=0)
    n, mean, scatter = moments.weighted(weights.astype(float))
    assert n == len(repeated)
    assert np.abs(mean - repeated.mean(axis=0)).max() < rounding(rows)
    true = np.cov(repeated.T, ddof=0) * n
    assert np.abs(scatter - true).max() < rounding(rows) * np.abs(true).max()


def sources(folder):
    """The same rows as arrays, frames, memory maps, Dask arrays and files."""
    X, Z, Y = sample()
    Y[::3] = np.nan
    whole = np.hstack([X, Z, Y])
    names = [*(f"x{i}" for i in range(5)), *(f"z{i}" for i in range(3)), "y"]
    frame = pd.DataFrame(whole, columns=names)
    yield "frame", table(frame[names[:5]], frame[names[5:8]], frame["y"])
    mapped = np.memmap(folder / "rows", np.float64, "w+", shape=whole.shape)
    mapped[:] = whole
    yield "memmap", table(mapped[:, :5], mapped[:, 5:8], mapped[:, 8])
    for rows in [(640,), (1, 999, 1300)]:
        lazy = da.from_array(whole, chunks=((*rows, 5000 - sum(rows)), 4))
        yield f"dask {rows}", table(lazy[:, :5], lazy[:, 5:8], whole[:, 8])
    frame.to_parquet(folder / "rows.parquet", row_group_size=700)
    frame.to_csv(folder / "rows.csv", index=False)
    np.savez(folder / "rows.npz", x=X, z=Z, y=Y)
    yield "parquet", file_table(folder / "rows.parquet", ["x"], ["z*"], ["y"])
    yield "csv", file_table(folder / "rows.csv", None, ["z"], ["y"])
    yield "npz", file_table(folder / "rows.npz", ["x"], ["z"], ["y"])


@pytest.mark.parametrize("groups", [1, 64])
def test_every_source_gives_the_same_sums_to_rounding(tmp_path, groups):
    X, Z, Y = sample()
    Y[::3] = np.nan
    expected = table(X, Z, Y).moments(groups)
    tolerance = rounding(np.hstack([X, Z]))
    seen = 0
    for name, rows in sources(tmp_path):
        sums = rows.moments(groups)
        for part in ("labelled", "rest"):
            one, other = getattr(sums, part), getattr(expected, part)
            assert np.array_equal(one.count, other.count), name
            for a, b in zip(in_units(one), in_units(other), strict=True):
                assert np.abs(a - b).max() < tolerance, (name, part)
            scale = np.sqrt(np.einsum("gii->i", other.scatter))
            apart = (one.scatter - other.scatter) / np.outer(scale, scale)
            assert np.abs(apart).max() < tolerance, (name, part)
        seen += 1
    assert seen == 7
