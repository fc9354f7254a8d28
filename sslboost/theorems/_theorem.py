"""A theorem as an object: what it says, how its instances are made, and how they are judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from sslboost.core.certificate import Certificate

#: Probability that a Monte Carlo check fails although its claim is true.
FALSE_ALARM = 1e-6


@dataclass(frozen=True)
class Theorem:
    """A claim of the book that can be instantiated, checked, and seen to fail.

    Parameters
    ----------
    name : str
        Short name, unique in the registry.
    chapter : str
        File of the chapter that proves it, without extension, as ``"02-criteria"``.
    statement : str
        What is claimed, in words.
    reference : str
        Slide or paper that the claim is from.
    assumptions : tuple of str
        What is assumed; the counterexample drops one of them.
    construct : callable
        ``construct(rng)`` returns a random problem that meets the assumptions, with the object
        that the proof constructs.
    check : callable
        ``check(problem, rng)`` returns a :class:`~sslboost.core.certificate.Certificate`, by a
        route that is not the construction's.
    counterexample : callable
        ``counterexample(rng)`` returns a problem for which the check must fail.
    label : str
        Label of the statement within its chapter, if it has one.
    """

    name: str
    chapter: str
    statement: str
    reference: str
    assumptions: tuple[str, ...]
    construct: Callable[[np.random.Generator], Any]
    check: Callable[[Any, np.random.Generator], Certificate]
    counterexample: Callable[[np.random.Generator], Any]
    label: str = ""

    def certify(self, problem=None, seed=0):
        """Return the certificate of a problem, by default of a random one within the theorem."""
        return self._judge(self.construct, problem, seed)

    def refute(self, seed=0):
        """Return the certificate of the counterexample, which must not hold."""
        return self._judge(self.counterexample, None, seed)

    def _judge(self, make, problem, seed):
        making, judging = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        certificate = self.check(make(making) if problem is None else problem, judging)
        return replace(certificate, claim=f"{self.name}: {self.statement}", seeds=(seed,))


def agrees(draws, expected, allowance=0.0):
    """Certify that the mean of independent draws is ``expected``, at the rate FALSE_ALARM."""
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    tolerance = stats.norm.isf(FALSE_ALARM / 2) * error + allowance
    return Certificate("", float(abs(np.mean(draws) - expected)), tolerance=float(tolerance))


def not_rejected(*p_values):
    """Certify that none of several tests rejects, together at the rate FALSE_ALARM."""
    return Certificate("", min(p_values), FALSE_ALARM / len(p_values), at_least=True)
