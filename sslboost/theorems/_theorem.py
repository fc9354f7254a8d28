"""A theorem as an object: what it says, how its instances are made, and how they are judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from scipy import stats

from sslboost.core.certificate import Certificate
from sslboost.core.validation import as_count

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

    Raises
    ------
    ValueError
        If a field is of another kind.
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

    def __post_init__(self):
        for name in ("name", "chapter", "statement", "reference", "label"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be text, got {getattr(self, name)!r:.200}")
        assumed = self.assumptions
        if not isinstance(assumed, tuple) or not all(isinstance(one, str) for one in assumed):
            raise ValueError(f"assumptions must be a tuple of text, got {assumed!r:.200}")
        for name in ("construct", "check", "counterexample"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be callable, got {getattr(self, name)!r:.200}")

    def certify(self, problem=None, seed=0):
        """Return the certificate of a problem, by default of a random one within the theorem.

        Parameters
        ----------
        problem : object, optional
            Of the kind that ``construct`` returns.
        seed : int
            Draws the problem and what its check needs, at least 0.

        Returns
        -------
        Certificate

        Raises
        ------
        ValueError
            If an argument is not as above.
        """
        return self._judge(self.construct, problem, seed)

    def refute(self, seed=0):
        """Return the certificate of the counterexample, which must not hold.

        Parameters
        ----------
        seed : int
            As of :meth:`certify`.

        Returns
        -------
        Certificate

        Raises
        ------
        ValueError
            If the seed is none.
        """
        return self._judge(self.counterexample, None, seed)

    def _judge(self, make, problem, seed):
        seed = as_count("seed", seed, least=0, most=inf)
        making, judging = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        made = make(making)
        if problem is not None and not isinstance(problem, type(made)):
            came, need = type(problem).__name__, type(made).__name__
            raise ValueError(f"problem must be a {need} for {self.name!r}, got {came}")
        certificate = self.check(made if problem is None else problem, judging)
        if not isinstance(certificate, Certificate):
            raise ValueError(f"check must return a Certificate, got {certificate!r:.200}")
        return replace(certificate, claim=f"{self.name}: {self.statement}", seeds=(seed,))


def agrees(draws, expected, allowance=0.0):
    """Certify that the mean of independent draws is ``expected``, at the rate FALSE_ALARM."""
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    tolerance = stats.norm.isf(FALSE_ALARM / 2) * error + allowance
    return Certificate("", float(abs(np.mean(draws) - expected)), tolerance=float(tolerance))


def not_rejected(*p_values):
    """Certify that none of several tests rejects, together at the rate FALSE_ALARM."""
    return Certificate("", float(np.min(p_values)), FALSE_ALARM / len(p_values), at_least=True)
