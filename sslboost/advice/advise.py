"""Advice on one's own data: what to do with the labels, what it gains, and how sure that is."""

import math
import warnings

import numpy as np

from sslboost.advice._text import number, p_value
from sslboost.advice.judgement import ALPHA, canonical_squares, directions, judge
from sslboost.advice.law import columns
from sslboost.advice.report import Report
from sslboost.advice.rows import file_table, table
from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_count, as_rng
from sslboost.uses import budget

#: Groups that rows are dealt to for the bootstrap.
GROUPS = 64

#: What x leaves of a direction of y, of its variance, when y has slipped into x.
_LEAK = 1e-8

_LIMITS = (
    "A criterion that is not rejected need not hold: the sample may be too small to show that it "
    "fails, and the tests look at linear dependence alone.",
    "All is linear: psi is the best linear prediction of z, as these rows teach it, heads are "
    "least squares, and formulas are those of Gaussian rows. Networks may do better or worse.",
    "Intervals are of the estimate from these rows, by a bootstrap; a single draw of the labels "
    "varies more. Shares and risks are corrected for degrees of freedom, the tests' p values stand "
    "each for itself.",
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
        The budget that risks are predicted for; the labelled rows when omitted.
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
        Of columns that are constant or copies and therefore left out, of classes with one row, and
        of a y that x tells exactly.

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
    labels = None if labels is None else as_count("labels", labels)
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
    effects, uses, whole = judge(*moments, kept, labels, bootstrap, rng)
    notes = (*_odd_columns(rows, kept, sums), *_leaks(whole))
    for note in notes:
        warnings.warn(note, AdviceWarning, stacklevel=3)
    best = _best(uses)
    return Report(
        rows=sums.labelled.rows + sums.rest.rows,
        labelled=sums.labelled.rows,
        labels=labels,
        dimensions=_dimensions(rows, kept, whole),
        effects=effects,
        uses=uses,
        best=best,
        verdict=_verdict(best, uses, labels),
        reasons=_reasons(effects, whole, labels),
        limits=_LIMITS,
        warnings=notes,
    )


def _or_nan(value):
    return math.nan if value is None else value


def _dimensions(rows, kept, whole):
    named = zip("xzy", rows.sizes, kept.sizes, strict=True)
    ranks = {name: {"columns": d, "rank": rank} for name, d, rank in named}
    return ranks | {"directions": directions(whole)}


def _odd_columns(rows, kept, sums):
    names = [name for coding in rows.codings for name in coding.columns]
    for found, why in [
        (kept.constant, "one value only"),
        (kept.copies, "what the columns before tell"),
    ]:
        if len(found):
            listed = ", ".join(names[i] for i in found[:5]) + (", ..." if len(found) > 5 else "")
            yield f"{len(found)} columns hold {why} and are left out: {listed}"
    if sums.partial:
        yield f"{sums.partial} rows have a part of y missing and count as not labelled"
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
    risks = {u.name: _or_nan(u.risk) for u in uses}
    best = budget.best(risks)
    equal = risks["plain SSL"] <= risks[best] * (1 + RANK_RTOL)
    return "plain SSL" if equal else best


def _verdict(best, uses, labels):
    by_name = {use.name: use for use in uses}
    winner, plain = by_name[best], by_name["plain SSL"]
    begin = f"With {labels} labels"
    if best == "plain SSL":
        return f"{begin} plain SSL is predicted to win: no other use is predicted to do better."
    if best == "guessing":
        return (
            f"{begin} no use is predicted to do better than the mean of y: they are too few for "
            "what x tells."
        )
    if winner.ratio is None or plain.risk is None or math.isinf(plain.risk):
        return (
            f"{begin} {best} is predicted to win, with a risk of {number(winner.risk)}; plain SSL "
            "has no finite risk with so few."
        )
    text = f"{begin} {best} is predicted to win, with {_percent(winner.ratio)} risk than plain SSL"
    if winner.ratio_high is None:
        return text + "."
    between = f"{_percent(winner.ratio_low)} to {_percent(winner.ratio_high)}"
    if winner.ratio_high < 1:
        return f"{text}; the interval, {between}, excludes plain SSL."
    return f"{text}; the interval, {between}, does not exclude plain SSL: it may be chance."


def _percent(ratio):
    change = 100 * (ratio - 1)
    return f"{abs(change):.2g} % {'less' if change <= 0 else 'more'}"


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
            found.append(f"{said} ({number(effect.estimate)}, p {p_value(effect.p_value, '= ')})")
    d = whole.population.V.shape[1]
    found.append(f"plain SSL pays for {d} directions of psi, with {labels / d:.3g} labels for each")
    return tuple(found)
