"""What stands for "nothing there": placeholders, templates, and endless repetition."""

import re
import unicodedata

from extractors.normalise.characters import folded

# As forms, people and models write it, folded and without the signs around it.
_WORDS = frozenset(
    word.strip()
    for line in """
    n/a | n/d | s/d | s/o | n.a | n a | na | n.d | n.v | nil | null | none | nan | nul
    undefined | nothing | unknown | unspecified | unavailable | unidentified | not found
    not specified | not provided | not applicable | not available | not given | not stated
    not visible | not legible | not readable | not present | not shown | not mentioned
    not known | not detected | not indicated | not listed | not included | not supplied
    not disclosed | not clear | not set | not filled in | no data | no value | no entry
    no information | no name | no number | no date | no address | not on document
    not in document | not on the document | not in the document | none provided | same as above
    same as seller | your company name | your name here | enter name | insert name here
    none given | none found | none specified | none listed | missing | empty | blank | illegible
    unreadable | unclear | redacted | see above | see below | as above | ditto | tbd | tba | tbc
    tbn | to be determined | to be announced | to be confirmed | to be advised | to be defined
    placeholder | string | str | text | value | example | sample text | true | false | your name
    your company | company name | seller name | buyer name | customer name
    first name last name | keine | keine angabe | keine angaben | k.a | ohne angabe | o.a
    nicht angegeben | nicht vorhanden | nicht verfugbar | nicht lesbar | nicht bekannt
    nicht zutreffend | nicht gefunden | unbekannt | unleserlich | entfallt | fehlt | leer
    non renseigne | non renseignee | non precise | non specifie | non indique | non disponible
    non communique | non lisible | non applicable | non fourni | non trouve | neant | sans objet
    inconnu | inconnue | aucun | aucune | illisible | vide | no disponible | no especificado
    no indicado | no aplica | no consta | no proporcionado | no encontrado | no legible
    desconocido | desconocida | ninguno | ninguna | sin datos | ilegible | vacio
    por determinar | non specificato | non indicato | non presente | non applicabile
    non leggibile | non trovato | sconosciuto | nessuno | assente | illeggibile | vuoto
    nao informado | nao disponivel | nao especificado | nao aplicavel | nao consta
    nao encontrado | desconhecido | nenhum | nenhuma | ilegivel | em branco | n.v.t | nvt
    niet van toepassing | niet bekend | niet opgegeven | niet beschikbaar | niet gevonden
    onbekend | geen | onleesbaar | leeg | ej angivet | ej tillampligt | saknas | okand | ingen
    inga | ikke angitt | ikke oppgitt | ukjent | ikke angivet | ukendt | ei tiedossa
    ei saatavilla | tuntematon | puuttuu | ei ole | tyhja | brak | brak danych | nie dotyczy
    nie podano | nieznany | nieczytelne | neuvedeno | neznamo | neznamy | chybi | zadny
    neuvedene | nezname | nincs | nincs adat | ismeretlen | nem ismert | nem talalhato
    necunoscut | nespecificat | lipsa | nepoznato | nema | neznano | ni podatka | нет
    нет данных | не указано | не указан | неизвестно | отсутствует | н/д | не применимо | немає
    немає даних | не вказано | невідомо | няма | няма данни | неизвестен | няма информация
    αγνωστο | δεν υπαρχει | δεν αναφερεται | yok | bilinmiyor | belirtilmemis | mevcut degil
    غير متوفر | غير معروف | غير محدد | لا يوجد | לא ידוע | אין | לא צוין | نامشخص | ندارد
    لاغير | なし | 無し | 無 | 无 | 不明 | 未知 | 不详 | 不詳 | 未記入 | 未填写 | 記載なし
    該当なし | 空白 | 暂无 | 没有 | 없음
    해당없음 | 해당 없음 | 알 수 없음 | 미상 | 미기재 | khong co | khong ro | tidak ada
    tidak diketahui | tiada
    """.splitlines()
    for word in line.split("|")
    if word.strip()
)  # fmt: skip
_LONGEST = max(map(len, _WORDS))
_TEMPLATE = re.compile(
    r"<[^<>]*>|\{+[^{}]*\}+|\$\{[^{}]*\}|%[A-Za-z_]+%|\[[^\W\d][^\d\[\]]*\]|lorem ipsum.*",
    re.IGNORECASE | re.DOTALL,
)
_AROUND = " .,:;!?*#_~\"'()[]<>{}-\u2013\u2014"
_CROSSED = re.compile(r"[xX](?:[\W_]*[xX])+")  # "XXX", "xx/xx/xxxx"


def stands_for_nothing(text: str) -> bool:
    """Whether a tidy text says that nothing is there: a word for it, a template, mere strokes."""
    if len(text) > 4 * _LONGEST:
        return False
    if not any(c.isalnum() for c in text):
        return all(unicodedata.category(c)[0] in "PZ" or c in "~=+^|`<>¬" for c in text)
    first, last = text[0], text[-1]
    if (first in "<{[$%lL" or last == "}") and _TEMPLATE.fullmatch(text):
        return True
    if first in "xX(\"'[" and _CROSSED.fullmatch(text.strip(_AROUND)):
        return True
    if len(text) > _LONGEST + 8:
        return False
    bare = text.strip(_AROUND)
    said = folded(bare.replace("_", " "))
    return said in _WORDS or (len(said) < 8 and said.replace(" ", "") in _WORDS)


# A model that stutters repeats a short piece to the end of its tokens.
_LONGEST_PIECE, _LOOKED_AT = 60, 480


def repeats_without_end(text: str) -> bool:
    """Whether the end of a text is one piece over and over: eight times and 32 characters at least.

    Pieces of 16 characters and more count from the fifth time.
    """
    tail = text[-_LOOKED_AT:]
    length = len(tail)
    if length < 32:
        return False
    for piece in range(1, min(_LONGEST_PIECE, length // 4) + 1):
        if tail[-1] != tail[-1 - piece]:
            continue
        same = 0
        while same < length - piece and tail[-1 - same] == tail[-1 - same - piece]:
            same += 1
        covered = same + piece
        if covered >= max(32, piece * (5 if piece >= 16 else 8)):
            return True
    return False
