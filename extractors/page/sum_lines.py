"""The lines of a page that sum up, reduce, raise or round: a label, and the amount at the line's
end.

Everyday words of business papers in the languages of the bundled types; accents, case and plurals
do not count. What a label says decides what its amount may do in a sum, so a word stands here only
where it says it surely.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractors.page.layout import lines_of, terms, text_of
from extractors.types import Box, Word


class Does(StrEnum):
    """What the amount of a line does in a sum."""

    SUMS_ROWS = "sums rows"  # it is the list's own sum
    REDUCES = "reduces"
    RAISES = "raises"
    ROUNDS = "rounds"


_WRITTEN = {
    Does.SUMS_ROWS: """
positionssumme; summe positionen; summe der positionen; zwischensumme; warenwert;
nettowarenwert; nettosumme; summe netto; subtotal; sub total; total of items; item total; line
total; total line; goods total; merchandise total; sum of line; sum of item; sous total; sou
total; total ht; total hors taxe; total brut ht; montant ht; total ligne; total article; total
des ligne; total marchandise; subtotaal; totaal artikelen; totaal excl; subtotale; totale merce;
totale righe; totale imponibile; suma parcial; total parcial; base imponible; total sin iva;
total liquido; soma; mellansumma; delsumma; valisumma; mezisoucet
""",
    Does.REDUCES: """
discount; less; rebate; allowance; deduction; voucher; coupon; credit; rabatt; nachlass;
preisnachlass; sondernachlass; abschlag; abschlage; abzug; abzuglich; minderung; gutschein;
bonus; skonto; gesamtbetrag der abschlage; summe abschlage; remise; rabais; escompte; ristourne;
reduction; avoir; sconto; abbuono; riduzione; descuento; rebaja; bonificacion; desconto;
abatimento; korting; aftrek; deposit; prepayment; prepaid; advance payment; advance; paid;
amount paid; payment received; down payment; anzahlung; erhaltene anzahlung; erhaltene
anzahlungen; geleistete anzahlung; vorauszahlung; bereits bezahlt; abschlagszahlung; acompte;
arrhe; deja paye; deja regle; acconto; anticipo; caparra; adiantamento; sinal; voorschot;
aanbetaling; reeds betaald
""",
    Does.RAISES: """
shipping; delivery; freight; carriage; postage; handling; surcharge; charge; service charge;
packing; packaging; insurance; tip; versand; versandkosten; versandkostenpauschale; fracht;
frachtkosten; porto; zuschlag; zuschlage; gesamtbetrag der zuschlage; summe zuschlage;
aufschlag; lieferkosten; verpackung; mindermengenzuschlag; bearbeitungsgebuhr; livraison; frai;
port; transport; emballage; supplement; majoration; spedizione; trasporto; imballo; spese;
maggiorazione; supplemento; envio; porte; gasto; recargo; suplemento; frete; portes;
verzendkosten; verzending; toeslag; vracht; administratiekosten
""",
    Does.ROUNDS: """
rounding; round off; rounded; rounding difference; rundung; rundungsdifferenz; rundungsbetrag;
gerundet; arrondi; arrotondamento; redondeo; arredondamento; afronding; avrundning;
oresavrundning; oreavrunding; zaokrouhleni; zaokraglenie
""",
}
_LABELS: dict[str, list[tuple[tuple[str, ...], Does]]] = {}
for _does, _written in _WRITTEN.items():
    for _label in _written.split(";"):
        _terms = tuple(terms(_label))
        _LABELS.setdefault(_terms[0], []).append((_terms, _does))

_AMOUNT = re.compile(
    r"[^\w\s]{0,3}(?:[A-Z]{3})?[-+\u2212\u2013]?\d{1,3}(?:[.,'\u2019]?\d{3})*[.,]\d{2}"
    r"[-\u2212]?(?:[A-Z]{3})?[^\w\s]{0,2}"
)
_THOUSANDS = re.compile(r"[^\w\s]{0,3}[-+\u2212\u2013]?\d{1,3}")
_LABEL_TERMS = 8  # a longer one is a sentence


@dataclass(frozen=True, slots=True)
class SumLine:
    """A line with a label and an amount at its end."""

    label: tuple[str, ...]  # terms
    does: Does | None  # None: the label says nothing of it
    text: str  # the amount as printed
    box: Box  # of the amount
    top: float


def sum_lines(words: Sequence[Word]) -> Iterator[SumLine]:
    """The lines of a page that end in an amount, from top to bottom."""
    for cells in lines_of(words):
        line = [word for cell in cells for word in cell]
        found = _amount_at_the_end(line)
        if found is None:
            continue
        first, last = found
        label = tuple(
            term for word in line[:first] for term in terms(word.text) if not term.isdigit()
        )
        if not label or len(label) > _LABEL_TERMS:
            continue
        printed = line[first : last + 1]
        yield SumLine(
            label=label,
            does=does(label),
            text=text_of(printed),
            box=Box(
                printed[0].box.x0,
                min(word.box.y0 for word in printed),
                printed[-1].box.x1,
                max(word.box.y1 for word in printed),
            ),
            top=line[0].box.y0,
        )


def does(label: Sequence[str]) -> Does | None:
    """What an amount with this label does in a sum, by how the label begins."""
    for at in range(min(len(label), 2)):  # "Abschlag", and "10 % Rabatt", "our discount"
        for known, meant in _LABELS.get(label[at], ()):
            if tuple(label[at : at + len(known)]) == known:
                return meant
    return None


def _amount_at_the_end(line: Sequence[Word]) -> tuple[int, int] | None:
    """First and last word of the amount that ends the line, a currency behind it left out."""
    last = len(line) - 1
    if last > 0 and not any(c.isdigit() for c in line[last].text) and len(line[last].text) <= 3:
        last -= 1
    if last < 0 or not _AMOUNT.fullmatch(line[last].text):
        return None
    first = last
    while (
        first > 0
        and re.match(r"\d{3}(?!\d)", line[first].text)
        and _THOUSANDS.fullmatch(line[first - 1].text)
        and line[first].box.x0 - line[first - 1].box.x1 < line[first].box.height
    ):
        first -= 1
    return first, last
