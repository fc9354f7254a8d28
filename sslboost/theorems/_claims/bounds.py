"""Chapters 5 and 6: general losses, capacity, and the model-dependent lower bound."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from sslboost.bounds import capacity, model_free
from sslboost.bounds.model_dependent import empirical_excess, memorising_processor, tail_processor
from sslboost.core.certificate import Certificate
from sslboost.core.linalg import square_root
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap
from sslboost.theorems._claims.processor import small_family
from sslboost.theorems._theorem import FALSE_ALARM, Theorem

_GENERAL, _CAPACITY = "05-theorem-3", "06-theorem-4"
_SLIDE_3 = 'slide "More General Loss", Theorem 3'
_SLIDE_CAPACITY = 'slide "Model-Dependent Result", Definition 1'
_SLIDE_4 = 'slide "Model-Dependent Result (Cont.)", Theorem 4'


def _norm(p):
    return lambda residual, population: np.linalg.norm(residual, ord=p, axis=1)


def _mahalanobis(residual, population):
    factor = np.linalg.cholesky(population.block("z", "z"))
    return np.linalg.norm(np.linalg.solve(factor, residual.T), axis=0)


#: The losses (g, rho) of Theorem 3: g on [0, inf), and the norm of the pretext residual.
LOSSES = {
    "squared error": (np.square, _norm(2)),
    "absolute error": (lambda r: r, _norm(2)),
    "Huber's loss": (lambda r: np.where(r < 5, r**2 / 2, 5 * r - 12.5), _norm(2)),
    "log cosh": (lambda r: np.logaddexp(r / 4, -r / 4), _norm(2)),
    "log(1 + r)": (np.log1p, _norm(2)),
    "squared l1 norm": (np.square, _norm(1)),
    "largest coordinate": (lambda r: r, _norm(np.inf)),
    "Mahalanobis distance": (lambda r: r, _mahalanobis),
}


@dataclass(frozen=True)
class _General:
    """A loss, the interpolant on N that the proof constructs, and the sample it interpolates."""

    population: GaussianPopulation
    g: Callable
    rho: Callable
    A: np.ndarray
    X: np.ndarray
    Y: np.ndarray


def _told(law):
    """The law with E[z | x] in the place of z, which x tells completely: Cov[z | x] = 0."""
    T, z = np.eye(len(law.cov)), slice(law.d_x, law.d_x + law.d_z)
    T[z] = law.best_linear("z", "x") @ T[: law.d_x]
    return GaussianPopulation(T @ law.cov @ T.T, law.d_x, law.d_z, law.d_y)


def _general(rng, name, sign=1, told=False):
    """``sign = -1`` turns g into a decreasing function."""
    population, (g, rho) = small_family(rng), LOSSES[name]
    population = _told(population) if told else population
    X, _, Y = population.sample(population.m, rng)
    A = model_free.fit_on_N(population, X, Y)
    return _General(population, lambda r: sign * g(r), rho, A, X, Y)


def _beats_every_f_with_c2(problem, rng, n=20_000):
    """E g(rho(z, W* f)) of the interpolant less that of y_hat, and its fit of the labels."""
    population = problem.population
    X, Z, _ = population.sample(n, rng)

    def losses(A):
        cov = A @ population.block("x", "x") @ A.T
        W = np.linalg.solve(cov, A @ population.block("x", "z")).T
        return problem.g(problem.rho(Z - X @ A.T @ W.T, population))

    gain = losses(problem.A) - losses(population.best_linear("y", "x"))
    misfit = np.abs(problem.Y - problem.X @ problem.A.T).max()
    noise = stats.norm.isf(FALSE_ALARM) * gain.std(ddof=1) / np.sqrt(n)
    return Certificate("", float(gain.mean()), float(misfit), -float(noise), at_least=True)


def _general_theorem(name, told=False):
    return Theorem(
        f"Theorem 3 for {name}" + " where x tells all of z" * told,
        _GENERAL,
        r"for $n_0 \le m$ the interpolant that is blind to $z$ has less loss than any $f$ "
        r"with (C2)" + r", also where $\operatorname{Cov}[z \mid x] = 0$" * told,
        _SLIDE_3,
        ("g strictly increasing", "λ > 0", "z Gaussian", "all centred", "ŷ tells of z", "n₀ ≤ m"),
        lambda rng: _general(rng, name, told=told),
        _beats_every_f_with_c2,
        lambda rng: _general(rng, name, sign=-1, told=told),
        "thm-general-loss",
    )


def _heads(rng, gaussian, n=100_000):
    """A target, a processor's outputs, the least-squares head of their law, and a loss."""
    if not gaussian:
        f, residual = rng.standard_normal((n, 1)), rng.choice([-1.0, 1.0], (n, 1))
        return residual + 0.8 * f, f, np.array([[0.8]]), lambda r: np.sqrt(np.abs(r[:, 0]))
    cov = np.cov(rng.standard_normal((5, 12)))
    z, f = np.split(rng.standard_normal((n, 5)) @ square_root(cov).T, [2], axis=1)
    g, rho = LOSSES[rng.choice(["absolute error", "log(1 + r)", "squared l1 norm"])]
    return z, f, np.linalg.solve(cov[2:, 2:], cov[2:, :2]), lambda r: g(rho(r, None))


def _no_head_is_better(problem, rng):
    """The least excess of other heads, the zero head among them, over that of least squares."""
    z, f, W, loss = problem
    others = [0 * W, *(W + rng.uniform(-1, 1) * rng.standard_normal((20, *W.shape)))]
    excess = np.array([loss(z - f @ other) - loss(z - f @ W) for other in others])
    error = stats.norm.isf(FALSE_ALARM / len(excess)) * stats.sem(excess, axis=1)
    return Certificate("", float(min(excess.mean(axis=1) + error)), 0.0, at_least=True)


@dataclass(frozen=True)
class _Memory:
    """A function that was built to interpolate points, and the points."""

    network: Callable
    X: np.ndarray
    Y: np.ndarray


def _memory(rng, build, points, built_on):
    """A network built on the first ``built_on`` of the points."""
    X, Y = rng.standard_normal((points, 40)), rng.standard_normal((points, 3))
    return _Memory(build(X[:built_on], Y[:built_on]), X, Y)


def _interpolates(problem, rng):
    """Largest error at the points, by running the network; rounding grows with its slopes."""
    error = np.abs(problem.network(problem.X) - problem.Y).max()
    return Certificate("", float(error), tolerance=1e-6)


def _capacity_theorem(name, statement, build, points, best=None):
    return Theorem(
        name,
        _CAPACITY,
        statement,
        _SLIDE_CAPACITY,
        ("no more points than the construction has room for", "points in general position"),
        lambda rng: _memory(rng, build, points, points),
        _interpolates,
        lambda rng: _memory(rng, best or build, points + 1, points + (best is not None)),
        "thm-capacity",
    )


def _two_layers(X, Y):
    return capacity.memorise(X, Y, (256,), 0)


def _three_layers(X, Y):
    return capacity.memorise(X, Y, (200, 128, 160), 0)


@dataclass(frozen=True)
class _Memorised:
    """A composed processor and the extra sample that it should have memorised."""

    population: GaussianPopulation
    f: Callable
    X: np.ndarray
    Y: np.ndarray


def _memorised(rng, n0, width):
    """f1 has ``width`` neurons and memorises as many of the n0 labels as it can."""
    population = small_family(rng)
    X, _, Y = population.sample(n0, rng)
    room = min(n0, width)
    f = memorising_processor(population, X[:room], Y[:room], (width,), rng)
    return _Memorised(population, f, X, Y)


def _below_every_f_with_c2(problem, rng, lam=0.2, n1=20_000):
    """Loss of f less that of y_hat without its label term, both on fresh pretext samples."""
    population, X, Y = problem.population, problem.X, problem.Y
    A = population.best_linear("y", "x")
    of_f = sum(empirical_excess(population, problem.f, lam, X, Y, n1, rng))
    of_yhat = empirical_excess(population, lambda x: x @ A.T, lam, X, Y, n1, rng)[1]
    return Certificate("", float(of_f), float(of_yhat))


def _tail(rng, reach, n0=5000):
    """The network that cancels its covariance in the tail, with outputs clipped at +-reach."""
    population = small_family(rng)
    X, _, Y = population.sample(n0, rng)
    network = tail_processor(population, X)
    return _Memorised(population, lambda x: np.clip(network(x), -reach, reach), X, Y)


def _stretched(population, rng, n1=100_000, stretch=2.0):
    """Inputs drawn more often far out along E[y | x], and the roots of their weights."""
    A = population.whitening.unwhiten(population.U).T
    X, _, _ = population.sample(n1, rng)
    u = X @ A.T  # independent standard normal: stretched, and weighted by the ratio of densities
    X = X + (stretch - 1) * u @ (A @ population.block("x", "x"))
    weight = stretch ** u.shape[1] * np.exp((1 - stretch**2) * np.sum(u**2, axis=1) / 2)
    return X, np.sqrt(weight)[:, None]


def _above_the_bound(problem, lam, rng):
    """Loss of f above -lam tr cov_zz, with E[z | x] on inputs drawn more often where f is large."""
    population = problem.population
    X, root = _stretched(population, rng)
    F, T = root * problem.f(X), root * (X @ population.best_linear("z", "x").T)
    explained = np.sum((F @ np.linalg.lstsq(F, T, rcond=None)[0]) ** 2) / len(X)
    residual = empirical_excess(population, problem.f, lam, problem.X, problem.Y, 1, rng)[0]
    return float(residual + lam * explained)


def _tail_below_every_f_with_c2(problem, rng):
    """The loss of f against what (C2) costs, with lam so large that this alone decides."""
    population = problem.population
    lam = 2 * population.floor / model_free.explained_by_yhat(population)
    loss = _above_the_bound(problem, lam, rng)
    return Certificate("", loss, model_free.margin(population, lam))


def _tail_below_every_linear_f_with_c2(problem, rng):
    """The same with a smaller lam: what fits the labels best of all has to pay as well."""
    population, X, Y = problem.population, problem.X, problem.Y
    lam = rng.uniform(0.1, 0.5) * population.floor / model_free.explained_by_yhat(population)
    best = np.sum((Y - X @ np.linalg.lstsq(X, Y, rcond=None)[0]) ** 2) / len(X)
    bound = best + model_free.margin(population, lam)
    return Certificate("", _above_the_bound(problem, lam, rng), float(bound))


def _read(rng, reach):
    """A tail network, its outputs set to 0 beyond ``reach`` times where the tail begins."""
    tail = _tail(rng, np.inf)
    u = tail.X @ tail.population.whitening.unwhiten(tail.population.U)
    t = np.abs(u).max(axis=0)

    def cut_off(x):
        f = tail.f(x)
        return np.where(np.abs(f) <= reach * t, f, 0)

    return replace(tail, f=cut_off), t


def _label_is_found_again(problem, rng):
    """Risk of the best head on what is read of f, against Bayes plus what lies in the tail."""
    (read, t), population = problem, problem[0].population
    X, root = _stretched(population, rng)
    F, T = root * read.f(X), root * (X @ population.best_linear("y", "x").T)
    left = np.sum((T - F @ np.linalg.lstsq(F, T, rcond=None)[0]) ** 2, axis=1)
    noise = stats.norm.isf(FALSE_ALARM) * left.std(ddof=1) / np.sqrt(len(X))
    tails = 2 * np.sum(t * stats.norm.pdf(t) + stats.norm.sf(t))
    bound = population.floor + 4 * tails * np.sum(population.K_y**2)
    return Certificate("", float(population.floor + left.mean()), float(bound), float(noise))


THEOREMS = (
    *(_general_theorem(name) for name in LOSSES),
    _general_theorem("absolute error", told=True),
    Theorem(
        "One head for all losses",
        _GENERAL,
        r"for Gaussians no head has a smaller $\mathbb E g(\lVert z-Wf\rVert)$ than that of least "
        r"squares",
        "beyond the slides",
        ("(z, f) Gaussian and centred", "g increasing"),
        lambda rng: _heads(rng, gaussian=True),
        _no_head_is_better,
        lambda rng: _heads(rng, gaussian=False),
        "thm-one-head",
    ),
    _capacity_theorem(
        "Capacity of linear maps",
        r"linear maps of $d$ inputs interpolate $d$ points, and not $d + 1$: capacity $d$",
        capacity.memorise_linear,
        40,
        lambda X, Y: LinearMap(np.linalg.lstsq(X, Y, rcond=None)[0].T, np.zeros(Y.shape[1])),
    ),
    _capacity_theorem(
        "Capacity of two-layer networks",
        r"$k$ ReLU neurons interpolate $k$ points: capacity at least $k$, and so at least $k/4$",
        _two_layers,
        256,
    ),
    _capacity_theorem(
        "Capacity of multi-layer networks",
        r"layers of $k_i$ ReLU neurons interpolate $\min k_i$ points: capacity at least "
        r"$\min k_i/4$",
        _three_layers,
        128,
    ),
    Theorem(
        "Theorem 4 (model-dependent lower bound)",
        _CAPACITY,
        r"for $n_0$ up to the capacity of $F_1$ no minimiser of $L_{\infty,n_0}$ over "
        r"$F_1 \circ F_2$ meets (C1) and (C2)",
        _SLIDE_4,
        ("n₀ ≤ capacity of F₁", "some f₂(x) is independent of z", "y_hat explains some of z"),
        lambda rng: _memorised(rng, 200, 200),
        _below_every_f_with_c2,
        lambda rng: _memorised(rng, 200, 25),
        "thm-model-dependent",
    ),
    Theorem(
        "Beyond capacity",
        _CAPACITY,
        r"where $\operatorname{tr}\operatorname{Cov}[y \mid x] < \lambda e_z$, $4d_y$ "
        r"neurons have less loss than any $f$ with (C2)",
        "beyond the slides",
        ("unbounded outputs", "tr Cov[y | x] < λ e_z"),
        lambda rng: _tail(rng, np.inf),
        _tail_below_every_f_with_c2,
        lambda rng: _tail(rng, 4.0),
        "thm-tail",
    ),
    Theorem(
        "What the tail hides is hidden from linear stages",
        _CAPACITY,
        r"a head on the tail network's outputs, cut off at $\pm t_j$, has at most the risk "
        r"$\mathbb E\lVert y-\hat y\rVert^2 + 4\lVert K_y\rVert_F^2 "
        r"\sum_j \mathbb E[u_j^2 1\{|u_j|>t_j\}]$",
        "beyond the slides",
        ("the outputs are cut off where the tail begins",),
        lambda rng: _read(rng, 1.0),
        _label_is_found_again,
        lambda rng: _read(rng, np.inf),
        "tail-read",
    ),
    Theorem(
        "Beyond capacity, for every weight",
        _CAPACITY,
        r"with many labels the network of $4d_y$ neurons has less loss than any linear $f$ with "
        r"(C2), also where $\lambda e_z$ is below the Bayes risk",
        "beyond the slides",
        ("n₀ large against the parameters of the class", "y_hat explains some of z"),
        lambda rng: _tail(rng, np.inf),
        _tail_below_every_linear_f_with_c2,
        lambda rng: _tail(rng, np.inf, n0=31),
        "thm-tail-every-weight",
    ),
)
