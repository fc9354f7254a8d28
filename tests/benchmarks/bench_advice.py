"""Speed of the advice next to the one pass over the rows that nothing can avoid."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sslboost.advice import advise
from tests.benchmarks.bench_processor import alternating, row

N, SIZES = 100_000, (500, 50, 5)

_MAPPED = """
import resource, sys
import numpy as np
from sslboost.advice import advise
n, widths = int(sys.argv[2]), [int(word) for word in sys.argv[3:]]
rows = np.memmap(sys.argv[1], np.float64, "r", shape=(n, sum(widths)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
advise(*np.split(rows, np.cumsum(widths)[:2], axis=1), bootstrap=0)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) / 1024)
"""


def draw(n=N, sizes=SIZES, rng=0):
    """Rows in which x tells of z and of y."""
    rng = np.random.default_rng(rng)
    d_x, *others = sizes
    x = rng.standard_normal((n, d_x))
    told = [x @ rng.standard_normal((d_x, d)) / np.sqrt(d_x) for d in others]
    return x, *(t + rng.standard_normal(t.shape) for t in told)


def advice():
    """``advise`` without a bootstrap, against X'X and X'[Z Y] of the same rows."""
    X, Z, Y = draw()

    def necessary():
        return X.T @ X, X.T @ np.hstack([Z, Y])

    limit_s, ours_s = alternating(
        necessary, lambda: advise(X, Z, Y, labels=1000, bootstrap=0), repetitions=5
    )
    start = time.perf_counter()
    advise(X[:10_000], Z[:10_000], Y[:10_000], labels=1000, bootstrap=20)
    resamples_s = time.perf_counter() - start
    return row(
        f"advise, n = {N:,}, d = {SIZES}",
        ours_s,
        "one pass of X'X and X'[Z Y]",
        limit_s,
        "one pass of X'X and X'[Z Y]",
        limit_s,
        "at most twice the limit",
        ours_s <= 2 * limit_s,
        f"{ours_s / limit_s:.2f} times the limit; {_mapped(X, Z, Y):.0f} MB of memory beyond the "
        f"interpreter's for {8 * N * sum(SIZES) / 2**20:.0f} MB of rows on disk, of which pages "
        f"that the system keeps count as well; {resamples_s:.1f} s for a tenth of the rows with 20 "
        "resamples",
    )


def _mapped(X, Z, Y):
    """Peak memory of the advice on a memory map, in MB, by a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        mapped = np.memmap(path, np.float64, "w+", shape=(len(X), sum(SIZES)))
        mapped[:] = np.hstack([X, Z, Y])
        mapped.flush()
        command = [sys.executable, "-c", _MAPPED, path, len(X), *SIZES]
        told = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    return float(told.stdout)


BENCHMARKS = (advice,)
