"""Chapter 7: the three panels of the slides' synthetic experiments."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sslboost.bounds import panels
from sslboost.core.certificate import Certificate
from sslboost.theorems._theorem import FALSE_ALARM, Theorem

_CHAPTER = "07-three-panels"
_SLIDE = 'slide "Experiments", panel'


@dataclass(frozen=True)
class _Settings:
    """Two settings of the experiment, whose processed risks are compared."""

    first: dict
    second: dict


def _risks(setting, rng):
    """Processed risks over 24 seeds, as shares of tr cov_yy."""
    defaults = {"n0": 40, "lam": 0.25, "d_f": 2, "n1": np.inf, "n2": np.inf}
    rows = panels.cell(**defaults | setting, rng=rng)
    return np.array([row["processed"] for row in rows]) / panels.population().d_y


def _noise(*samples):
    variance = sum(s.var(ddof=1) / len(s) for s in samples)
    return float(stats.t.isf(FALSE_ALARM / 2, len(samples[0]) - 1) * np.sqrt(variance))


def _worse_than_plain(problem, rng):
    """Simulated processed risk against the exact one of plain SSL with as many labels."""
    risks = _risks(problem.first, rng)
    plain = panels.reference(problem.first["n2"])["plain"]
    return Certificate("", float(risks.mean()), plain, -_noise(risks), at_least=True)


def _second_is_worse(problem, rng):
    """The second setting's risk is above the first's, by a twentieth of tr cov_yy at least."""
    first, second = _risks(problem.first, rng), _risks(problem.second, rng)
    difference = float(second.mean() - first.mean())
    return Certificate("", difference, 0.05, -_noise(first, second), at_least=True)


def _same_risk(problem, rng):
    first, second = _risks(problem.first, rng), _risks(problem.second, rng)
    return Certificate("", float(abs(second.mean() - first.mean())), 0.0, _noise(first, second))


def _nothing_left(problem, rng):
    risks = _risks(problem.first, rng)
    return Certificate("", float(np.abs(risks - 1).max()), tolerance=1e-8)


def _panel(letter, name, statement, assumption, check, settings, control):
    return Theorem(
        name,
        _CHAPTER,
        statement,
        f"{_SLIDE} ({letter})",
        (assumption,),
        lambda rng: _Settings(*settings),
        check,
        lambda rng: _Settings(*control),
        f"panel-{letter}",
    )


THEOREMS = (
    _panel(
        "a",
        "Panel (a), error against n₀",
        "with too few extra labels the processed pipeline does worse than plain SSL",
        "n₀ is too small",
        _worse_than_plain,
        ({"n0": 200, "n2": 100}, {}),
        ({"n0": 8000, "n2": 100}, {}),
    ),
    _panel(
        "b",
        "Panel (b), large λ hurts",
        r"past the threshold the error grows with $\lambda$",
        "n₀ > m",
        _second_is_worse,
        ({"n0": 200, "lam": 0.1}, {"n0": 200, "lam": 0.9}),
        ({"n0": 40, "lam": 0.1}, {"n0": 40, "lam": 0.9}),
    ),
    _panel(
        "c",
        "Panel (c), linear processors",
        r"for linear processors the error does not depend on $d_f$ once $d_f \ge d_y$",
        "d_f ≥ d_y",
        _same_risk,
        ({"n0": 200, "d_f": 2}, {"n0": 200, "d_f": 60}),
        ({"n0": 200, "d_f": 1}, {"n0": 200, "d_f": 60}),
    ),
    _panel(
        "c",
        "Panel (c), capacity that grows with d_f",
        r"with $d_f$ ReLU units nothing of $y$ is left once $n_0 \le d_f - "
        r"\operatorname{rank}\operatorname{Cov}[\text{units}, z]$",
        "n₀ ≤ d_f − rank Cov[units, z]",
        _nothing_left,
        ({"n0": 40, "d_f": 50, "units": 50}, {}),
        ({"n0": 40, "d_f": 45, "units": 45}, {}),
    ),
)
