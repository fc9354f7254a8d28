"""Every claim of the slides as an object: statement, construction, check and counterexample."""

import time
from math import inf

from tqdm import tqdm

from sslboost.core.validation import as_count
from sslboost.theorems._claims import (
    bounds,
    budget,
    criteria,
    data,
    limits,
    panels,
    processor,
    repair,
    representation,
    threshold,
    uses,
)
from sslboost.theorems._theorem import FALSE_ALARM, Theorem

#: All theorems, in the order of the book.
REGISTRY = (
    *representation.THEOREMS,
    *criteria.THEOREMS,
    *processor.THEOREMS,
    *threshold.THEOREMS,
    *bounds.THEOREMS,
    *panels.THEOREMS,
    *uses.THEOREMS,
    *limits.THEOREMS,
    *repair.THEOREMS,
    *budget.THEOREMS,
    *data.THEOREMS,
)

__all__ = ["FALSE_ALARM", "REGISTRY", "Theorem", "certify_all"]


def certify_all(theorems=REGISTRY, seed=0, *, progress=None):
    """Certify theorems and refute their counterexamples; return one row for each.

    Parameters
    ----------
    theorems : sequence of Theorem
    seed : int
        Draws the problems and what their checks need.
    progress : bool, optional
        Show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    list of dict
        With the keys claim, chapter, label, value, bound, at_least, tolerance, margin, holds,
        control_fails, seeds and seconds. All but ``control_fails`` are of the claim; that says
        whether the same check failed on the counterexample, as it must.

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    if not isinstance(theorems, tuple | list):
        raise ValueError(f"theorems must be a sequence of Theorem, got {type(theorems).__name__}")
    if wrong := [one for one in theorems if not isinstance(one, Theorem)]:
        raise ValueError(f"theorems must be of Theorem, got {wrong[0]!r:.200}")
    if not isinstance(progress, bool | None):
        raise ValueError(f"progress must be True, False or None, got {progress!r:.200}")
    seed = as_count("seed", seed, least=0, most=inf)
    rows = []
    for theorem in tqdm(theorems, disable=None if progress is None else not progress):
        start = time.perf_counter()
        certificate, control = theorem.certify(seed=seed), theorem.refute(seed=seed)
        row = {
            "claim": certificate.claim,
            "chapter": theorem.chapter,
            "label": theorem.label,
            "value": certificate.value,
            "bound": certificate.bound,
            "at_least": certificate.at_least,
            "tolerance": certificate.tolerance,
            "margin": certificate.margin,
            "holds": certificate.holds,
            "control_fails": not control.holds,
            "seeds": list(certificate.seeds),
            "seconds": round(time.perf_counter() - start, 3),
        }
        rows.append(row)
    return rows
