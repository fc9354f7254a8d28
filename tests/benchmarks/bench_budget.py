"""Speed of the map of winners, next to the same map one budget at a time."""

from sslboost.pages import budget_map
from sslboost.uses import budget
from tests.benchmarks.bench_processor import row, timed


def map_of_winners():
    """The map of chapter 10 as its figure has it; the peer is timed on one row and scaled."""
    budget_map.winners(2, 2)  # what is computed once
    ours_s, panels = timed(budget_map.winners)
    rows = sum(len(panel.values) for panel in panels.values())
    labels = panels["signal"].labels
    law = budget_map.AXES["signal"].population(0.5)
    row_s, _ = timed(lambda: [budget.risks(law, int(n)) for n in labels])
    peer_s = row_s * rows
    points = sum(panel.best.size for panel in panels.values())
    return row(
        f"map of winners, {points} points, {len(budget.USES)} uses",
        ours_s,
        "the same risks, one budget at a time",
        peer_s,
        "20 s for the chapter's map",
        20.0,
        "at most 20 s",
        ours_s <= 20,
        f"{1e6 * ours_s / points:.0f} microseconds a point; the peer timed on one of {rows} rows",
    )


BENCHMARKS = (map_of_winners,)
