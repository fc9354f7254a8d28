"""Least squares that a network can be trained through (torch)."""

import torch


def explained(F, T):
    """Return (1/n) (||T||^2 - min_W ||T - F W||^2) for every network of a batch.

    The inner minimum is attained by least squares; through its closed form the objective is
    differentiated in the network alone, with the best head at every step.

    Parameters
    ----------
    F : tensor (networks, n, d_f)
        Features.
    T : tensor (networks, n, d)
        Targets.

    Returns
    -------
    tensor (networks,)

    Raises
    ------
    ValueError
        If the shapes do not match.

    Source: slide "How to Obtain f ? (Cont.)", the heads W_1 and W_2 of the training loss.
    """
    if F.ndim != 3 or T.ndim != 3 or F.shape[:2] != T.shape[:2]:
        raise ValueError(f"F and T must share two axes, got {tuple(F.shape)}, {tuple(T.shape)}")
    n = F.shape[1]
    gram = F.mT @ F / n
    # Rounding may make a singular Gram matrix indefinite: a part in a million keeps it positive.
    jitter = 1e-6 * gram.diagonal(dim1=1, dim2=2).mean(dim=1) + 1e-30
    gram = gram + jitter[:, None, None] * torch.eye(F.shape[2], dtype=F.dtype, device=F.device)
    root = torch.linalg.cholesky(gram)
    half = torch.linalg.solve_triangular(root, F.mT @ T / n, upper=False)
    return half.square().sum(dim=(1, 2))
