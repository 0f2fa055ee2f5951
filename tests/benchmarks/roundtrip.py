"""What babel writes in 91 locales, read back with the same locale: right, doubted or wrong?

Nine forms: dates short to full, plain decimals, and money in the locale's own currency as usual, in
accounting, by name and by code.  ``python -m tests.benchmarks.roundtrip`` prints every cell that is
not wholly right; nothing may be wrong, and few values doubted.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
    get_territory_currencies,
)

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import normalise

LOCALES = """
    en_US en_GB en_IN en_AU en_CA en_ZA en_IE en_SG en_HK en_NZ de_DE de_AT de_CH fr_FR fr_CA
    fr_CH fr_BE it_IT it_CH es_ES es_MX es_AR es_CL es_CO es_PE pt_BR pt_PT nl_NL nl_BE sv_SE
    nb_NO da_DK fi_FI is_IS pl_PL cs_CZ sk_SK hu_HU ro_RO bg_BG hr_HR sl_SI sr_RS sr_Latn_RS
    bs_Latn_BA mk_MK sq_AL el_GR tr_TR ru_RU uk_UA be_BY kk_KZ lt_LT lv_LV et_EE he_IL ar_EG
    ar_SA ar_AE ar_MA fa_IR ur_PK hi_IN bn_BD ta_IN mr_IN gu_IN te_IN th_TH vi_VN id_ID ms_MY
    fil_PH ja_JP ko_KR zh_CN zh_TW zh_HK ka_GE hy_AM az_AZ uz_UZ am_ET sw_KE af_ZA ca_ES eu_ES
    gl_ES cy_GB ga_IE
""".split()  # fmt: skip
DATES = ("short", "medium", "long", "full")
FORMS = (*DATES, "decimal", "currency", "accounting", "name", "code")
VALUES = 60  # of each locale and form
SEED = 20260304
MOST_DOUBTED = 0.071


@dataclass(frozen=True, slots=True)
class Written:
    """One value as babel writes it, and what must be read."""

    kind: Kind
    text: str
    value: str
    currency: str | None = None


def cells() -> Iterator[tuple[str, str, Counter[str]]]:
    """Locale, form, and how many of its values came back right, doubted or wrong."""
    for name in LOCALES:
        spec = _type_of(name)
        for form in FORMS:
            rng = random.Random(f"{SEED} {name} {form}")
            yield (
                name,
                form,
                Counter(_verdict(_writer(form)(name, form, rng), spec) for _ in range(VALUES)),
            )


def _type_of(locale: str) -> DocumentType:
    pattern = str(Locale.parse(locale).date_formats["short"].pattern)
    order = [c for c in pattern if c in "dM"]
    return DocumentType(
        name="paper",
        title="paper",
        description="",
        fields=(),
        locale=locale,
        day_first=order[0] == "d",
    )


def _writer(form: str) -> Callable[[str, str, random.Random], Written]:
    if form in DATES:
        return _a_date
    return _a_decimal if form == "decimal" else _money


def _a_date(locale: str, form: str, rng: random.Random) -> Written:
    day = date(2010, 1, 1) + timedelta(days=rng.randrange(365 * 25))
    return Written(Kind.DATE, format_date(day, form, locale), day.isoformat())


def _a_decimal(locale: str, form: str, rng: random.Random) -> Written:
    value = Decimal(rng.randrange(100, 10**8)) / 100
    return Written(
        Kind.AMOUNT,
        format_decimal(value, format=None, locale=locale, decimal_quantization=False),
        f"{value:f}",
    )


def _money(locale: str, form: str, rng: random.Random) -> Written:
    code = get_territory_currencies(str(Locale.parse(locale).territory))[0]
    places = get_currency_precision(code)
    value = Decimal(rng.randrange(100, 10**8)).scaleb(-places)
    if form == "code":
        text = f"{code} {format_decimal(value, locale=locale, decimal_quantization=False)}"
    else:
        kind = {"currency": "standard", "accounting": "accounting", "name": "name"}[form]
        text = format_currency(value, code, locale=locale, format_type=kind)  # type: ignore[arg-type]
    return Written(Kind.AMOUNT, text, f"{value:f}", code)


def _verdict(written: Written, spec: DocumentType) -> str:
    field = FieldSpec(name="value", kind=written.kind, description="what is printed")
    got = normalise(written.text, field, spec)
    if got.problem is not None:
        return "doubted"
    same = got.value == written.value
    if written.kind is Kind.AMOUNT:
        same = Decimal(str(got.value)) == Decimal(written.value) and got.currency in (
            None,
            written.currency,
        )
        if same and got.currency != written.currency:
            return "doubted"  # the number is right, and its currency left open
    return "right" if same else "wrong"


def run() -> list[dict[str, object]]:
    """The share doubted by form and in all, and how many are wrong."""
    by_form: dict[str, Counter[str]] = {form: Counter() for form in FORMS}
    for _, form, counts in cells():
        by_form[form] += counts
    total = sum(by_form.values(), Counter[str]())
    rows: list[dict[str, object]] = [
        {
            "metric": f"doubted, {form}",
            "value": c["doubted"] / c.total(),
            "unit": "share",
            "goal": None,
            "holds": True,
        }
        for form, c in by_form.items()
    ]
    doubted = total["doubted"] / total.total()
    rows += [
        {"metric": "values", "value": total.total(), "unit": "", "goal": None, "holds": True},
        {
            "metric": "doubted, all",
            "value": doubted,
            "unit": "share",
            "goal": MOST_DOUBTED,
            "holds": doubted <= MOST_DOUBTED,
        },
        {
            "metric": "wrong",
            "value": total["wrong"],
            "unit": "",
            "goal": 0,
            "holds": total["wrong"] == 0,
        },
    ]
    return rows


def main() -> int:
    """Every locale and form that is not wholly right."""
    print(f"{'locale':12}" + "".join(f"{form:>11}" for form in FORMS), "  (% right, ! wrong)")
    table: dict[str, dict[str, Counter[str]]] = {}
    for name, form, counts in cells():
        table.setdefault(name, {})[form] = counts
    for name, row in table.items():
        if any(counts["right"] < VALUES for counts in row.values()):
            shown = (
                f"{100 * c['right'] / VALUES:.0f}{'!' * bool(c['wrong'])}" for c in row.values()
            )
            print(f"{name:12}" + "".join(f"{cell:>11}" for cell in shown))
    return int(any(c["wrong"] for row in table.values() for c in row.values()))


if __name__ == "__main__":
    sys.exit(main())
