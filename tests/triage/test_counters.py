"""A page's own number, as pages of many languages and scanners print it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.triage.counters import only_counts, place_of

FORMS = (
    *(
        "Page {k} of {n}",
        "Page {k}/{n}",
        "PAGE {k} OF {n}",
        "Page: {k} of {n}",
        "Page {k} (of {n})",
    ),
    *("Page No {k} of {n}", "Page #{k} of {n}", "Pg {k} of {n}", "p. {k} of {n}", "P. 0{k}/0{n}"),
    *(
        "Sheet {k} of {n}",
        "{k} of {n}",
        "{k}/{n}",
        "({k}/{n})",
        "- {k} / {n} -",
        "{k} of {n} pages",
    ),
    *("Page {k} (of {n})", "{k} of {n} pages"),
    *("Seite {k} von {n}", "S. {k} von {n}", "Blatt {k}/{n}", "Seite Nr. {k} von {n}"),
    *("Page {k} sur {n}", "Page n° {k} sur {n}", "Page {k} de {n}", "Feuillet {k}/{n}"),
    *("Pagina {k} van {n}", "Blad {k} van {n}", "Bladzijde {k}/{n}", "Pag. {k} di {n}"),
    *("Foglio {k} di {n}", "Página {k} de {n}", "Hoja {k} de {n}", "Pág. {k}/{n}", "Folha {k}/{n}"),
    *("Side {k} av {n}", "Side {k} af {n}", "Sida {k} av {n}", "Sivu {k}/{n}", "Strona {k} z {n}"),
    *("Str. {k} z {n}", "Strana {k} z {n}", "Stránka {k} z {n}", "Oldal {k}/{n}", "{k}/{n} oldal"),
    *("Sayfa {k}/{n}", "Страница {k} из {n}", "Стр. {k} из {n}", "Σελίδα {k} από {n}"),
    *(
        "第{k}页 共{n}页",
        "第 {k} 頁，共 {n} 頁",
        "共{n}页 第{k}页",
        "{k}/{n}ページ",
        "{k}/{n} 페이지",
    ),
    *("Trang {k}/{n}", "Halaman {k} dari {n}", "صفحة {k} من {n}", "עמוד {k} מתוך {n}"),
)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=10)
@given(st.data())
def test_a_count_is_read_in_every_usual_form(form, data):
    """Whatever its numbers, at the foot of a page."""
    n = data.draw(st.integers(2, 99))
    k = data.draw(st.integers(1, n))
    said = form.format(k=k, n=n)

    assert place_of([("Dear Ada",), (said,)], at=1, of=120) == (k, n)
    assert only_counts(said) or form in ("{k} of {n}", "{k}/{n}", "({k}/{n})", "- {k} / {n} -")


@pytest.mark.parametrize(
    "cell",
    [
        "12/03/2026",
        "Page 12/03/2026",
        "Elm Street 5/7",
        "3/2",
        "Qty 1 of 2",
        "2/10 net 30",
        "Total 1/2",
        "Packages 1 of 2",
    ],
)
def test_other_numbers_are_no_count(cell):
    """Dates, addresses, fractions and terms of payment."""
    assert place_of([(cell,)], at=1, of=20) is None


def test_bare_numbers_count_at_the_edge_of_a_page_alone():
    """Amid a page they are a quantity, and so they are where the file has fewer pages."""
    text = [("Dear Ada",)] * 4

    assert place_of([*text, ("1/2",)], at=1, of=2) == (1, 2)
    assert place_of([*text, ("1/2",), *text], at=1, of=2) is None
    assert place_of([*text, ("1/12",)], at=1, of=2) is None


def test_the_count_of_the_whole_file_gives_way_to_the_papers_own():
    """A merger stamps over what stood there."""
    both = [("p. 3/5",), ("Dear Ada",), ("Page 1 of 2",)]

    assert place_of(both, at=3, of=5) == (1, 2)
    assert place_of(both[:2], at=3, of=5) == (3, 5)
