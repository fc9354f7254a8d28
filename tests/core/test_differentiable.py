"""Least squares in closed form: its value, its gradient, and the units of a feature."""

import numpy as np
import pytest
import torch

from sslboost.core.differentiable import explained

#: A part in a million is added to the variance of each feature, to keep the Gram matrix definite.
JITTER = 1e-6


def draw(seed=0, networks=2, n=50, d_f=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((networks, n, d_f)), rng.standard_normal((networks, n, 2))


def exactly(F, T):
    left = T - F @ np.linalg.lstsq(F, T, rcond=None)[0]
    return (np.sum(T**2) - np.sum(left**2)) / len(F)


def test_it_is_what_least_squares_explains_and_differentiates():
    F, T = draw()
    found = explained(torch.tensor(F), torch.tensor(T))
    for i in range(2):
        units = F[i] / np.sqrt(np.mean(F[i] ** 2, axis=0))
        bound = JITTER * np.linalg.cond(units) ** 2  # relative change of the inverse
        assert found[i].item() == pytest.approx(exactly(F[i], T[i]), rel=bound)
        assert found[i].item() != pytest.approx(2 * exactly(F[i], T[i]), rel=bound)
    assert torch.autograd.gradcheck(
        lambda f: explained(f, torch.tensor(T)), torch.tensor(F, requires_grad=True)
    )


@pytest.mark.parametrize("s", [1e-12, 1e-4, 1e4, 1e12])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_units_of_a_feature_do_not_matter(s, dtype):
    F, T = draw(1)
    units = torch.tensor([1.0, s, 1 / s], dtype=dtype)
    F, T = torch.tensor(F, dtype=dtype), torch.tensor(T, dtype=dtype)
    rounding = 1e3 * torch.finfo(dtype).eps
    plain = explained(F, T)
    assert (explained(F * units, T) / plain - 1).abs().max() <= rounding
    # Control: a feature more is noticed.
    assert (explained(F[:, :, :2], T) / plain - 1).abs().max() > 1e-3


def test_copies_and_constants_of_zero_explain_nothing_more():
    F, T = (torch.tensor(part) for part in draw(2))
    wide = torch.cat([F, F[:, :, :1], torch.zeros_like(F[:, :, :1])], dim=2).requires_grad_()
    value = explained(wide, T)
    # A copy halves the jitter on its direction: no more than the jitter's own effect.
    assert (value / explained(F, T) - 1).abs().max() <= 1e2 * JITTER
    value.sum().backward()
    assert torch.isfinite(wide.grad).all()


@pytest.mark.parametrize(
    ("F", "T", "message"),
    [
        (np.ones((1, 4, 2)), torch.ones(1, 4, 2), "F must be a Tensor, got ndarray"),
        (torch.ones(1, 4, 2), None, "T must be a Tensor, got NoneType"),
        (torch.ones(4, 2), torch.ones(1, 4, 2), "F and T must share two axes"),
        (torch.ones(1, 4, 2), torch.ones(1, 3, 2), "F and T must share two axes"),
        (torch.ones(1, 0, 2), torch.ones(1, 0, 2), "F and T must share two axes"),
        (torch.ones(1, 4, 2), torch.ones(1, 4, 2).double(), "floats of one dtype"),
        (torch.ones(1, 4, 2).long(), torch.ones(1, 4, 2).long(), "floats of one dtype"),
        (torch.full((1, 4, 2), torch.nan), torch.ones(1, 4, 2), "F must be finite"),
        (torch.ones(1, 4, 2), torch.full((1, 4, 2), torch.inf), "T must be finite"),
    ],
)
def test_bad_input_names_the_argument(F, T, message):
    with pytest.raises(ValueError, match=message):
        explained(F, T)
