"""What labels buy on real data: data sets, what is predicted for them, and what happens.

One module a step: :mod:`~sslboost.pages.real.sources` has the data,
:mod:`~sslboost.pages.real.outlook` measures and predicts, :mod:`~sslboost.pages.real.runs` runs
every use of the labels, and :mod:`~sslboost.pages.real.plots` draws both.
"""
