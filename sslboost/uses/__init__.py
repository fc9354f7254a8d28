"""What labels can buy: heads that use the z of the labelled samples, and a limit for all of them.

One module a question: what the innovation of z tells (:mod:`~sslboost.uses.innovation`), heads
that listen to it (:mod:`~sslboost.uses.heads`), and what no method can do better
(:mod:`~sslboost.uses.limit`).
"""

from sslboost.uses import heads, innovation, limit

__all__ = ["heads", "innovation", "limit"]
