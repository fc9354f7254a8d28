"""Minimisation of many small smooth functions at once, by L-BFGS on a batch."""

import numpy as np

from sslboost.core.validation import as_array, as_count, takes

_MEMORY = 12
_SUFFICIENT = 1e-4
_MAX_HALVINGS = 30
_FLAT = 1e-10


@takes(objective=callable, precondition=callable)
def minimise(objective, precondition, start, *, tolerance, max_iterations):
    """Minimise ``b`` functions of an ``(r, k)`` matrix each, independently of one another.

    Parameters
    ----------
    objective : callable
        ``objective(C, members)`` returns values (len(members),) and gradients of the functions
        numbered ``members`` at ``C`` (len(members), r, k).
    precondition : callable
        ``precondition(G, members)`` applies a positive definite guess of the inverse Hessians,
        up to scale, to ``G`` (len(members), r, k).
    start : array (b, r, k)
        Where the functions are finite.
    tolerance : array (b,)
        A function is done when the norm of its gradient is at most this.
    max_iterations : int

    Returns
    -------
    C : array (b, r, k)
        Never worse than the start: every step lowers the function.

    Raises
    ------
    ValueError
        If there is not one tolerance for each function, or an argument is out of range.
    """
    start, tolerance = as_array("start", start, 3), as_array("tolerance", tolerance, 1)
    if len(tolerance) != len(start) or (tolerance < 0).any():
        raise ValueError(f"tolerance must hold {len(start)} numbers >= 0, got {tolerance}")
    max_iterations = as_count("max_iterations", max_iterations)
    C = start.copy()
    live = np.arange(len(C))
    x = C.copy()
    value, gradient = objective(x, live)
    steps, changes = [], []
    for _ in range(max_iterations):
        if len(live) == 0:
            break
        direction = _direction(gradient, steps, changes, precondition, live)
        x_new, value_new, gradient_new, moved = _line_search(
            objective, x, value, gradient, direction, live, first=not steps
        )
        steps.append(x_new - x)
        changes.append(gradient_new - gradient)
        del steps[:-_MEMORY], changes[:-_MEMORY]
        x, value, gradient = x_new, value_new, gradient_new
        C[live] = x
        keep = (_norms(gradient) > tolerance[live]) & moved
        if not keep.all():
            live, x, value, gradient = live[keep], x[keep], value[keep], gradient[keep]
            steps, changes = [s[keep] for s in steps], [c[keep] for c in changes]
    return C


def _dots(a, b):
    return np.einsum("brk,brk->b", a, b)


def _norms(a):
    return np.sqrt(_dots(a, a))


def _direction(gradient, steps, changes, precondition, live):
    """The two-loop recursion; pairs without positive curvature are passed over."""
    q = gradient.copy()
    weights = []
    for s, c in zip(reversed(steps), reversed(changes), strict=True):
        curvature = _dots(s, c)
        usable = curvature > _FLAT * _norms(s) * _norms(c)
        rho = np.where(usable, 1 / np.where(usable, curvature, 1), 0)
        a = rho * _dots(s, q)
        q -= a[:, None, None] * c
        weights.append((rho, a))
    q = precondition(q, live)
    if steps:
        curvature, length = (
            _dots(steps[-1], changes[-1]),
            _dots(changes[-1], precondition(changes[-1], live)),
        )
        usable = weights[0][0] > 0
        q *= np.where(usable, curvature / np.where(usable, length, 1), 1)[:, None, None]
    for s, c, (rho, a) in zip(steps, changes, reversed(weights), strict=True):
        q += (a - rho * _dots(c, q))[:, None, None] * s
    return -q


def _line_search(objective, x, value, gradient, direction, live, *, first):
    """Backtrack by quadratic interpolation until every function has gone down enough."""
    slope = _dots(gradient, direction)
    uphill = slope >= 0
    direction = np.where(uphill[:, None, None], -gradient, direction)
    slope = np.where(uphill, -_dots(gradient, gradient), slope)
    length = _norms(direction)
    step = np.minimum(1, 1 / np.where(length > 0, length, 1)) if first else np.ones(len(x))
    x_new, value_new, gradient_new = x.copy(), value.copy(), gradient.copy()
    moved = np.zeros(len(x), bool)
    todo = np.arange(len(x))
    for _ in range(_MAX_HALVINGS):
        trial = x[todo] + step[todo, None, None] * direction[todo]
        f, g = objective(trial, live[todo])
        # Below rounding a decrease cannot be seen: there a smaller gradient has to do.
        rounding = 4 * np.finfo(float).eps * np.abs(value[todo])
        target = value[todo] + _SUFFICIENT * step[todo] * slope[todo]
        good = (f <= target) | (
            (f <= value[todo] + rounding) & (_norms(g) < _norms(gradient[todo]))
        )
        done = todo[good]
        x_new[done], value_new[done], gradient_new[done] = trial[good], f[good], g[good]
        moved[done] = True
        todo, f = todo[~good], f[~good]
        if len(todo) == 0:
            break
        t = step[todo]
        curve = np.where(np.isfinite(f), f - value[todo] - t * slope[todo], np.inf)
        with np.errstate(over="ignore"):
            t_fit = -slope[todo] * t**2 / (2 * np.maximum(curve, 1e-300))
        step[todo] = np.clip(t_fit, 0.1 * t, 0.5 * t)
    return x_new, value_new, gradient_new, moved
