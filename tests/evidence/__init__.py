"""What is tried against the package: planted faults, malformed calls, wrong lines, kills."""

import os

# Before anything is imported that starts threads: processes that are forked inherit none.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
