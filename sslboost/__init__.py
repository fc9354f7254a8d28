"""Pretext-based self-supervised learning and its data processors, with proofs that run.

Theory lives in NumPy and SciPy and is imported here; networks live in :mod:`sslboost.images`
and are imported only on request, so that ``import sslboost`` stays light.
"""

__version__ = "0.1.0"
