"""Variables of the environment, by name: which are settings, and which are misspelt."""

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from worker.errors import InvalidSetting

PREFIX = "SUREFIELD_"
# of the tests and benchmarks; and the mark by which a supervisor knows its own processes
IGNORED = ("SUREFIELD_CORPUS", "SUREFIELD_SUPERVISED_BY")
IGNORED_PREFIXES = ("SUREFIELD_TEST_", "SUREFIELD_BENCH_")


def variable(name: str) -> str:
    """The variable of a setting."""
    return PREFIX + name.upper()


def given_in(
    environ: Mapping[str, str], fields: Mapping[str, FieldInfo], others: Collection[str]
) -> dict[str, Any]:
    """Settings that the environment gives, as they are written there; lists and tables as JSON.

    An empty variable is not given.

    fields: the settings themselves
    others: names of the engines' options

    Raises InvalidSetting for a variable that is no setting, and for JSON that is none.
    """
    known = {*fields, *others}
    found = {}
    for key, value in environ.items():
        if not key.startswith(PREFIX) or key in IGNORED or key.startswith(IGNORED_PREFIXES):
            continue
        name = key.removeprefix(PREFIX).lower()
        if name not in known:
            raise InvalidSetting(_misspelt(key, known))
        if value:
            found[name] = _json(key, value) if _is_complex(fields.get(name)) else value
    return found


def _misspelt(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key, [variable(name) for name in known], n=1, cutoff=0.0)
    return f"There is no setting {key}. The nearest is {near[0]}. See them all: surefield settings"


def _is_complex(info: FieldInfo | None) -> bool:
    return info is not None and get_origin(info.annotation) in (tuple, list, dict, frozenset)


def _json(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise InvalidSetting(f"{key} is not JSON: {error}. Mend the brackets and quotes.") from None
