"""Run every benchmark and write the table: ``python -m tests.benchmarks.run``."""

from pathlib import Path

from sslboost.core import files
from sslboost.core.command import Parser
from tests.benchmarks import bench_budget, bench_images, bench_processor

BENCHMARKS = (
    *bench_processor.BENCHMARKS,
    *bench_budget.BENCHMARKS,
    *bench_images.BENCHMARKS,
)


def main(arguments=None):
    """Run the benchmarks one after the other, print their ratios and write them as JSON."""
    parser = Parser(description="Time the package next to its peers.")
    parser.add_argument("--out", type=Path, default=Path("_build/benchmarks.json"))
    path = parser.parse_args(arguments).out
    try:
        files.made("the folder of the output", path.parent)
        files.destination("the output", path)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    rows = []
    for benchmark in BENCHMARKS:
        rows.append(benchmark())
        print(format_row(rows[-1]), flush=True)
    print(bench_images.cost_report())
    files.write_json(path, [{key: row[key] for key in row if key != "note"} for row in rows])
    return 0


def format_row(row):
    """A benchmark in two lines of text."""
    verdict = "meets the goal" if row["meets_goal"] else "MISSES the goal"
    return (
        f"{row['name']}: {row['ours_s']:.3g} s, {row['peer']}: {row['peer_s']:.3g} s, "
        f"ratio {row['ratio']:.1f}, limit {row['limit_s']:.3g} s\n"
        f"    {verdict} ({row['goal']}); {row['note']}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
