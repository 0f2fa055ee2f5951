"""Numbers and codes that must be right to the letter."""

import re

from extractors.documents.checksums import checksum_of, compact, country_of, known_names
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.errors import BrokenDocumentType
from extractors.normalise.characters import folded, tidy
from extractors.normalise.placeholders import stands_for_nothing
from extractors.normalise.value import Unclear, Value
from extractors.normalise.words import refuse_what_says_nothing

_MAX_IDENTIFIER = 120
# Full width is a matter of type, and so are the kinds of dash.
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
_PRINTED: dict[int, int | str] = {**_WIDTH, **_DASHES}

# Words of labels, folded, in the languages of the built-in types and some more.
_NUMBER = frozenset(
    """
    no nr nos num numb number numbers nummer nummern numero numer cislo szam sz номер αριθμος αρ
    ref reference referenz referencia riferimento referentie id code kode kod 番号 号 編號 编号
    號碼 号码
    번호 رقم מספר n
    """.split()
)  # fmt: skip
_OF = frozenset(
    """
    invoice inv bill receipt order purchase document doc customer client account contract
    delivery slip quote offer credit debit note reference tax vat reg registration your our po
    payment ticket serial sales statement case policy member rechnung rechnungs rg re beleg
    auftrag auftrags bestell bestellung kunden kd lieferschein vertrag vertrags ust idnr facture
    fact commande client contrat devis recu bon factuur bestelling bestel klant fattura ordine
    cliente ricevuta factura pedido recibo albaran fatura nota encomenda faktura faktury
    fakturan zamowienia objednavky szamla iban bic счет счет накладная рахунок фактура τιμολογιο
    fis siparis 請求書 注文 伝票 発票 发票 發票 订单 訂單 송장 주문 فاتورة חשבונית
    """.split()
)  # fmt: skip
_JOIN = frozenset("de du des d of the der die di da do del della to my l".split())
_LABELS = _NUMBER | _OF | _JOIN
_WORD = re.compile(r"([^\W\d_]+)(?![^\W_])([\s.'’/_-]*)")
_BETWEEN_WORDS, _COLON = re.compile(r"[^\w]+"), re.compile(r"[:#]")
_DIGIT = re.compile(r"\d")
_MAY_BE_LABELLED = re.compile(r"[\d:#]")
_QUOTED = re.compile(r"\"(.+)\"|'(.+)'|[(\[]([^()\[\]]+)[)\]]|“(.+)”|„(.+)[“”]|«(.+)»")
_SIGN = re.compile(r"[:#°º]+\s*|№\s*")
_ENDS = " ,;:"


def identifier(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """The identifier without its label and its spaces, as printed otherwise.

    With a checksum also without its other separators, in capitals.  Raises BrokenDocumentType when
    the field names a checksum that there is none of.
    """
    said = tidy(text)
    refuse_what_says_nothing(said)
    printed = said if said.isascii() else said.translate(_PRINTED)
    bare = printed.strip(_ENDS)
    if quoted := _QUOTED.fullmatch(bare):
        bare = next(filter(None, quoted.groups())).strip(_ENDS) or bare
    if field.checksum is None:
        number = _without_label(bare)
        if number is not bare:
            refuse_what_says_nothing(number)
        return Value(kind=field.kind, value=_as_printed(number))
    check = checksum_of(field.checksum)
    if check is None:
        raise BrokenDocumentType(
            f"{spec.name}.{field.name}: no checksum {field.checksum!r}. Known: {known_names()}. "
            "Add it to CHECKSUMS in the type's file."
        )
    found = next((each for each in _candidates(bare, field.checksum) if check(each)), None)
    if found is None:
        raise Unclear("checksum_failed")
    return Value(kind=field.kind, value=found)


def _as_printed(said: str) -> str:
    bare = said.replace(" ", "")
    if len(bare) > _MAX_IDENTIFIER:
        raise Unclear("too_long")
    if len(bare) > 2 and not bare.strip("0-./"):  # all zeros name nobody
        raise Unclear("placeholder")
    if "." in bare[-1:] and bare.count(".") == 1:
        bare = bare[:-1]
    if not bare.isascii() and _two_alphabets(bare):
        raise Unclear("mixed_scripts")
    return bare


_LATIN, _OTHER = re.compile("[A-Za-z]"), re.compile("[\u0370-\u03ff\u0400-\u052f]")


def _two_alphabets(bare: str) -> bool:
    """A code is one word: letters of two alphabets in it are misread."""
    return bool(_LATIN.search(bare) and _OTHER.search(bare))


def _without_label(said: str) -> str:
    """Without "Invoice No:" and "#" before it, where a number follows."""
    if said[0].isdigit() or not _MAY_BE_LABELLED.search(said):
        return said
    at, labels, between = 0, [], ""
    while (match := _WORD.match(said, at)) and (words := _label_words(folded(match[1]))):
        labels += words
        at, between = match.end(), match[2]
    sign = _SIGN.match(said, at)
    rest = said[sign.end() if sign else at :].strip(_ENDS)
    if labels and sign and stands_for_nothing(rest):
        return rest
    if not _DIGIT.search(rest) or not _is_label(labels, between, signed=sign is not None):
        return said
    return rest


def _label_words(word: str) -> list[str]:
    """The words that a label's word is made of: "Rechnungsnr"; none where it is no label's."""
    if word in _LABELS:
        return [word]
    ends = (n for n in _NUMBER if len(n) > 1 and word.endswith(n) and word[: -len(n)] in _OF)
    return [word, end] if (end := next(ends, None)) else []


def _is_label(labels: list[str], between: str, *, signed: bool) -> bool:
    """A label ends with a sign, with a word for "number", or is a whole word for a paper."""
    if signed:
        return True
    parted = " " in between or "." in between
    if not labels or not parted:
        return False
    if len(labels[-1]) == 1 and "." not in between:
        return False  # "N 4711" may begin with its N
    return labels[-1] in _NUMBER or (len(labels[-1]) >= 5 and labels[-1] in _OF)


def _candidates(said: str, checksum: str) -> list[str]:
    """What the number may be: all of it, or without words before it; with its country before it."""
    first_digit = match.start() if (match := _DIGIT.search(said)) else len(said)
    borders = (match.end() for match in _BETWEEN_WORDS.finditer(said, 0, first_digit))
    starts = [compact(_COLON.sub("", said[at:])) for at in (0, *borders)]
    country = country_of(checksum)
    if country:
        starts += [country + start for start in starts if not start.startswith(country)]
    return [start for start in starts if 0 < len(start) <= _MAX_IDENTIFIER]
