"""How a setting may be written."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_WITH_UNIT = re.compile(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})?\s*")


def _seconds(value: object) -> object:
    """``30``, ``30 s``, ``2m``, ``1.5 h``; a plain number means seconds.

    The rest is pydantic's: ``PT2M``, ``00:02:00``.
    """
    found = _WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) * _UNITS[found[2] or "s"] if found else value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
