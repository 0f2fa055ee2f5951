"""The learning curve of a training, as a picture.

python -m extractors.demo.curve [--log .train/run/log.csv] [--out .train/run/curve.png]
"""

import argparse
import csv
from itertools import pairwise
from pathlib import Path

CURVES = {
    "tokens_right": "answer tokens right, given the right ones before",
    "looks_right": "attention's top patch is the character's",
    "chars_right": "characters named right by the auxiliary head",
}


def draw(log: Path, out: Path) -> None:
    """Shares that are right, by minutes of training; the phases are marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for column, label in CURVES.items():
        points = [
            (float(row["seconds"]) / 60, float(row[column]))
            for row in rows
            if row[column] not in ("", "nan")
        ]
        axes.plot([x for x, _ in points], [y for _, y in points], label=label)
    for before, after in pairwise(rows):
        if before["phase"] != after["phase"]:
            axes.axvline(float(after["seconds"]) / 60, color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="minutes of training", ylabel="share", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(out, dpi=120)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log", type=Path, default=Path(".train/run/log.csv"))
    parser.add_argument("--out", type=Path, default=Path(".train/run/curve.png"))
    args = parser.parse_args()
    draw(args.log, args.out)


if __name__ == "__main__":
    main()
