"""Classes with a Gaussian (x, z) inside each: the law of a discrete label."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sslboost.core.linalg import as_covariance, centred, square_root, whitening
from sslboost.core.validation import as_array, as_count, as_labels, as_matrix, as_rng, frozen
from sslboost.population.gaussian import GaussianPopulation


@dataclass(frozen=True, eq=False)
class MixturePopulation:
    """A class label with a Gaussian (x, z) inside every class; y is the one-hot label.

    Parameters
    ----------
    weights : array (k,)
        Class probabilities.
    mean_x, mean_z : arrays (k, d_x), (k, d_z)
        Class means.
    cov : array (k, d_x + d_z, d_x + d_z)
        Covariance of (x, z) within each class.

    Raises
    ------
    ValueError
        If the weights are not probabilities, shapes disagree or a covariance is not one.

    Source: Lee et al. (2021), section 4 and Figure 1.
    """

    weights: np.ndarray
    mean_x: np.ndarray
    mean_z: np.ndarray
    cov: np.ndarray

    def __post_init__(self):
        weights = as_array("weights", self.weights, 1)
        if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-12 * len(weights):
            raise ValueError(f"weights must be positive and sum to 1, got sum {weights.sum():g}")
        k = len(weights)
        kept = {"weights": weights}
        for name in ("mean_x", "mean_z"):
            kept[name] = as_matrix(name, getattr(self, name), rows=k)
            as_count(f"number of columns of {name}", kept[name].shape[1])
        cov = as_array("cov", self.cov, 3)
        if len(cov) != k:
            raise ValueError(f"cov must hold {k} matrices, one for each class, got {len(cov)}")
        size = kept["mean_x"].shape[1] + kept["mean_z"].shape[1]
        kept["cov"] = [as_covariance(f"cov[{i}]", c, size=size) for i, c in enumerate(cov)]
        for name, value in kept.items():
            object.__setattr__(self, name, frozen(value))

    @property
    def d_x(self):
        """Dimension of x."""
        return self.mean_x.shape[1]

    @property
    def d_z(self):
        """Dimension of z."""
        return self.mean_z.shape[1]

    @property
    def d_y(self):
        """Number of classes, the dimension of the one-hot y."""
        return len(self.weights)

    def within(self, label):
        """Return Cov[x, z | y = label], (d_x, d_z).

        Parameters
        ----------
        label : int
            Class from 0 to d_y - 1.

        Returns
        -------
        array (d_x, d_z)

        Raises
        ------
        ValueError
            If there is no such class.

        Source: slide "The Conditions That Processor f Needs to Satisfy", (C1).
        """
        label = as_count("label", label, least=0, most=self.d_y - 1)
        return self.cov[label][: self.d_x, self.d_x :]

    def one_hot(self, labels):
        """Return the (n, d_y) one-hot rows of ``labels`` (n,).

        Parameters
        ----------
        labels : array of int (n,)
            Classes from 0 to d_y - 1.

        Returns
        -------
        array (n, d_y)

        Raises
        ------
        ValueError
            If a label is not a class of this population.

        Source: Lee et al. (2021), section 4.
        """
        labels = as_labels("labels", labels)
        if not 0 <= labels.min() <= labels.max() < self.d_y:
            raise ValueError(
                f"labels must lie in 0..{self.d_y - 1}, got {labels.min()}..{labels.max()}"
            )
        return np.eye(self.d_y)[labels]

    @cached_property
    def _roots(self):
        return [square_root(cov) for cov in self.cov]

    def sample(self, n, rng=None):
        """Draw ``n`` independent rows of (x, z) and their labels.

        Parameters
        ----------
        n : int
            Number of samples.
        rng : numpy.random.Generator or int, optional
            Source of randomness; the same seed gives the same bits.

        Returns
        -------
        x, z : arrays (n, d_x), (n, d_z)
        labels : array of int (n,)

        Raises
        ------
        ValueError
            If ``n`` is not a positive integer.

        Source: Lee et al. (2021), Figure 1.
        """
        n = as_count("n", n)
        rng = as_rng(rng)
        labels = rng.choice(self.d_y, size=n, p=self.weights)
        means = np.concatenate([self.mean_x, self.mean_z], axis=1)
        rows = means[labels]
        for label, root in enumerate(self._roots):
            members = np.flatnonzero(labels == label)
            rows[members] += rng.standard_normal((len(members), root.shape[1])) @ root.T
        return rows[:, : self.d_x], rows[:, self.d_x :], labels

    def posterior(self, x):
        """Return P(y | x), the (n, d_y) class probabilities at the rows of ``x`` (n, d_x).

        Parameters
        ----------
        x : array (n, d_x)

        Returns
        -------
        array (n, d_y)
            Also E[y | x], the best predictor over all functions.

        Raises
        ------
        ValueError
            If ``x`` has the wrong shape or cov_xx is singular within a class.

        Source: Bayes' rule.
        """
        x = as_matrix("x", x, columns=self.d_x)
        scores = np.empty((len(x), self.d_y))
        for i, cov in enumerate(self.cov):
            white = whitening(cov[: self.d_x, : self.d_x])
            if not white.triangular:
                raise ValueError(f"cov[{i}] must have a definite x block, got rank {white.rank}")
            log_volume = np.log(np.diag(white.factor)).sum()
            distance = np.sum(white.whiten((x - self.mean_x[i]).T) ** 2, axis=0)
            scores[:, i] = np.log(self.weights[i]) - log_volume - distance / 2
        scores -= scores.max(axis=1, keepdims=True)
        scores = np.exp(scores)
        return scores / scores.sum(axis=1, keepdims=True)

    def moments(self):
        """Return the Gaussian population with the same centred second moments of (x, z, y).

        Best *linear* predictors (with an intercept) and their risks depend on second moments
        only, so they can be read off it; cov_yy is singular, as one-hot rows sum to 1.

        Returns
        -------
        GaussianPopulation

        Raises
        ------
        ValueError
            Never for a valid population.

        Source: slide "The Conditions That Processor f Needs to Satisfy" (linear predictors).
        """
        means = np.concatenate([self.mean_x, self.mean_z, np.eye(self.d_y)], axis=1)
        apart = centred(means, self.weights)[0]
        cov = apart.T @ (self.weights[:, None] * apart)
        d = self.d_x + self.d_z
        cov[:d, :d] += np.tensordot(self.weights, self.cov, axes=1)
        return GaussianPopulation(cov, self.d_x, self.d_z, self.d_y)
