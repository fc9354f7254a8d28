"""The batched minimiser: quadratics have a closed form, and no step goes up."""

import numpy as np
import pytest

from sslboost.core.lbfgs import minimise

EPS = np.finfo(float).eps


def quadratics(count, r, k, seed):
    """f(C) = tr (C - M)' H (C - M) / 2 for each of a batch, and its minimiser M."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((count, r, r))
    H, M = root @ root.mT + np.eye(r), rng.standard_normal((count, r, k))

    def objective(C, members):
        gradient = H[members] @ (C - M[members])
        return np.sum((C - M[members]) * gradient, axis=(1, 2)) / 2, gradient

    return objective, H, M


def identity(G, members):
    return G


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_quadratics_end_at_their_minima_each_by_its_own_tolerance(scale):
    objective, _, M = quadratics(5, 6, 2, 0)

    def scaled(C, members):
        value, gradient = objective(C, members)
        return scale * value, scale * gradient

    tolerance = scale * np.array([1e-3, 1e-6, 1e-9, 1e-9, 1e-9])
    found = minimise(scaled, identity, np.zeros_like(M), tolerance=tolerance, max_iterations=500)
    gradient = np.linalg.norm(scaled(found, np.arange(5))[1], axis=(1, 2))
    assert (gradient <= tolerance).all()
    # The smallest curvature is at least 1.
    assert (np.linalg.norm(found - M, axis=(1, 2)) <= tolerance / scale).all()


def test_members_do_not_depend_on_one_another():
    objective, _, M = quadratics(4, 5, 1, 1)
    options = {"tolerance": np.full(4, 1e-10), "max_iterations": 7}
    together = minimise(objective, identity, np.zeros_like(M), **options)
    for i in range(4):
        alone = minimise(
            lambda C, members, i=i: objective(C, members + i),
            identity,
            np.zeros_like(M[i : i + 1]),
            tolerance=np.full(1, 1e-10),
            max_iterations=7,
        )
        assert together[i] == pytest.approx(alone[0], rel=1e-9)


def test_the_inverse_hessian_as_a_guess_is_one_step():
    objective, H, M = quadratics(3, 5, 2, 2)
    found = minimise(
        objective,
        lambda G, members: np.linalg.solve(H[members], G),
        M + 0.01,  # within the first step's length of 1
        tolerance=np.full(3, 1e-12),
        max_iterations=1,
    )
    assert np.abs(found - M).max() <= 1e3 * EPS * np.linalg.cond(H).max()


def test_it_is_never_worse_than_the_start_and_the_start_stays_as_it_was():
    def steep(C, members):
        """Finite at the start and infinite a little further."""
        inside = np.abs(C).max(axis=(1, 2)) < 1
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(inside, -np.log1p(-np.abs(C).max(axis=(1, 2))), np.inf)
        return value, np.sign(C) * 1e3

    start = np.full((2, 3, 1), 0.5)
    before = start.copy()
    found = minimise(steep, identity, start, tolerance=np.zeros(2), max_iterations=20)
    assert np.array_equal(start, before)
    everyone = np.arange(2)
    assert (steep(found, everyone)[0] <= steep(start, everyone)[0]).all()


def test_a_step_that_goes_too_far_is_shortened():
    """The first step has length 1, ten times too far for this curvature."""

    def narrow(C, members):
        return 50 * np.sum(C**2, axis=(1, 2)), 100 * C

    start = np.full((1, 1, 1), 0.1)
    found = minimise(narrow, identity, start, tolerance=np.zeros(1), max_iterations=1)
    assert 0 < np.abs(found).item() < 0.1 or found.item() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": 3}, "objective must be callable"),
        ({"precondition": None}, "precondition must be callable"),
        ({"start": np.zeros((2, 2))}, "start must have 3 axes"),
        ({"start": np.full((1, 2, 2), np.nan)}, "start must be finite"),
        ({"tolerance": np.zeros(3)}, "tolerance must hold 1 numbers"),
        ({"tolerance": -np.ones(1)}, "tolerance must hold 1 numbers"),
        ({"max_iterations": 0}, "max_iterations must be a positive integer"),
    ],
)
def test_bad_input_names_the_argument(changes, message):
    right = {"objective": quadratics(1, 2, 2, 0)[0], "precondition": identity}
    right |= {"start": np.zeros((1, 2, 2)), "tolerance": np.ones(1), "max_iterations": 3}
    with pytest.raises(ValueError, match=message):
        minimise(**right | changes)
