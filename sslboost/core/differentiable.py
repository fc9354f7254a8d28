"""Least squares that a network can be trained through (torch)."""

import torch

from sslboost.core.validation import takes


@takes(F=torch.Tensor, T=torch.Tensor)
def explained(F, T):
    """Return (1/n) (||T||^2 - min_W ||T - F W||^2) for every network of a batch.

    The inner minimum is attained by least squares; through its closed form the objective is
    differentiated in the network alone, with the best head at every step. Features count in units
    of their own root mean square, so that rescaling one changes nothing.

    Parameters
    ----------
    F : tensor (networks, n, d_f)
        Features.
    T : tensor (networks, n, d)
        Targets, of the same dtype.

    Returns
    -------
    tensor (networks,)

    Raises
    ------
    ValueError
        If they are no tensors of finite floats, or their shapes do not match.

    Source: slide "How to Obtain f ? (Cont.)", the heads W_1 and W_2 of the training loss.
    """
    if F.ndim != 3 or T.ndim != 3 or F.shape[:2] != T.shape[:2] or not F.shape[1]:
        raise ValueError(f"F and T must share two axes, got {tuple(F.shape)}, {tuple(T.shape)}")
    if F.dtype != T.dtype or not F.is_floating_point():
        raise ValueError(f"F and T must be floats of one dtype, got {F.dtype} and {T.dtype}")
    for name, tensor in [("F", F), ("T", T)]:
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} must be finite, got values that are not")
    n = F.shape[1]
    size = F.square().mean(dim=1, keepdim=True).clamp_min(torch.finfo(F.dtype).tiny).sqrt()
    F = F / size
    # Rounding may make a singular correlation matrix indefinite: a part in a million keeps it
    # positive.
    gram = F.mT @ F / n + 1e-6 * torch.eye(F.shape[2], dtype=F.dtype, device=F.device)
    root = torch.linalg.cholesky(gram)
    half = torch.linalg.solve_triangular(root, F.mT @ T / n, upper=False)
    return half.square().sum(dim=(1, 2))
