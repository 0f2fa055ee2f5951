"""``python -m tests.cases FOLDER``: a folder of cases through the real stages, counted by group.

Exits 1 when anything is WRONG or crashes.
"""

import argparse
import json
import logging
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import structlog

from tests.cases.cases import BrokenCase, Case, read
from tests.cases.house import a_house_of_its_own
from tests.cases.judging import Judged, judge
from tests.cases.verdicts import Verdict

BAD = (Verdict.WRONG, Verdict.CRASH)
Counts = dict[str, Counter[Verdict]]


def main(arguments: list[str]) -> int:
    """Judge every case of the folder that is asked for."""
    asked = _parser().parse_args(arguments)
    try:
        cases = [case for case in read(asked.folder) if _wanted(case, asked.only)]
    except (BrokenCase, OSError) as error:
        print(f"The cases cannot be read: {error}", file=sys.stderr)
        return 2
    if not cases:
        print(f"There is no case in {asked.folder} that fits.", file=sys.stderr)
        return 2
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)  # what goes wrong is judged
    counts: Counts = defaultdict(Counter)
    written: dict[str, dict[str, object]] = {}
    with a_house_of_its_own() as house:
        for case in cases:
            judged = judge(case, house)
            counts[case.group][judged.verdict] += 1
            written[case.id] = {"verdict": judged.verdict.value, "got": judged.came}
            if asked.show and judged.verdict is not Verdict.RIGHT:
                print(_line(case, judged), flush=True)
    _print_table(counts)
    if asked.json is not None:
        asked.json.write_text(json.dumps(written, ensure_ascii=False, indent=1, default=str))
    return int(any(counts[group][verdict] for group in counts for verdict in BAD))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of .jsonl files, or one such file")
    parser.add_argument("--show", action="store_true", help="every case that is not right")
    parser.add_argument("--only", metavar="GROUP", help="cases of this group, or of this id")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what came of each case, by id")
    return parser


def _wanted(case: Case, only: str | None) -> bool:
    """K1 asks for the group K1 and not for K14."""
    if only is None or case.id == only:
        return True
    return re.search(rf"(?<!\w){re.escape(only)}(?!\d)", case.group) is not None


def _line(case: Case, judged: Judged) -> str:
    text = str(case.said.get("text", case.said.get("raw", "")))
    return f"{judged.verdict.value:14} {case.id:10} {case.group} | {text[:60]!r} {judged.why}"


def _print_table(counts: Counts) -> None:
    width = max(map(len, counts))
    columns = "  ".join(f"{verdict.value:>14}" for verdict in Verdict)
    print(f"{'group':{width}}  cases  {columns}")
    for group in sorted(counts, key=_in_order):
        _print_row(group, width, counts[group])
    _print_row("TOTAL", width, sum(counts.values(), Counter[Verdict]()))


def _print_row(name: str, width: int, row: Counter[Verdict]) -> None:
    cells = "  ".join(f"{row[verdict] or '.':>14}" for verdict in Verdict)
    print(f"{name:{width}}  {row.total():5}  {cells}")


def _in_order(group: str) -> tuple[int, str]:
    match = re.match(r"K(\d+)", group)
    return (int(match[1]) if match else 99, group)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
