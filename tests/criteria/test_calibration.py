"""The false-alarm rate and the power of every public p-value, for every kind of data.

A test rejects where its p-value is at most 5 %. Of 2,000 data sets on which the criterion holds
the number rejected is binomial if the test is calibrated, and has to lie in the two-sided interval
that all of this module's counts leave together with probability at most 1e-4. Where a test is
approximate the interval is what its error may not exceed.
"""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from scipy import stats

import sslboost
from sslboost import criteria

LEVEL, FALSE_ALARM = 0.05, 1e-4
SETS, POWER_SETS, POWER = 2000, 50, 0.7


def gaussian(rng, shape):
    return rng.standard_normal(shape)


def cauchy(rng, shape):
    return rng.standard_cauchy(shape)


def student(rng, shape):
    """With fourth moments, and hardly more."""
    return rng.standard_t(5, shape)


def uniform(rng, shape):
    return rng.uniform(-np.sqrt(3), np.sqrt(3), shape)


def classes(rng, n):
    """Labels of two classes of unequal size."""
    return rng.permutation(np.repeat([4, 1], [3 * n // 5, n - 3 * n // 5]))


def continuous(n=30, *, d_z=2, f_law=gaussian, z_law=gaussian, link=0.0):
    """f, z, y with f and z linear in y, and z_1 in what is left of f_1."""

    def draw(rng):
        y = rng.standard_normal((n, 2))
        rest = f_law(rng, (n, 2))
        z = y @ np.ones((2, d_z)) + z_law(rng, (n, d_z))
        z[:, 0] += link * rest[:, 0]
        return y @ np.ones((2, 2)) + rest, z, y

    return draw


def discrete(n=40, *, f_law=gaussian, z_law=gaussian, link=0.0, scale=True):
    """f, z, labels with classes of their own means and, if wanted, scales."""

    def draw(rng):
        labels = classes(rng, n)
        unit = np.where(scale, 1.0 + labels, 1.0)[:, None]
        rest = f_law(rng, (n, 2))
        z = z_law(rng, (n, 2))
        z[:, 0] += link * rest[:, 0]
        return unit * rest + labels[:, None], unit * z - labels[:, None], labels

    return draw


def one_hot(draw):
    def drawn(rng):
        f, z, labels = draw(rng)
        return f, z, np.eye(8)[labels][:, np.unique(labels)]

    return drawn


def mixed(n=40, *, f_law=gaussian, z_law=gaussian, link=0.0, scale=False, slopes=True):
    """f, z, y, labels: in every class f and z are linear in y, with slopes of its own."""

    def draw(rng):
        labels, y = classes(rng, n), rng.standard_normal((n, 1))
        slope = np.where(slopes, labels - 3.0, 1.0)[:, None]
        unit = np.where(scale, 1.0 + labels, 1.0)[:, None]
        rest = f_law(rng, (n, 2))
        z = z_law(rng, (n, 2))
        z[:, 0] += link * rest[:, 0]
        return unit * rest + slope * y, unit * z + slope * y - labels[:, None], y, labels

    return draw


def as_columns(draw):
    """The class as columns beside the continuous y."""

    def drawn(rng):
        f, z, y, labels = draw(rng)
        return f, z, np.hstack([y, np.eye(8)[labels][:, np.unique(labels)]])

    return drawn


def for_c2(n=40, *, x_law=gaussian, y_law=gaussian, kind="continuous", link=0.0):
    """f, x, y: x has f as two of its four columns, and y is told by f, unless linked."""

    def draw(rng):
        f = rng.standard_normal((n, 2))
        rest = x_law(rng, (n, 2))
        score = f @ np.ones((2, 1)) + link * rest[:, :1]
        parts = []
        if kind != "discrete":
            parts.append(score + y_law(rng, (n, 2)))
        if kind != "continuous":
            parts.append(np.eye(2)[(score[:, 0] + rng.logistic(size=n) > 0).astype(int)])
        return f, np.hstack([f, f + rest]), np.hstack(parts)

    return draw


def bent(draw_y, *, n=54, law=gaussian, link=0.0, bend=0.0):
    """f, z, y: z has the square of what is left of f, which no covariance shows."""

    def draw(rng):
        y = draw_y(rng, n)
        rest, mean = law(rng, (n, 1)), y.sum(axis=1, keepdims=True)
        mean = np.sin(bend * mean) if bend else mean
        z = 0.2 * rng.standard_normal((n, 1)) if link else law(rng, (n, 1))
        return mean + rest, mean + z + link * (rest**2 - 1), y

    return draw


def y_continuous(rng, n):
    return rng.standard_normal((n, 1))


def y_discrete(rng, n):
    return np.eye(3)[rng.integers(3, size=n)] @ np.diag([1.0, 2.0, 3.0])


def y_mixed(rng, n):
    return np.hstack([y_continuous(rng, n), np.eye(2)[rng.integers(2, size=n)]])


def from_moments(f, z, y):
    """The test that is given a covariance, on rows."""
    places = np.split(np.arange(f.shape[1] + z.shape[1] + y.shape[1]), [f.shape[1], -y.shape[1]])
    return criteria.wilks_from_moments(np.cov(np.hstack([f, z, y]).T), len(f), *places)


#: Tests that do not take rows, on rows.
ON_ROWS = {"wilks_from_moments": from_moments}

#: What a test that draws is given: the fewest permutations that can reject at 5 %.
OPTIONS = {
    "c1_test_permuted": {"permutations": 19},
    "c1_test_permuted_residuals": {"permutations": 19},
    "c2_test_permuted_residuals": {"permutations": 19},
    "ci_test_kernel": {"features": 6},
}
Z_HEAVY, Z_STUDENT = {"z_law": cauchy}, {"z_law": student}  # one Gaussian side
HEAVY, STUDENT = {"f_law": cauchy, "z_law": cauchy}, {"f_law": student, "z_law": student}
C2_HEAVY = {"x_law": cauchy, "y_law": cauchy}

BENT = {
    "Gaussian": bent(y_continuous, n=200, law=uniform, link=1.0),
    "discrete": bent(y_discrete, n=200, law=uniform, link=1.0),
    "mixed": bent(y_mixed, n=200, law=uniform, link=1.0),
}
ONE_SLOPE_LINKED = as_columns(mixed(slopes=False, link=1.0))

#: Test, kind of data, draw where the hypothesis holds, and draw where it fails.
ROWS = [
    ("c1_test", "Gaussian", continuous(d_z=3), continuous(link=1.5)),
    ("c1_test", "heavy", continuous(**Z_HEAVY), continuous(**Z_STUDENT, link=2.0)),
    (
        "c1_test",
        "discrete",
        one_hot(discrete(scale=False)),
        one_hot(discrete(scale=False, link=1.0)),
    ),
    ("c1_test", "mixed", as_columns(mixed(slopes=False)), ONE_SLOPE_LINKED),
    ("wilks_from_moments", "Gaussian", continuous(d_z=3), continuous(link=1.5)),
    ("wilks_from_moments", "mixed", as_columns(mixed(slopes=False)), ONE_SLOPE_LINKED),
    ("c2_test", "Gaussian", for_c2(), for_c2(link=1.5)),
    ("c2_test", "heavy", for_c2(y_law=cauchy), for_c2(y_law=student, link=2.0)),
    ("c2_test", "discrete", for_c2(kind="discrete"), for_c2(kind="discrete", link=5.0)),
    ("c2_test", "mixed", for_c2(kind="mixed"), for_c2(kind="mixed", link=1.5)),
    ("c1_test_per_class", "discrete", discrete(), discrete(link=1.0)),
    ("c1_test_per_class", "heavy", discrete(**Z_HEAVY), discrete(**Z_STUDENT, link=1.5)),
    ("c1_test_pooled", "discrete", discrete(100), discrete(100, link=1.0)),
    ("c1_test_pooled", "heavy", discrete(200, **STUDENT), discrete(200, **STUDENT, link=1.0)),
    ("c1_test_permuted", "discrete", discrete(), discrete(link=1.0)),
    ("c1_test_permuted", "heavy", discrete(**HEAVY), discrete(**HEAVY, link=4.0)),
    ("c1_test_mixed", "mixed", mixed(), mixed(link=1.0)),
    ("c1_test_mixed", "heavy", mixed(**Z_HEAVY), mixed(**Z_STUDENT, link=1.5)),
    (
        "c1_test_mixed_per_class",
        "mixed and heavy",
        mixed(scale=True, **Z_HEAVY),
        mixed(scale=True, **Z_STUDENT, link=1.5),
    ),
    ("c1_test_permuted_residuals", "Gaussian", continuous(), continuous(link=1.5)),
    ("c1_test_permuted_residuals", "heavy", continuous(**HEAVY), continuous(**HEAVY, link=4.0)),
    ("c1_test_permuted_residuals", "mixed", mixed(scale=True), mixed(scale=True, link=1.0)),
    (
        "c1_test_permuted_residuals",
        "mixed and heavy",
        mixed(scale=True, **HEAVY),
        mixed(scale=True, **HEAVY, link=4.0),
    ),
    ("c2_test_permuted_residuals", "Gaussian", for_c2(), for_c2(link=1.5)),
    ("c2_test_permuted_residuals", "heavy", for_c2(**C2_HEAVY), for_c2(**C2_HEAVY, link=4.0)),
    (
        "c2_test_permuted_residuals",
        "discrete",
        for_c2(kind="discrete", x_law=cauchy),
        for_c2(kind="discrete", link=5.0),
    ),
    ("c2_test_permuted_residuals", "mixed", for_c2(kind="mixed"), for_c2(kind="mixed", link=1.5)),
    ("c1_test_per_column", "Gaussian", continuous(), continuous(link=1.5)),
    ("c1_test_per_column", "mixed and heavy", mixed(**Z_HEAVY), mixed(**Z_STUDENT, link=1.5)),
    ("ci_test_kernel", "Gaussian", bent(y_continuous), BENT["Gaussian"]),
    (
        "ci_test_kernel",
        "heavy",
        bent(y_continuous, law=student),
        bent(y_continuous, n=200, law=student, link=1.0),
    ),
    ("ci_test_kernel", "discrete", bent(y_discrete), BENT["discrete"]),
    ("ci_test_kernel", "mixed", bent(y_mixed), BENT["mixed"]),
]


def rejections(name, draw, sets, seed):
    """On how many of so many data sets the test rejects."""
    rng, own = np.random.default_rng(seed).spawn(2)
    test, options = ON_ROWS.get(name, getattr(criteria, name)), OPTIONS.get(name, {})
    options = options | ({"rng": own} if options else {})
    return sum(test(*draw(rng), **options).p_value <= LEVEL for _ in range(sets))


def interval(sets):
    return stats.binom.interval(1 - FALSE_ALARM / len(ROWS), sets, LEVEL)


def case(row):
    return pytest.param(*row, id=f"{row[0]}-{row[1]}")


@pytest.mark.parametrize(("name", "kind", "holds", "fails"), list(map(case, ROWS)))
def test_it_rejects_as_often_as_it_says_and_often_where_it_should(name, kind, holds, fails):
    seed = [len(name), len(kind)]
    low, high = interval(SETS)
    assert low <= rejections(name, holds, SETS, seed) <= high
    assert rejections(name, fails, POWER_SETS, seed) >= POWER * POWER_SETS


def p_values():
    """The public functions of the package that answer with a p-value, by their docstrings."""
    for info in pkgutil.walk_packages(sslboost.__path__, "sslboost."):
        if info.name.startswith("sslboost.images") or info.name.endswith("__main__"):
            continue
        for name, function in vars(import_module(info.name)).items():
            if inspect.isfunction(function) and not name.startswith("_"):
                told = (function.__doc__ or "").partition("Returns\n    -------\n")[2]
                if told.startswith("    CriterionTest"):
                    yield name


def test_every_public_p_value_is_calibrated_above():
    assert {name for name, *_ in ROWS} == set(p_values())
    assert not set(OPTIONS) - set(p_values())


#: What the docstrings say a test cannot do, with the kind of error that follows.
BROKEN = [
    ("c1_test", "heavy tails on both sides", continuous(**HEAVY), "too often"),
    ("c1_test", "classes of other scales", one_hot(discrete()), "too often"),
    ("c1_test", "classes of other slopes", as_columns(mixed()), "too often"),
    ("c2_test", "heavy tails on both sides", for_c2(**C2_HEAVY), "too often"),
    ("c1_test_pooled", "no fourth moment", discrete(100, **HEAVY), "too seldom"),
    ("c1_test_mixed", "classes of other scales", mixed(scale=True), "too often"),
    (
        "c1_test_permuted_residuals",
        "classes not told",
        lambda rng: mixed(scale=True, slopes=False)(rng)[:3],
        "too often",
    ),
    ("ci_test_kernel", "no mean", bent(y_continuous, law=cauchy), "too seldom"),
    ("ci_test_kernel", "means that bend", bent(y_continuous, bend=6.0), "too often"),
]


@pytest.mark.parametrize(("name", "why", "holds", "error"), list(map(case, BROKEN)))
def test_outside_its_conditions_the_count_leaves_the_interval(name, why, holds, error):
    sets = 500 if error == "too often" else 1500
    low, high = interval(sets)
    count = rejections(name, holds, sets, [len(name), len(why)])
    assert count > high if error == "too often" else count < low


@pytest.mark.parametrize(("name", "draw"), list(BENT.items()))
def test_a_linear_test_is_blind_where_the_kernel_sees(name, draw):
    """The square of a symmetric variable is uncorrelated with it, and tells it up to its sign.

    Wilks' Lambda rejects in 12 %: for uniform f the covariance has 11/7 of the variance that it
    has under independence.
    """
    assert rejections("c1_test", draw, 2 * POWER_SETS, len(name)) < POWER * POWER_SETS / 2
    assert rejections("ci_test_kernel", draw, 2 * POWER_SETS, len(name)) > 2 * POWER * POWER_SETS


def test_naming_columns_names_a_wrong_one_as_seldom_as_it_says():
    """One coordinate of z breaks (C1), two do not: Holm names one of these at 5 % at most."""
    sets, draw = 500, continuous(d_z=3, link=1.5)
    high, rng = interval(sets)[1], np.random.default_rng(3)
    parts = [criteria.c1_test_per_column(*draw(rng)).parts for _ in range(sets)]
    found = np.array([[part.p_value <= LEVEL for part in columns] for columns in parts])
    unadjusted = [[stats.f.sf(p.statistic, *p.df) for p in columns] for columns in parts]
    assert found[:, 0].mean() > 0.9
    assert found[:, 1:].any(axis=1).sum() <= high
    wrongly = (np.array(unadjusted)[:, 1:] <= LEVEL).any(axis=1)
    assert wrongly.mean() > 0.075  # Control: 1 - 0.95^2 = 0.0975, less two standard errors.
