"""What labels can buy: heads that use the z of the labelled samples, and a limit for all of them.

One module a question: what the innovation of z tells (:mod:`~sslboost.uses.innovation`), heads
that listen to it (:mod:`~sslboost.uses.heads`), what no method can do better
(:mod:`~sslboost.uses.limit`), and what a budget is best spent on (:mod:`~sslboost.uses.budget`).
"""

from sslboost.uses import budget, heads, innovation, limit

__all__ = ["budget", "heads", "innovation", "limit"]
