"""First and second moments as sums over blocks of rows, kept apart for groups of rows.

Sums about the mean of a block lose no digits to large means, and Chan, Golub and LeVeque's update
joins them. Rows are dealt to groups by their number alone, so that the same rows give the same
groups whatever blocks they came in; a bootstrap weighs the groups and reads no row again.
"""

import numpy as np

from sslboost.core.linalg import constant_columns

#: Rows whose products are summed at a time: enough for BLAS, few enough for a cache.
_CHUNK = 1024

#: Squares of larger numbers, and sums of many, are infinite.
_LARGEST = 1e140


class Moments:
    """Numbers, means and sums of centred products of rows, for each of some groups.

    Parameters
    ----------
    d : int
        Columns.
    groups : int
        Groups that rows are dealt to.

    Attributes
    ----------
    count : array (groups,)
    mean : array (groups, d)
    scatter : array (groups, d, d)
        Sums of products of what is left of the rows after their group's mean.
    low, high : arrays (d,)
        Least and greatest value of each column, over all groups.
    """

    def __init__(self, d, groups=1):
        self.count = np.zeros(groups)
        self.mean = np.zeros((groups, d))
        self.scatter = np.zeros((groups, d, d))
        self.low, self.high = np.full(d, np.inf), np.full(d, -np.inf)

    @property
    def rows(self):
        """Number of rows in all groups."""
        return int(self.count.sum())

    @property
    def constant(self):
        """Which columns hold one value only, up to its rounding (d,)."""
        if not self.rows:
            return np.ones(len(self.low), bool)
        return constant_columns(np.stack([self.low, self.high]))

    def add(self, rows, first):
        """Add rows of a table.

        Parameters
        ----------
        rows : float64 array (n, d)
            Overwritten.
        first : int or array (n,)
            Number of the first of them in the table, or of each.

        Returns
        -------
        Moments
            This one.

        Raises
        ------
        ValueError
            If numbers are too large to have squares.
        """
        for group, part in self._dealt(rows, first):
            for start in range(0, len(part), _CHUNK):
                self._add(group, part[start : start + _CHUNK])
        return self

    def _dealt(self, rows, first):
        groups = len(self.count)
        if groups == 1:
            yield 0, rows
            return
        numbers = np.arange(first, first + len(rows)) if np.ndim(first) == 0 else first
        owner = dealt(numbers, groups)
        order = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=groups))
        for group, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > start:
                yield group, rows[order[start:end]]

    def _add(self, group, rows):
        n = len(rows)
        np.minimum(self.low, rows.min(axis=0), out=self.low)
        np.maximum(self.high, rows.max(axis=0), out=self.high)
        if max(-self.low.min(), self.high.max()) > _LARGEST:
            raise ValueError(f"X, Z and Y must be below {_LARGEST:g} to have squares: rescale them")
        mean = rows.mean(axis=0)
        rows -= mean  # in place: memory that is new for every block costs as much as the products
        rest = rows.mean(axis=0)  # the rounding of the mean
        rows -= rest
        self._join(group, n, mean + rest, rows.T @ rows)

    def _join(self, group, n, mean, scatter):
        before = (self.count[group], self.mean[group], self.scatter[group])
        count, self.mean[group], between = _between(before, n, mean)
        self.scatter[group] += scatter
        if between is not None:
            self.scatter[group] += between
        self.count[group] = count

    def merge(self, other):
        """Add what another object has summed.

        Parameters
        ----------
        other : Moments
            Of the same columns and groups, and of other rows.

        Returns
        -------
        Moments
            This one.
        """
        for group, n in enumerate(other.count):
            if n:
                self._join(group, n, other.mean[group], other.scatter[group])
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)
        return self

    def columns(self, kept):
        """Return the moments of some columns.

        Parameters
        ----------
        kept : array of int

        Returns
        -------
        Moments
            Themselves where these are all.
        """
        if np.array_equal(kept, np.arange(len(self.low))):
            return self
        part = Moments(len(kept), len(self.count))
        part.count[:] = self.count
        part.mean[:] = self.mean[:, kept]
        part.scatter[:] = self.scatter[:, kept][:, :, kept]
        part.low[:], part.high[:] = self.low[kept], self.high[kept]
        return part

    def weighted(self, weights=None):
        """Return the moments of all rows together, each group counted with its weight.

        Parameters
        ----------
        weights : array (groups,), optional
            Nonnegative; all 1 when omitted.

        Returns
        -------
        count : float
        mean : array (d,)
        scatter : array (d, d)
            About that mean.
        """
        weights = np.ones(len(self.count)) if weights is None else weights
        share = weights * self.count
        count = share.sum()
        start = self.mean[np.argmax(share)]  # near what is averaged, or digits would be lost
        mean = start + share @ (self.mean - start) / max(count, 1.0)
        between = self.mean - mean
        within = np.tensordot(weights, self.scatter, 1)
        return count, mean, within + (between * share[:, None]).T @ between


def joined(one, other):
    """Return count, mean and scatter of the rows of two disjoint sets.

    Parameters
    ----------
    one, other : tuples of count, mean (d,) and scatter (d, d)

    Returns
    -------
    tuple of count, mean and scatter

    Source: Chan, Golub and LeVeque (1983), equation 2.1.
    """
    count, mean, between = _between(one, *other[:2])
    scatter = one[2] + other[2]
    return count, mean, scatter if between is None else scatter + between


def _between(before, n, mean):
    """Count and mean with n rows more, and what the step between the means adds, if anything."""
    count = before[0] + n
    step = mean - before[1]
    between = np.outer(step * (before[0] * n / count), step) if before[0] else None
    return count, before[1] + step * (n / count), between


def dealt(numbers, groups):
    """Return the group of each row: every run of as many rows as groups has one row in each.

    Which one is as good as random, so that no order or period in the rows makes a group unlike
    the others, and depends on nothing but the row's number.

    Parameters
    ----------
    numbers : int array (n,)
        Of the rows in their table.
    groups : int

    Returns
    -------
    int array (n,)
    """
    runs, place = np.divmod(np.asarray(numbers, np.int64), groups)
    known, which = np.unique(runs, return_inverse=True)
    slots = known[:, None] * groups + np.arange(groups)
    order = np.argsort(_mixed(slots.astype(np.uint64)), axis=1, kind="stable")
    return np.argsort(order, axis=1)[which, place]


def _mixed(bits):
    """SplitMix64's finalizer (Steele, Lea and Flood, 2014)."""  # codespell:ignore
    bits = bits * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
