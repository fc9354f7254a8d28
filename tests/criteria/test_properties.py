"""Gaps and tests of every shape of population and sample, in fifty digits and rewritten."""

import exact
import numpy as np
import pytest
import torch
from exact import Exact, rounded
from hypothesis import assume, given
from hypothesis import strategies as st
from populations import EPS, changed, conditioning, coordinates, populations, processors, twins
from scipy import stats

from sslboost import criteria


def bound(population):
    """In correlation units; the constant covers sums over at most fifteen coordinates."""
    return 10 * EPS * conditioning(population.cov)


def total(population):
    return np.trace(population.block("y", "y"))


@given(populations(links=False, most=4), st.data())
def test_gaps_keep_their_digits(population, data):
    A, full = data.draw(processors(population)), Exact(population)
    found = criteria.c1_gap(population, A) ** 2
    assert abs(found - float(full.c1_gap(A)) ** 2) < bound(population)
    found = criteria.c2_gap(population, A)
    assert abs(found - float(full.c2_gap(A))) < bound(population) * total(population)
    everything = np.eye(population.d_x)
    sd = np.sqrt(np.diag(population.block("z", "z")))
    whole = float(full.c1_gap(everything)) ** 2
    assert abs(np.sum(criteria.ci_defect(population) ** 2) - whole) < bound(population)
    assert criteria.epsilon_ci(population) == pytest.approx(
        np.linalg.norm(criteria.ci_defect(population) * sd), rel=8 * EPS
    )


@given(populations(decades=2.0, most=4))
def test_the_existence_gap_is_that_of_the_best_predictor(population):
    assume(population.d_y <= population.d_x)
    full = Exact(population)
    A = full.best_linear("y", "x")
    cond = conditioning(rounded(A * full.block("x", "y")))  # of what is predicted, Cov[E[y | x]]
    found, oracle = criteria.existence_gap(population) ** 2, float(full.c1_gap(rounded(A))) ** 2
    assert abs(found - oracle) < bound(population) * cond


@given(populations(), st.data())
def test_gaps_do_not_depend_on_how_the_population_is_written(population, data):
    A = data.draw(processors(population))
    x, z, y = coordinates(population)
    copies = data.draw(st.lists(st.sampled_from(list(x)), max_size=2))
    wide = [np.concatenate([x, copies]), data.draw(st.permutations(list(z))), y]
    powers = data.draw(st.lists(st.integers(-6, 6), min_size=20, max_size=20))
    units = np.resize(10.0 ** np.array(powers), sum(len(part) for part in wide))
    units[-len(y) :] = 1
    other = changed(population, wide, units)
    B = np.hstack([A, np.zeros((len(A), len(copies)))]) / units[: len(wide[0])]
    B = np.vstack([1e9 * B, B[:1]])
    tolerance = 30 * bound(population)
    for gap in (criteria.c1_gap, lambda p, M: criteria.existence_gap(p)):
        assert abs(gap(other, B) ** 2 - gap(population, A) ** 2) < tolerance
    gap = criteria.c2_gap(other, B) - criteria.c2_gap(population, A)
    assert abs(gap) < tolerance * total(population)
    (R, k), (R_other, k_other) = criteria.pipeline(population, A), criteria.pipeline(other, B)
    assert k == k_other
    assert abs(np.trace(R) - np.trace(R_other)) < tolerance * total(population)


@st.composite
def samples(draw, *, most=3):
    """Samples F, Z, Y of a few columns each, dependent on each other."""
    widths = [draw(st.integers(1, most)) for _ in range(3)]
    n = sum(widths) + draw(st.integers(3, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.standard_normal((n, sum(widths)))
    mixed = rows @ (np.eye(sum(widths)) + 0.5 * rng.standard_normal((sum(widths),) * 2))
    return np.split(mixed, np.cumsum(widths)[:-1], axis=1)


def conditioning_of(sample):
    """Squared: what a correlation near 1 costs the statistic."""
    rows = np.hstack(sample)
    return np.linalg.cond(rows - rows.mean(axis=0)) ** 2


@given(samples())
def test_wilks_is_a_ratio_of_determinants(sample):
    F, Z, Y = sample
    n, p, q, g = len(F), F.shape[1], Z.shape[1], Y.shape[1]
    s = np.sqrt((p**2 * q**2 - 4) / (p**2 + q**2 - 5)) if p**2 + q**2 > 5 else 1.0
    df = p * q, s * (n - 1 - g - (p + q + 1) / 2) - p * q / 2 + 1
    root = exact.wilks(F, Z, Y) ** (1 / exact.mpmath.mpf(float(s)))
    result = criteria.c1_test(F, Z, Y)
    assert result.df == pytest.approx(df, rel=8 * EPS)
    statistic = float((1 - root) / root) * df[1] / df[0]
    assert result.statistic == pytest.approx(statistic, rel=30 * EPS * conditioning_of(sample))
    assert result.p_value == stats.f.sf(result.statistic, *result.df)


@given(samples(), twins(), st.integers(0, 2))
def test_tests_do_not_depend_on_how_a_sample_is_written(sample, twin, which):
    other = list(sample)
    other[which] = twin(sample[which])
    for test, arguments in [
        (criteria.c1_test, [0, 1, 2]),
        (criteria.c2_test, [2, 0, 1]),
    ]:
        plain = test(*(sample[i] for i in arguments))
        rewritten = test(*(other[i] for i in arguments))
        assert rewritten.df == pytest.approx(plain.df, rel=8 * EPS)
        tolerance = 100 * twin.digits * conditioning_of(sample)
        assert rewritten.statistic == pytest.approx(plain.statistic, rel=tolerance)


@given(samples(most=2), twins(), st.integers(0, 1), st.integers(0, 99))
def test_class_tests_do_not_depend_on_it_either(sample, twin, which, seed):
    rows = [np.tile(part, (3, 1)) for part in sample[:2]]  # enough rows in every class
    rng = np.random.default_rng(seed)
    rows = [part + rng.standard_normal(part.shape) for part in rows]
    labels = np.arange(len(rows[0])) % 2
    other = list(rows)
    other[which] = twin(rows[which])
    for test in (criteria.c1_test_per_class, criteria.c1_test_pooled):
        plain, rewritten = test(*rows, labels), test(*other, labels)
        assert rewritten.df == plain.df
        tolerance = 1e4 * twin.digits * conditioning_of(rows)
        assert rewritten.statistic == pytest.approx(plain.statistic, rel=tolerance)


@given(
    st.lists(st.integers(-(2**31) + 1, 2**31 - 1), min_size=3, max_size=3, unique=True),
    st.sampled_from([int, float, "int8", "uint8", "torch", "torch float"]),
)
def test_labels_mean_the_same_in_every_convention(names, kind):
    rng = np.random.default_rng(0)
    classes = np.arange(60) % 3
    F, Z = rng.standard_normal((2, 60, 2))
    if kind in ("int8", "uint8"):
        names = [name % 127 + i for i, name in enumerate(np.sort(names))]
        if len(set(names)) < 3:
            return
    labels = np.sort(names)[classes]
    if kind == "torch":
        labels = torch.as_tensor(labels)
    elif kind == "torch float":
        labels = torch.as_tensor(labels, dtype=torch.float64)
    else:
        labels = labels.astype(kind)
    for test in (criteria.c1_test_per_class, criteria.c1_test_pooled):
        assert test(F, Z, labels) == test(F, Z, classes)


@given(samples(), twins())
def test_the_empirical_population_does_not_depend_on_how_the_inputs_are_written(sample, twin):
    F, Z, Y = sample
    plain, rewritten = criteria.empirical(F, Z, Y), criteria.empirical(twin(F), Z, Y)
    assert (rewritten.rank_x, rewritten.m) == (plain.rank_x, plain.m)
    cond = conditioning(plain.cov)
    tolerance = 1e3 * twin.digits * cond
    assert abs(rewritten.floor - plain.floor) < tolerance * total(plain)
    assert abs(criteria.existence_gap(rewritten) - criteria.existence_gap(plain)) < tolerance


@given(samples())
def test_single_precision_and_fortran_order_are_the_same_numbers(sample):
    single = [part.astype(np.float32) for part in sample]
    wide = [part.astype(float) for part in single]
    fortran = [np.asfortranarray(part) for part in wide]
    results = [criteria.c1_test(*parts) for parts in (single, wide, fortran)]
    assert results[0] == results[1]
    tolerance = 30 * EPS * conditioning_of(sample)
    assert results[2].statistic == pytest.approx(results[1].statistic, rel=tolerance)
