"""What was measured, for people: a table on a terminal, and a picture."""

from collections.abc import Mapping
from typing import Any

from extractors.decision.scores import DEFAULT, METHODS
from extractors.demo.evaluate import Measurement, as_json, compare
from extractors.documents.slip import Slip


def risk_by_coverage(found: Measurement, name: str = DEFAULT) -> list[tuple[float, float]]:
    """Share of the values accepted, the surest first, and the share of those that are wrong."""
    scored = sorted(
        ((one.scores.get(name) or 0.0, one.right) for one in found.values if one.scores),
        reverse=True,
    )
    wrong, curve = 0, []
    for i, (_, right) in enumerate(scored, start=1):
        wrong += not right
        curve.append((i / len(scored), wrong / i))
    return curve


def show(found: Mapping[str, Measurement], console: Any) -> None:
    """The figures of each decode mode as one table on a terminal, level by level."""
    from rich.table import Table

    figures = {mode: as_json(one) for mode, one in found.items()}
    paths = Slip.spec.paths()
    table = Table(
        title=f"{max(one.documents for one in found.values())} documents, each read in every mode"
    )
    columns = (
        "level",
        "mode",
        "values right",
        "same value",
        *paths,
        "absent: precision",
        "absent: recall",
        "no slip: clean",
        "accepted",
        "of these wrong",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for level in sorted({level for one in figures.values() for level in one["levels"]}):
        for mode, one in figures.items():
            row = one["levels"][level]
            shares = (
                "absent_precision",
                "absent_recall",
                "no_slip_clean",
                "accepted",
                "accepted_wrong",
            )
            cells = [
                row["value_accuracy"],
                row["normalised_accuracy"],
                *(row["by_field"].get(path) for path in paths),
                *(row[share] for share in shares),
            ]
            table.add_row(level, mode, *("-" if cell is None else f"{cell:.1%}" for cell in cells))
        table.add_section()
    console.print(table)
    first, *others = found
    for mode in others:
        apart = compare(found[first], found[mode])
        console.print(
            f"values that only {first} has right: {apart.only_first}; that only {mode} has right:"
            f" {apart.only_second} (exact McNemar test: p = {apart.p_value:.3f})"
        )
    for mode, one in figures.items():
        scores = ", ".join(f"{name} {value}" for name, value in one["auroc"].items())
        console.print(f"{mode}: {one['seconds_per_page']} s a page; AUROC: {scores}")


def draw(found: Measurement, picture: Any) -> None:
    """Accuracy by level, and risk against coverage, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures = as_json(found)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    levels = list(figures["levels"])
    left.bar(
        levels,
        [figures["levels"][level]["value_accuracy"] or 0 for level in levels],
        color="#3b6ea5",
    )
    left.set(
        title="Values exactly right, by damage", xlabel="damage level", ylabel="share", ylim=(0, 1)
    )
    for name in METHODS:
        curve = risk_by_coverage(found, name)
        right.plot([x for x, _ in curve], [y for _, y in curve], label=name)
    right.set(
        title="Risk against coverage",
        xlabel="share of values accepted, surest first",
        ylabel="share of these that are wrong",
    )
    right.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
