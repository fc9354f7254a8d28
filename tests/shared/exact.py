"""The formulas of the book in fifty digits, from the definitions: what rounding is measured by."""

import mpmath
import numpy as np

mpmath.mp.dps = 50


def exactly(array):
    """The same numbers in fifty digits."""
    return mpmath.matrix(np.asarray(array, float).tolist())


def rounded(matrix):
    """The nearest floats."""
    rows = [[float(matrix[i, j]) for j in range(matrix.cols)] for i in range(matrix.rows)]
    return np.array(rows).reshape(matrix.rows, matrix.cols)


def solve(S, B):
    """S^{-1} B, column by column."""
    columns = [mpmath.lu_solve(S, B[:, j]) for j in range(B.cols)]
    return mpmath.matrix([[column[i] for column in columns] for i in range(S.rows)])


def trace(S):
    return sum(S[i, i] for i in range(S.rows))


class Exact:
    """A definite population of which every number is taken at its word."""

    def __init__(self, population):
        self.of = population

    def block(self, a, b):
        return exactly(self.of.block(a, b))

    def best_linear(self, target, given):
        return solve(self.block(given, given), self.block(given, target)).T

    def conditional(self, a, b, given):
        return self.block(a, b) - self.best_linear(a, given) * self.block(given, b)

    def seen(self, A):
        """Cov[Ax], Cov[Ax, z], Cov[Ax, y]."""
        A = exactly(A)
        return A * self.block("x", "x") * A.T, A * self.block("x", "z"), A * self.block("x", "y")

    def residual(self, A):
        """Cov[y | A x]."""
        S, _, S_y = self.seen(A)
        return self.block("y", "y") - S_y.T * solve(S, S_y)

    def c1_gap(self, A):
        """The norm of Cov[x, z | y] as A x sees it, in correlation units."""
        S, S_z, S_y = self.seen(A)
        defect = S_z - S_y * solve(self.block("y", "y"), self.block("y", "z"))
        gram = defect.T * solve(S, defect)
        return mpmath.sqrt(sum(gram[j, j] / self.block("z", "z")[j, j] for j in range(gram.rows)))

    def c2_gap(self, A):
        return trace(self.residual(A)) - self.floor

    @property
    def floor(self):
        return trace(self.conditional("y", "y", "x"))

    def risk(self, G):
        """E||y - G x||^2."""
        G = exactly(G)
        error = G * self.block("x", "x") * G.T - 2 * G * self.block("x", "y")
        return trace(self.block("y", "y") + error)


def least_squares(X, Y):
    """The coefficients of least squares, from the normal equations."""
    X, Y = exactly(X), exactly(Y)
    return solve(X.T * X, X.T * Y)


def wilks(first, second, given):
    """Wilks' Lambda of two samples given a third and an intercept: a ratio of determinants."""

    def scatter(blocks):
        rows = exactly(np.hstack(blocks))
        n = rows.rows
        means = [sum(rows[:, j]) / n for j in range(rows.cols)]
        for j, mean in enumerate(means):
            for i in range(n):
                rows[i, j] -= mean
        return mpmath.det(rows.T * rows)

    both = scatter([given, first, second])
    alone = scatter([given]) if given.shape[1] else mpmath.mpf(1)
    return both * alone / (scatter([given, first]) * scatter([given, second]))
