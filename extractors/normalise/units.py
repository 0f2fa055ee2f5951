"""Units of quantities: words that stand beside a number and do not change it.

CLDR has the metric units, times and sizes of every locale; pieces and packages are listed here.
"""

from functools import lru_cache

from extractors.normalise.characters import folded
from extractors.normalise.locales import language_of, locale_of

_PIECES = frozenset(
    """
    percent prozent procent pourcent
    psch pausch pauschale pauschal forfait ve gebinde kanister eimer doos rol gg hh godz usl hod tim
    ч час 時間 ヶ月 か月
    x × pc pcs pce pces piece pieces ea each unit units item items nos qty set sets pack packs
    pk pkg pkt packet packets box boxes bx case cases ctn carton cartons bag bags roll rolls
    sheet sheets bottle bottles btl can cans jar jars pallet pallets plt drum drums copy copies
    licence licences license licenses seat seats user users night nights person persons people
    pax shift visit visits trip trips page pages lot lots kit kits tube tubes bar bars reel
    reels stk stck stuck st pck pkg packung packungen paket pakete karton kartons kiste kisten
    flasche flaschen dose dosen rolle rollen palette paletten beutel sack blatt seite seiten
    person personen nacht nachte einheit einheiten eh lizenz lizenzen stuks stuk pieces boite
    boites bouteille bouteilles carton cartons sachet sachets unite unites pce pieza piezas ud
    uds unidad unidades caja cajas paquete paquetes botella botellas un und unid unidade
    unidades pct peca pecas caixa caixas pz pezzo pezzi nr conf scatola scatole bottiglia
    bottiglie confezione cad styck stycken forp stykker stykk kpl kappale rs pkt szt sztuk
    sztuka sztuki op opak ks kus kusy kusu bal kom komad komada kos kosov db darab cs csomag buc
    bucati cutie бр броя шт штук штука штуки уп ед экз пач кор комп τεμ τμχ τεμαχια adet ad tane
    kutu paket 個 本 枚 台 件 箱 袋 式 冊 名 人 部 組 缶 点 个 只 张 箱 套 盒 包 瓶 支 把 개 장
    대 병 박스 세트 명 권 חבילה יח
    יחידות قطعة قطع حبة وحدة عدد नग पीस buah pcs lembar chiếc cái hộp ชิ้น กล่อง อัน std stdn
    stunden hr hrs mo mth mths mon yr yrs wk wks jr kwh mwh wh kw mw kwp kva gb mb tb kb qm cbm
    m2 m3 cm2 mm2 ccm m² m³ km² cm² mm² ft² sqm sqft lfm lfdm fm rm to tonne tonnes ton tons kgs
    gr grs ltr ltrs lt lbs mtr mtrs
    """.split()
)  # fmt: skip
# Words that change the number, and letters that may be thousands or millions.
_CHANGES = frozenset(
    """
    dozen dozens dz doz dutzend douzaine docena dozzina gross score pair pairs paar paire pares
    par paia k m b t g mio mrd mia tsd tds tausend thousand thousands million millions billion
    billions mill mln mld mil bn mn lakh crore hundred hundreds permille permyriad
    """.split()
)
_SPACED = frozenset({"m", "t", "g", "b"})  # "5 m" is five metres; "5m" may be five million


def without_unit(text: str, locale: str) -> str:
    """The number of a quantity, without the unit behind it; the text itself where there is none."""
    start = len(text)
    while start and not text[start - 1].isdecimal():
        start -= 1
    number, unit = text[:start], text[start:]
    if unit.startswith((".", ",")) or not number:
        return text
    spaced = unit[:1].isspace()
    unit = unit.strip()
    return number if unit and is_unit(unit, locale, spaced=spaced) else text


def is_unit(printed: str, locale: str, *, spaced: bool) -> bool:
    """Whether this is a unit that leaves its number as it is."""
    word = folded(printed.strip("() "))
    known = _units(locale)
    if word in _CHANGES:
        small = printed.islower() and spaced and word in _SPACED
        return small and word in known
    if word in known:
        return True
    first, slash, second = word.partition("/")
    return bool(slash) and first in known and second in known and first not in _CHANGES


@lru_cache(maxsize=64)
def _units(locale: str) -> frozenset[str]:
    """Units as CLDR writes them in a locale and in English, and pieces, folded."""
    words = {folded(word) for word in _PIECES}
    for language in {"en", language_of(locale)}:
        for name, widths in locale_of(language)._data["unit_patterns"].items():
            if name.startswith(("concentr-per", "portion")) or "dozen" in name:
                continue
            for patterns in widths.values():
                words |= {_unit_of(p) for p in patterns.values() if isinstance(p, str)}
    return frozenset(words) - {""}


def _unit_of(pattern: str) -> str:
    """The unit of "{0} kg"; nothing where it stands before the number or on both sides."""
    before, number, after = pattern.partition("{0}")
    return folded(after.strip(" \u00a0\u202f")) if number and not before.strip() else ""
