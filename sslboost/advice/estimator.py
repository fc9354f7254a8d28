"""Estimators in scikit-learn's conventions, whose features are learned from a pretext."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.model_selection import KFold, check_cv
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from sslboost.advice._canonical import canonical, directly
from sslboost.advice._head import augmented, joint, sums
from sslboost.core.validation import as_count, as_number

#: Ridge penalties tried, in units of the variance of a variate.
PENALTIES = tuple(10.0**p for p in range(-6, 3))

#: Weights of the augmentation tried where cross-validation chooses it.
WEIGHTS = (0.0, *np.geomspace(0.01, 100, 19).tolist())

#: Penalties of the innovations tried by the joint head; infinity is plain SSL.
INNOVATIONS = (np.inf, *(10.0**p for p in range(2, -4, -1)))


class _Pretext(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both estimators share: psi from every row, the head from the labelled ones."""

    def __init__(
        self,
        pretext=None,
        *,
        rank=None,
        augmentation="cv",
        penalties=PENALTIES,
        innovations=INNOVATIONS,
        cv=5,
    ):
        self.pretext = pretext
        self.rank = rank
        self.augmentation = augmentation
        self.penalties = penalties
        self.innovations = innovations
        self.cv = cv

    def transform(self, X):
        """Return psi(x), the prediction of the canonical variates of z (n, rank_)."""
        check_is_fitted(self)
        X, _ = self._inputs(X)
        return self._psi.variates(X) * self.correlations_

    def _scores(self, X):
        check_is_fitted(self)
        X, _ = self._inputs(X)
        return X @ self.coef_.T + self.intercept_

    @property
    def _n_features_out(self):
        return self.rank_

    def _inputs(self, X, Z=None, reset=False):
        """x and z as arrays of floats; z, with NaN where it is not known, or None."""
        if self.pretext is None:
            X = _numbers(validate_data(self, X, reset=reset, dtype="numeric"), X)
        else:
            if Z is not None:
                raise ValueError("Z must be None where pretext names columns of X")
            validate_data(self, X, reset=reset, skip_check_array=True)
            given = check_array(X, dtype="numeric", ensure_all_finite="allow-nan", input_name="X")
            hidden = _positions(self.pretext, given.shape[1], getattr(X, "columns", None))
            given = _numbers(given, X)
            X, Z = np.delete(given, hidden, axis=1), given[:, hidden]
            check_array(X, input_name="the columns of X beside pretext")
        if Z is not None:
            given = Z if np.ndim(Z) != 1 else np.reshape(Z, (-1, 1))
            how = {"ensure_all_finite": "allow-nan", "input_name": "Z"}
            Z = _numbers(check_array(given, dtype="numeric", **how), Z)
            check_consistent_length(X, Z)
        return X, Z

    def _learn(self, X, Z, targets, labelled, sample_weight):
        """Learn psi from the rows with z, and the head from targets (labelled rows, q)."""
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if not (weights[labelled] > 0).any():
            raise ValueError("y must hold labels of rows with positive weight, got none")
        penalties = [as_number("penalties", penalty, above=0) for penalty in self.penalties]
        rank = None if self.rank is None else as_count("rank", self.rank)
        known = np.zeros(len(X), bool) if Z is None else np.isfinite(Z).all(axis=1)
        if Z is None:
            psi = directly(X, weights, rank)
        elif weights[known].sum() > 0:
            psi = canonical(X[known], Z[known], weights[known], rank)
        else:
            raise ValueError("Z must be known for rows with positive weight, got none")
        innovations = np.zeros((len(X), len(psi.correlations)))
        if Z is not None:
            innovations[known] = psi.innovations(X[known], Z[known])
        rows = psi.variates(X[labelled]), innovations[labelled], targets, weights[labelled]
        fit, tried = self._heads()
        listens, self.penalty_ = self._chosen(rows, fit, tried, penalties)
        self.augmentation_ = listens if fit is augmented else "joint"
        if fit is joint:
            self.innovation_penalty_ = listens
        ((beta, offset),) = fit(sums(*rows), listens, [self.penalty_])
        self._psi, self.correlations_ = psi, psi.correlations
        self.rank_ = len(psi.correlations)
        self.coef_ = (psi.x_map @ beta).T
        self.intercept_ = offset - psi.x_mean @ self.coef_.T

    def _heads(self):
        """The kind of head, and the values of its parameter to choose from."""
        if self.augmentation == "joint":
            return joint, [
                np.inf if given == np.inf else as_number("innovations", given, above=0)
                for given in self.innovations
            ]
        given = self.augmentation
        return augmented, WEIGHTS if given == "cv" else [as_number("augmentation", given, least=0)]

    def _chosen(self, rows, fit, tried, penalties):
        """The parameter and the penalty whose head on psi(x) alone errs least on held-out rows."""
        folds = self._folds(len(rows[0]))
        tried = tried if rows[1].any() else tried[:1]  # without innovations all are the same
        if len(tried) * len(penalties) == 1 or folds is None:
            return tried[0], penalties[0]
        errors = np.zeros((len(tried), len(penalties)))
        for train, test in folds.split(rows[0]):
            kept = sums(*(part[train] for part in rows))
            if not kept.weight > 0:
                continue
            variates, _, targets, weights = (part[test] for part in rows)
            for i, listens in enumerate(tried):
                for j, (beta, offset) in enumerate(fit(kept, listens, penalties)):
                    missed = targets - offset - variates @ beta
                    errors[i, j] += weights @ np.square(missed).sum(axis=1)
        i, j = np.unravel_index(errors.argmin(), errors.shape)
        return tried[i], penalties[j]

    def _folds(self, n):
        """Shuffled folds where ``cv`` is their number; None for too few rows."""
        if not isinstance(self.cv, int | np.integer):
            return check_cv(self.cv)
        number = min(as_count("cv", self.cv, least=2), n)
        return KFold(number, shuffle=True, random_state=0) if number > 1 else None


class PretextRegressor(MultiOutputMixin, RegressorMixin, _Pretext):
    """Linear regression on psi(x), the best linear prediction of a pretext target z.

    psi is learned from every row whose z is known, labelled or not; the head from the labelled
    rows. Where z of a labelled row is known too, the head listens to its *innovation*, the part of
    z that psi(x) does not tell, and is used on psi(x) alone: the augmented head is trained on
    psi(x) plus c times the innovation, where c = 0 is plain SSL; the joint head on both side by
    side.

    Parameters
    ----------
    pretext : sequence of str or int, optional
        Columns of X that are z. They are not read when predicting, where they may be NaN. When
        omitted, z is given to ``fit``; without any z the columns of X stand for psi(x).
    rank : int, optional
        Leading canonical directions of psi that the head reads; all when omitted.
    augmentation : float, "cv" or "joint"
        c, at least 0, or chosen by cross-validation; or the joint head, which needs more labels
        and no processor that meets both criteria.
    penalties : sequence of float
        Ridge penalties to choose from, in units of the variance of a canonical variate.
    innovations : sequence of float
        Penalties of the joint head's innovations to choose from, in units of the variance of
        each; infinity is plain SSL.
    cv : int, cross-validator or iterable
        Shuffled folds, always the same ones, or as in scikit-learn. One labelled row has no folds:
        the first of the candidates is taken.

    Attributes
    ----------
    coef_, intercept_ : arrays (q, d_x), (q,), or (d_x,) and a float for one target
        Of the prediction from x.
    augmentation_ : float or "joint"
        c as chosen.
    penalty_ : float
        As chosen.
    innovation_penalty_ : float
        As chosen, of the joint head alone.
    correlations_ : array (rank_,)
        Canonical correlations of x and z; 1 without z.
    rank_ : int

    Source: Lee et al. (2021), the linear head on psi; chapter 9, the heads that listen.
    """

    def fit(self, X, y, Z=None, sample_weight=None):
        """Learn psi and the head.

        Parameters
        ----------
        X : array or frame (n, d)
        y : array (n,) or (n, q)
            NaN where a row is not labelled.
        Z : array (n, d_z), optional
            NaN where z is not known.
        sample_weight : array (n,), optional

        Returns
        -------
        PretextRegressor

        Raises
        ------
        ValueError
            If an argument is not as above, or no row is labelled.
        """
        if y is None:
            raise ValueError("the estimator requires y to be passed, but the target y is None")
        X, Z = self._inputs(X, Z, reset=True)
        how = {"ensure_2d": False, "ensure_all_finite": "allow-nan", "input_name": "y"}
        targets = _numbers(check_array(y, dtype="numeric", **how), y)
        check_consistent_length(X, targets)
        columns = targets.reshape(len(targets), -1)
        labelled = np.isfinite(columns).all(axis=1)
        self._learn(X, Z, columns[labelled], labelled, sample_weight)
        if targets.ndim == 1:
            self.coef_, self.intercept_ = self.coef_[0], float(self.intercept_[0])
        return self

    def predict(self, X):
        """Return the predictions (n,) or (n, q)."""
        return self._scores(X)


class PretextClassifier(ClassifierMixin, _Pretext):
    """Classification by least squares on psi(x), the best linear prediction of z.

    The head of :class:`PretextRegressor` on one-hot classes; the largest output decides.

    Parameters
    ----------
    pretext, rank, augmentation, penalties, innovations, cv
        As of :class:`PretextRegressor`.

    Attributes
    ----------
    classes_ : array (k,)
    coef_, intercept_ : arrays (k, d_x), (k,)
    augmentation_, penalty_, correlations_, rank_
        As of :class:`PretextRegressor`.

    Source: Lee et al. (2021), the linear head on psi; slide "Pretext-Based SSL (Cont.)".
    """

    def fit(self, X, y, Z=None, sample_weight=None):
        """Learn psi and the head.

        Parameters
        ----------
        X : array or frame (n, d)
        y : array (n,)
            -1, NaN or None where a row is not labelled.
        Z : array (n, d_z), optional
            NaN where z is not known.
        sample_weight : array (n,), optional

        Returns
        -------
        PretextClassifier

        Raises
        ------
        ValueError
            If an argument is not as above, or the labels are of one class.
        """
        if y is None:
            raise ValueError("the estimator requires y to be passed, but the target y is None")
        X, Z = self._inputs(X, Z, reset=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        labelled = ~_unlabelled(y)
        if labelled.any():
            check_classification_targets(y[labelled])
        self.classes_, codes = np.unique(y[labelled], return_inverse=True)
        if len(self.classes_) < 2:
            came = f"{self.classes_.tolist()}; -1 stands for a row without a label"
            raise ValueError(f"y must hold at least 2 classes, got one class or none: {came}")
        self._learn(X, Z, np.eye(len(self.classes_))[codes], labelled, sample_weight)
        return self

    def decision_function(self, X):
        """Return the outputs (n, k); for two classes how far the second is above the first (n,)."""
        scores = self._scores(X)
        return scores if len(self.classes_) > 2 else scores[:, 1] - scores[:, 0]

    def predict(self, X):
        """Return the classes (n,)."""
        best = self._scores(X).argmax(axis=1)
        return self.classes_[best]


def _unlabelled(y):
    if y.dtype.kind in "iuf":
        if np.isinf(y).any():
            raise ValueError("Input y contains infinity")
        return (y == -1) | (y != y)
    return np.array([label is None or label != label for label in y], bool)


def _numbers(array, given):
    """An array as floats, if what was given holds numbers and hides none."""
    if np.ma.is_masked(given):
        raise ValueError("X, y and Z must have no masked values: fill or drop them")
    return np.asarray(array, float)


def _positions(pretext, d, names):
    """Positions of the columns that ``pretext`` names."""
    if isinstance(pretext, str) or not np.iterable(pretext):
        raise ValueError(f"pretext must be a sequence of columns, got {pretext!r:.200}")
    known = {} if names is None else {name: i for i, name in enumerate(names)}
    found = []
    for column in pretext:
        if isinstance(column, str):
            if column not in known:
                raise ValueError(f"pretext must name columns of X, got {column!r}")
            found.append(known[column])
        else:
            found.append(as_count("pretext", column, least=0, most=d - 1))
    if not found or len(set(found)) < len(found) or len(found) == d:
        raise ValueError(
            f"pretext must be some of the {d} columns, each once, got {pretext!r:.200}"
        )
    return found
