"""Settings that every test shares."""

import hypothesis
import matplotlib

matplotlib.use("Agg")

# The same examples every time, and no verdict that depends on the clock.
hypothesis.settings.register_profile(
    "book",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("book")
