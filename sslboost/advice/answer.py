"""Advice on one's own data: what to do with the labels, what it gains, and how sure that is."""

import warnings

import numpy as np

from sslboost.advice._text import counted, less_or_more, listed, named, p_value, percent
from sslboost.advice.judgement import ALPHA, canonical_squares, directions, judge
from sslboost.advice.law import columns
from sslboost.advice.report import Report
from sslboost.advice.rows import file_table, table
from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_count, as_rng
from sslboost.uses import budget, intercept

#: Groups that rows are dealt to for the bootstrap.
GROUPS = 64

#: What x leaves of a direction of y, of its variance, when y has slipped into x.
_LEAK = 1e-8

#: Least squares, for estimators whose penalties are in units of the variance of a variate.
_NO_PENALTY = 1e-9

#: A gain below this share of the risk is too little to matter, however sure it is.
MATTERS = 0.01

_LIMITS = (
    "A criterion that is not rejected need not hold: the sample may be too small to show that it "
    "fails, and the tests look at linear dependence alone.",
    "All is linear: psi is the best linear prediction of z, as these rows teach it, heads are "
    "least squares, and formulas are those of Gaussian rows. Networks may do better or worse.",
    "With few labels for each column the predicted risks are too low where columns have heavy "
    "tails.",
    "A ridge penalty chosen by cross-validation, on x or on psi, has no formula and may beat all "
    "of these; the book's chapter on real data counts how often.",
    "Data processors take no part: that of the slides has no exact risk.",
    "Intervals are of the estimate from these rows, by a bootstrap; a single draw of the labels "
    "varies more. Those against the reference hold for all uses together, but the winner is "
    "chosen by the same estimates, so that its gain looks larger than it is.",
    "Shares and risks are corrected for degrees of freedom, the tests' p values stand each for "
    "itself.",
)


class AdviceWarning(UserWarning):
    """Something in the data that the advice hangs on, or that was left out."""


def advise(X, Z, Y, *, labels=None, categorical=(), bootstrap=200, rng=0):
    """Say what labels can do for a pretext representation of one's own data, and what to do.

    Parameters
    ----------
    X : array or frame (n, d_x)
        Inputs: numbers, and in frames also text or categories, as indicators of all levels but the
        first.
    Z : array or frame (n, d_z), or vector
        Pretext labels: numbers, text or categories, as in X.
    Y : array or frame (n, d_y), or vector
        Labels: numbers, indicators, text or categories (as indicators of all levels). A row
        whose y is NaN or None is not labelled; it still teaches psi.
    labels : int, optional
        The budget that risks are predicted for, at least 2; the labelled rows when omitted.
    categorical : collection of {"z", "y"}
        Of which numbers are names of categories.
    bootstrap : int
        Resamples of groups of rows for the intervals; 0 for none, and the fastest answer.
    rng : numpy.random.Generator or int, optional
        Of the bootstrap.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If the data are no such arrays, hold missing or infinite values, or too few rows or
        classes to tell anything.

    Warns
    -----
    AdviceWarning
        Of columns that are constant or copies, perhaps only in the labelled rows, and therefore
        left out, of whole numbers that may be names of classes, of classes with one row, and of a
        y that x tells exactly.

    Notes
    -----
    Arrays may lie on disk (``numpy.memmap``) or be Dask's: rows are read once, block by block, and
    what is kept is quadratic in the number of columns. A column counts towards a rank where the
    columns before it leave more than 1e-10 of its variance; x and z count in standard deviations.

    Source: beyond the slides; the chapters on the criteria, on labels and on their budget.
    """
    categorical = _categorical(categorical)
    return _advise(table(X, Z, Y, categorical), labels, bootstrap, rng)


def advise_file(path, z, y, x=None, *, labels=None, categorical=(), bootstrap=200, rng=0):
    """Answer as :func:`advise` for columns of a parquet, csv or npz file.

    Parameters
    ----------
    path : path-like
        Parquet is read by row groups, csv by lines; the arrays of an npz file are read whole.
    z, y, x : sequences of str
        Columns, or arrays of an npz file: names, patterns such as ``z*``, or beginnings of names.
        Without x, all that is neither z nor y.
    labels, categorical, bootstrap, rng
        As of :func:`advise`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        As :func:`advise`, and if the file cannot be read or has no such columns.

    Source: beyond the slides; the chapters on the criteria, on labels and on their budget.
    """
    categorical = _categorical(categorical)
    return _advise(file_table(path, x, z, y, categorical), labels, bootstrap, rng)


def _categorical(value):
    whole = isinstance(value, list | tuple | set | frozenset)
    if not whole or not all(isinstance(one, str) and one in ("z", "y") for one in value):
        raise ValueError(f"categorical must hold names out of z and y, got {value!r:.80}")
    return frozenset(value)


def _advise(rows, labels, bootstrap, rng):
    labels = None if labels is None else as_count("labels", labels, least=2)
    bootstrap, rng = as_count("bootstrap", bootstrap, least=0), as_rng(rng)
    sums = rows.moments(GROUPS if bootstrap else 1)
    if not sums.labelled.rows:
        raise ValueError("Y must hold the label of at least one row, got none")
    kept = columns(sums.labelled, sums.rest, rows.sizes)
    for name, place in [("X", kept.x), ("Z", kept.z), ("Y", kept.y)]:
        if not len(place):
            raise ValueError(f"{name} must vary from row to row, got constant columns alone")
    labels = labels or sums.labelled.rows
    moments = kept.of(sums.labelled, sums.rest)
    effects, uses, reference, whole = judge(*moments, kept, labels, bootstrap, rng)
    notes = (*_odd_columns(rows, kept, sums), *_leaks(whole))
    for note in notes:
        warnings.warn(note, AdviceWarning, stacklevel=3)
    best = _best(uses)
    return Report(
        rows=sums.labelled.rows + sums.rest.rows,
        labelled=sums.labelled.rows,
        labels=labels,
        variance=float(np.trace(whole.population.block("y", "y"))),
        dimensions=_dimensions(rows, kept, whole),
        effects=effects,
        uses=uses,
        best=best,
        reference=reference,
        arguments=_arguments(best, whole.population, labels),
        verdict=_verdict(best, reference, uses, labels),
        reasons=_reasons(effects, whole, labels),
        limits=_LIMITS,
        warnings=notes,
    )


def _dimensions(rows, kept, whole):
    parts = zip("xzy", rows.codings, kept.sizes, strict=True)
    ranks = {
        name: {"columns": len(coding.columns), "rank": rank, "names": coding.columns}
        for name, coding, rank in parts
    }
    return ranks | {"directions": directions(whole)}


def _odd_columns(rows, kept, sums):
    names = [name for coding in rows.codings for name in coding.columns]
    for why, found in kept.left_out.items():
        if len(found):
            verb, are = ("holds", "is") if len(found) == 1 else ("hold", "are")
            which = listed([names[i] for i in found], 5)
            yield f"{counted(len(found), 'column')} {verb} {why} and {are} left out: {which}"
    for i, number in rows.codings[2].whole.items():
        name = rows.codings[2].raw[i]
        yield f"{name!r} has {number} whole values: if they name classes, say that y is categorical"
    if sums.partial:
        verb, count = ("has", "counts") if sums.partial == 1 else ("have", "count")
        yield (
            f"{counted(sums.partial, 'row')} {verb} a part of y missing and {count} as not labelled"
        )
    # An indicator has a variance that its mean alone gives.
    told = sums.labelled
    n, mean, scatter = told.weighted()
    for i in kept.y:
        share = mean[i]
        indicator = (told.low[i], told.high[i]) == (0, 1)
        if indicator and abs(scatter[i, i] - n * share * (1 - share)) < 1e-9 * n:
            if min(round(n * share), round(n * (1 - share))) == 1:
                yield f"class {names[i]!r} has one row: nothing can be learned of it"


def _leaks(whole):
    """Directions of one block that another tells but for rounding."""
    p, cov = whole.population, whole.cov
    block = dict(zip("xzy", np.split(np.arange(len(cov)), np.cumsum([p.d_x, p.d_z])), strict=True))
    for given, told, hint in [
        ("x", "y", "is y, or a copy of it, among x?"),
        ("z", "y", "is y, or a copy of it, among z?"),
        ("x", "z", "a pretext label that x gives away exactly has no innovation"),
    ]:
        squares, *_ = canonical_squares(cov, block[given], block[told])
        if squares[0] > 1 - _LEAK:
            yield f"{given} tells a part of {told} exactly: {hint}"


def _best(uses):
    """The use with the least risk, plain SSL among equals."""
    risks = {use.name: use.risk for use in uses}
    best = budget.best(risks)
    equal = risks["plain SSL"] <= risks[best] * (1 + RANK_RTOL)
    return "plain SSL" if equal else best


def _arguments(best, population, labels):
    """Of the estimators, to do what is advised; None where it needs no pretext."""
    plain = {"augmentation": 0.0, "penalties": [_NO_PENALTY]}
    if best == "reduced-rank SSL":
        return plain | {"rank": min(population.V.shape[1], population.U.shape[1])}
    if best == "augmented head":
        return plain | {"augmentation": intercept.best_weight(population, labels)}
    if best == "joint head":
        return plain | {"augmentation": "joint", "innovations": [_NO_PENALTY]}
    return plain if best in ("plain SSL", "minimum norm") else None


def _verdict(best, reference, uses, labels):
    winner = next(use for use in uses if use.name == best)
    begin = f"With {counted(labels, 'label')}"
    if best == "plain SSL":
        return f"{begin} plain SSL is predicted to win: no other use is predicted to do better."
    if best == "guessing":
        return (
            f"{begin} no use is predicted to do better than the mean of y: they are too few for "
            "what x tells."
        )
    gain = f"{less_or_more(winner.ratio)} risk than {reference}"
    text = f"{begin} {named(best)} is predicted to win, with {gain}"
    little = winner.ratio > 1 - MATTERS
    if winner.ratio_high is None:
        return f"{text}, too little to matter." if little else f"{text}."
    between = f"{less_or_more(winner.ratio_low)} to {less_or_more(winner.ratio_high)}"
    if winner.ratio_high >= 1:
        return f"{text}; the interval, {between}, does not exclude {reference}: it may be chance."
    but = ", but the gain is too little to matter" if little else ""
    return f"{text}; the interval, {between}, excludes {reference}{but}."


#: What the test of each effect says, rejected or not.
_SAID = {
    "signal": ("x tells something of y", "x is not shown to tell anything of y"),
    "innovation": (
        "z tells something of y that x does not, which the joint and the augmented head use",
        "z is not shown to tell more of y than x does",
    ),
    "C1 of x": (
        "(C1) fails for x itself: plain SSL needs labels for all directions of z",
        "(C1) is not rejected for x itself",
    ),
    "C2 of psi": (
        "psi loses something that x tells of y, which no number of labels brings back",
        "psi is not shown to lose anything that x tells of y",
    ),
    "existence": (
        "no processor meets both criteria, so that the augmented head is biased",
        "a processor that meets both criteria is not ruled out",
    ),
}


def _reasons(effects, whole, labels):
    found = []
    for effect in effects:
        if effect.p_value is not None:
            said = _SAID[effect.name][effect.p_value >= ALPHA]
            p = p_value(effect.p_value, "= ")
            found.append(f"{said} ({percent(effect.estimate)}, p {p})")
    d = whole.population.V.shape[1]
    found.append(
        f"plain SSL pays for {counted(d, 'direction')} of psi, with {labels / d:.3g} labels for "
        "each"
    )
    return tuple(found)
