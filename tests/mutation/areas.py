"""Where faults are planted, and which tests may notice them."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

AREAS = {
    "decision": ("extractors/decision/*.py",),
    "evidence": ("extractors/evidence/*.py",),
    "claims": tuple(
        f"worker/store/{name}.py"
        for name in ("documents", "pages", "pauses", "transitions", "retry")
    ),
    "sweeps": ("worker/store/sweep.py",),
    "attempts": (
        "worker/pipeline/attempt.py",
        "worker/pipeline/heartbeat.py",
        "worker/pipeline/stages/extract.py",
        "worker/pipeline/stages/route.py",
        "worker/runtime.py",
        "worker/outages.py",
        "worker/blame.py",
    ),
    "intake": ("worker/intake/*.py",),
    "roles": (
        "worker/actor.py",
        "worker/accounts/store.py",
        "worker/accounts/passwords.py",
        "worker/review/actions.py",
        "worker/web/dependencies.py",
        "worker/web/signin.py",
        "worker/web/people.py",
    ),
}

# The folders of the tests that reach these areas, in two halves of about the same length.
TESTS = (
    ("tests/decision", "tests/evidence", "tests/store", "tests/review", "tests/reporting"),
    (
        "tests/pipeline",
        "tests/web",
        "tests/accounts",
        "tests/intake",
        "tests/tables",
        "tests/rerankers",
    ),
)
# They measure time or need a browser or minutes.
LEFT_OUT = (
    "tests/web/browser",
    "tests/web/test_twenty_reviewers.py",
    "tests/pipeline/test_long_demo.py",
    "tests/evidence/test_corpus.py",
)


def modules() -> Iterator[tuple[str, str]]:
    """Every area with the path of each of its modules, from the root."""
    for area, patterns in AREAS.items():
        for pattern in patterns:
            for path in sorted(ROOT.glob(pattern)):
                if path.name != "__init__.py":
                    yield area, str(path.relative_to(ROOT))
