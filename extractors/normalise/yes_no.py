"""Yes and no in the languages that CLDR knows the dates of, as forms print them."""

from functools import lru_cache

from extractors.normalise.characters import folded

_WORDS: dict[str, tuple[str, str]] = {  # language -> yes, no; several set apart by spaces
    "en": ("yes y true checked selected ticked on", "no n false unchecked unselected unticked off"),
    "af": ("ja", "nee"),
    "am": ("አዎ አዎን", "አይ አይደለም"),
    "ar": ("نعم", "لا كلا"),
    "az": ("bəli hə", "xeyr yox"),
    "be": ("так да", "не"),
    "bg": ("да", "не"),
    "bn": ("হ্যাঁ", "না"),
    "bs": ("da", "ne"),
    "ca": ("sí", "no"),
    "cs": ("ano", "ne"),
    "cy": ("ie ydy oes", "na nac nage"),
    "da": ("ja", "nej"),
    "de": ("ja wahr j", "nein falsch"),
    "el": ("ναι", "όχι"),
    "es": ("sí verdadero", "no falso"),
    "et": ("jah", "ei"),
    "eu": ("bai", "ez"),
    "fa": ("بله آری", "خیر نه"),
    "fi": ("kyllä", "ei"),
    "fil": ("oo", "hindi"),
    "fr": ("oui vrai", "non faux"),
    "ga": ("tá", "níl"),
    "gl": ("si", "non"),
    "gu": ("હા", "ના"),
    "he": ("כן", "לא"),
    "hi": ("हाँ हां जी", "नहीं नही"),
    "hr": ("da", "ne"),
    "hu": ("igen", "nem"),
    "hy": ("այո", "ոչ"),
    "id": ("ya", "tidak"),
    "is": ("já", "nei"),
    "it": ("sì vero", "no falso"),
    "ja": ("はい 有 有り あり", "いいえ 否"),
    "ka": ("დიახ კი", "არა"),
    "kk": ("иә ия", "жоқ"),
    "kn": ("ಹೌದು", "ಇಲ್ಲ"),
    "ko": ("예 네 유", "아니오 아니요 아뇨"),
    "lt": ("taip", "ne"),
    "lv": ("jā", "nē"),
    "mk": ("да", "не"),
    "ml": ("അതെ", "അല്ല ഇല്ല"),
    "mr": ("होय हो", "नाही"),
    "ms": ("ya", "tidak"),
    "mt": ("iva", "le"),
    "nb": ("ja", "nei"),
    "ne": ("हो", "होइन"),
    "nl": ("ja", "nee"),
    "nn": ("ja", "nei"),
    "no": ("ja", "nei"),
    "pa": ("ਹਾਂ", "ਨਹੀਂ"),
    "pl": ("tak", "nie"),
    "pt": ("sim verdadeiro", "não falso"),
    "ro": ("da", "nu"),
    "ru": ("да", "нет"),
    "sk": ("áno", "nie"),
    "sl": ("da", "ne"),
    "sq": ("po", "jo"),
    "sr": ("да da", "не ne"),
    "sv": ("ja", "nej"),
    "sw": ("ndiyo ndio", "hapana la"),
    "ta": ("ஆம்", "இல்லை"),
    "te": ("అవును", "కాదు లేదు"),
    "th": ("ใช่", "ไม่ใช่ ไม่"),
    "tr": ("evet", "hayır"),
    "uk": ("так", "ні"),
    "ur": ("ہاں جی", "نہیں"),
    "uz": ("ha", "yoʻq yo'q"),
    "vi": ("có", "không"),
    "zh": ("是 有 对", "否 不是 不"),
}


@lru_cache(maxsize=128)
def meanings(language: str) -> dict[str, bool]:
    """Words for yes and no in English and a language, without words that mean both."""
    found: dict[str, bool] = {}
    clashes: set[str] = set()
    for spoken in ("en", language):
        for means, words in zip((True, False), _WORDS.get(spoken, ("", "")), strict=True):
            for word in map(folded, words.split()):
                if found.setdefault(word, means) is not means:
                    clashes.add(word)
    return {word: means for word, means in found.items() if word not in clashes}
