"""Check digits: right numbers pass, one wrong digit or two swapped ones do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import spec as field
from extractors.documents.checksums import CHECKSUMS, checksum_of, compact, luhn
from extractors.documents.spec import DocumentModel, Kind
from extractors.errors import BrokenDocumentType
from tests.evidence.making import value_of

RIGHT = {  # published examples, most of them python-stdnum's
    "aba": ("021000021", "111000025"),
    "bic": ("AGRIFRPP882", "ABNABEBR"),
    "creditor_reference": ("RF18 5390 0754 7034",),
    "ean13": ("4006381333931",),
    "gln": ("4006381333931",),
    "gtin": ("96385074", "036000291452", "4006381333931"),
    "iban": (
        "DE89 3704 0044 0532 0130 00",
        "GB82 WEST 1234 5698 7654 32",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
    ),
    "isbn10": ("0-306-40615-2", "0-8044-2957-X"),
    "isbn13": ("978-3-16-148410-0",),
    "lei": ("HWUPKR0MPOU8FGXBT394", "5493000IBP32UQZ0KL24"),
    "luhn": ("4539 1488 0343 6467", "732 829 320 00074"),
    "qr_reference": ("21 00000 00003 13947 14300 09017",),
    "sscc": ("3 0012345 000000001 1",),
    "vat_at": ("AT U13585627",),
    "vat_be": ("BE 0428.759.497",),
    "vat_bg": ("BG 175074752",),
    "vat_ch": ("CHE-100.155.212", "CHE-107.787.577 IVA"),
    "vat_cy": ("CY-10259033P",),
    "vat_cz": ("CZ 25123891",),
    "vat_de": ("DE 136695976",),
    "vat_dk": ("DK 13585628",),
    "vat_ee": ("EE 100594102",),
    "vat_el": ("EL 094259216",),
    "vat_es": ("ES B64717838",),
    "vat_fi": ("FI 20774740",),
    "vat_fr": ("FR 83 404833048",),
    "vat_gb": ("GB 980 7806 84",),
    "vat_gr": ("EL 094259216",),
    "vat_hr": ("HR 33392005961",),
    "vat_hu": ("HU-12892312",),
    "vat_ie": ("IE 6433435F",),
    "vat_it": ("IT 00743110157",),
    "vat_lt": ("LT 119511515",),
    "vat_lu": ("LU 150 274 42",),
    "vat_lv": ("LV 4000 3521 600",),
    "vat_mt": ("MT 1167-9112",),
    "vat_nl": ("NL 004495445B01",),
    "vat_no": ("NO 995 525 828 MVA", "995 525 828"),
    "vat_pl": ("PL 8567346215",),
    "vat_pt": ("PT 501 964 843",),
    "vat_ro": ("RO 18547290",),
    "vat_se": ("SE 123456789701",),
    "vat_si": ("SI 5022 3054",),
    "vat_sk": ("SK 202 274 96 19",),
    "vat_xi": ("XI 980 7806 84",),
}
# Codes without check digits; and sums whose remainder of ten and of nought is one digit.
FORM_ONLY = {"bic"}
NOT_EVERY_DIGIT = {"vat_bg", "vat_cz", "vat_gb", "vat_nl", "vat_ro", "vat_xi"}
OPEN_LENGTH = {"luhn", "creditor_reference", "vat_ro"}
CASES = [(name, text) for name, texts in RIGHT.items() for text in texts]


def test_every_checksum_has_an_example():
    """A new row of the table comes with a number that it accepts."""
    assert set(RIGHT) == set(CHECKSUMS)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_a_right_number_passes_as_printed_and_loses_its_separators(name, text):
    """Spaces, dots and dashes only help the eye."""
    got = value_of(text, Kind.IDENTIFIER, checksum=name)

    assert (got.value, got.problem) == (compact(text), None)
    assert value_of(text.lower(), Kind.IDENTIFIER, checksum=name).value == compact(text)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_one_wrong_digit_is_always_noticed(name, text):
    """Every single digit replaced by every other one; a few sums let up to a fifth through."""
    number = compact(text)
    places = [i for i, c in enumerate(number) if c.isdigit()]
    wrong = [
        number[:i] + d + number[i + 1 :] for i in places for d in "0123456789" if d != number[i]
    ]
    passing = [w for w in wrong if CHECKSUMS[name](w)]

    assert name in FORM_ONLY or len(passing) <= len(wrong) / 5 * (name in NOT_EVERY_DIGIT)
    noticed = [w for w in wrong if w not in passing]
    assert all(value_of(w, Kind.IDENTIFIER, checksum=name).problem for w in noticed)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_a_missing_or_added_end_is_noticed(name, text):
    """Lengths count: a cut-off number fails."""
    number = compact(text)
    fixed_length = name not in OPEN_LENGTH

    assert not CHECKSUMS[name](number[:-1]) or not fixed_length
    assert not CHECKSUMS[name](number + "0") or not fixed_length


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
@given(text=st.text(max_size=40) | st.text(alphabet="0123456789ABCDEFRTX٣²", max_size=35))
def test_a_checksum_answers_yes_or_no_to_any_text(name, text):
    """It never raises, whatever a model wrote."""
    assert CHECKSUMS[name](text) in (True, False)


@given(st.integers(1, 10**15))
def test_every_number_has_exactly_one_luhn_digit(number):
    """Of the ten digits that could end it, one fits."""
    assert sum(luhn(f"{number}{d}") for d in range(10)) == 1


def test_a_document_type_that_names_an_unknown_checksum_is_refused_at_once():
    """The error names the field and the checksums there are."""
    with pytest.raises(BrokenDocumentType, match=r"card\.number: no checksum 'lunh'.*luhn"):

        class Card(DocumentModel, name="card", title="card"):
            """A card."""

            number: str | None = field.identifier("its number", checksum="lunh")


def test_a_checksum_of_ones_own_joins_the_table(monkeypatch):
    """A document type's file may add to CHECKSUMS."""
    monkeypatch.setitem(CHECKSUMS, "even", lambda text: text[-1:] in "02468")

    assert value_of("12-4", Kind.IDENTIFIER, checksum="even").value == "124"
    assert value_of("12-3", Kind.IDENTIFIER, checksum="even").problem == "checksum_failed"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("isin", "US0378331005"),
        ("abn_au", "83 914 571 673"),
        ("siret_fr", "732 829 320 00074"),
        ("uid_ch", "CHE-100.155.212"),
    ],
)
def test_every_check_of_stdnum_has_a_name(name, text):
    """Its kind, with its country where it has one, needs no row in the table."""
    assert value_of(text, Kind.IDENTIFIER, checksum=name).value == compact(text)
    assert value_of(text[:-1] + "9", Kind.IDENTIFIER, checksum=name).problem == "checksum_failed"


@pytest.mark.parametrize(
    "name", ["nope", "vat_zz", "os", "stdnum", "../iban", "vat", "util", "numdb", "", "luhn_de"]
)
def test_what_is_no_check_has_none(name):
    """A name of anything else, even of a module of stdnum's own, finds nothing."""
    assert checksum_of(name) is None


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
@given(length=st.integers(1, 30))
def test_all_zeros_name_nobody(name, length):
    """They pass most sums, with the country's letters before them too."""
    prefix = "".join(c for c in compact(RIGHT[name][0])[:3] if c.isalpha())

    assert not CHECKSUMS[name](prefix + "0" * length)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("iban", "IBAN: DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("iban", "IBAN DE89370400440532013000", "DE89370400440532013000"),
        ("vat_de", "USt-IdNr.: DE 136695976", "DE136695976"),
        ("vat_de", "136695976", "DE136695976"),
        ("vat_it", "P. IVA 00743110157", "IT00743110157"),
        ("vat_be", "TVA BE 0428.759.497", "BE0428759497"),
        ("vat_be", "0428.759.497", "BE0428759497"),
        ("vat_ch", "CHE-107.787.577 IVA", "CHE107787577IVA"),
    ],
)
def test_a_label_before_a_checked_number_and_its_country_may_be_there_or_not(name, text, value):
    """The check digits prove which part is the number; a VAT number gets its country."""
    assert value_of(text, Kind.IDENTIFIER, checksum=name).value == value


@pytest.mark.parametrize("country", ["SN", "CM", "CI", "MA", "DZ", "IR", "AO"])
def test_an_iban_of_a_country_outside_the_registry_has_a_form_too(country):
    """Their banks print IBANs all the same."""
    account = {"SN": "SN0100101000000012345678", "CI": "CI0100101000000012345678"}.get(country)
    length = {"CM": 23, "MA": 24, "DZ": 22, "IR": 22, "AO": 21}.get(country, 24)
    account = account or "1" * length
    digits = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    iban = f"{country}{98 - int(digits) % 97:02}{account}"

    assert CHECKSUMS["iban"](iban)
    assert not CHECKSUMS["iban"](iban[:-1])


@pytest.mark.parametrize(("country", "length"), [("DE", 18), ("NL", 14), ("AT", 16), ("PL", 24)])
@given(st.text("123456789", min_size=8, max_size=30))
def test_an_iban_has_its_countrys_length_whatever_its_sum_says(country, length, account):
    """An account with a group too many, or one too few, whose check digits fit all the same."""
    account = "ABNA" + account[4:] if country == "NL" else account
    number = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    iban = f"{country}{98 - int(number) % 97:02}{account}"
    spelled = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])

    assert int(spelled) % 97 == 1
    assert len(account) == length or not CHECKSUMS["iban"](iban)


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("vat_fr", "FR 86 404833049", "FR 83 404833048"),
        ("vat_be", "BE 2428.759.442", "BE 0428.759.497"),
        ("vat_be", "BE 9428.759.492", "BE 1428.759.421"),
        ("isbn13", "400-6-38-133393-1", "978-3-16-148410-0"),
        ("iban", "DE77 3704 0044 0532 0130 0000 00", "DE89 3704 0044 0532 0130 00"),
        ("iban", "FR8420041010050500013M02607", "FR1420041010050500013M02606"),
        ("iban", "NO6686011117948", "NO9386011117947"),
        ("vat_de", "DEDE 136 695 976", "DE 136 695 976"),
    ],
    ids=[
        *("the SIREN in it", "begins with 2", "begins with 9", "an article", "its length"),
        *("a RIB", "a Norwegian account", "its country twice"),
    ],
)
def test_check_digits_that_fit_do_not_make_up_for_another_fault(name, wrong, right):
    """A French number's SIREN has a digit of its own, a Belgian number begins with 0 or 1, a book
    begins with 978 or 979, an account has its country's length and check digits, and a country is
    named once.
    """
    assert checksum_of(name)(compact(right))
    assert not checksum_of(name)(compact(wrong))


@given(st.sampled_from(RIGHT["iban"]), st.data())
def test_an_iban_with_a_letter_for_a_digit_never_has_its_countrys_form(text, data):
    """O for 0, I for 1, S for 5 in an account of figures is misread, whatever the sum says."""
    number = compact(text)
    if number[:2] == "FR":
        number = number[:14]  # letters may follow
    at = data.draw(st.sampled_from([i for i, c in enumerate(number) if c.isdigit() and i > 3]))
    swapped = compact(text)[:at] + data.draw(st.sampled_from("OISBZG")) + compact(text)[at + 1 :]

    assert not CHECKSUMS["iban"](swapped)


def with_check_digits(country, account):
    """An IBAN or a creditor reference of this account, by ISO 7064."""
    digits = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{account}"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("DE02037040044053201309", "DE99037040044053201309"),
        ("DE98037040044053201327", "DE01037040044053201327"),
        ("DE97037040044053201345", "DE00037040044053201345"),
        ("DE03037040044053201388", "DE04037040044053201388"),
    ],
)
def test_the_check_digits_of_an_iban_are_from_02_to_98(right, wrong):
    """Two numbers have the same rest by 97; the standard makes one of them."""
    assert CHECKSUMS["iban"](right)
    assert not CHECKSUMS["iban"](wrong)


@pytest.mark.parametrize(
    ("country", "account", "valid"),
    [
        ("BE", "539007547034", True),
        ("BE", "539007547035", False),
        # a rest of 0 is written as 97
        ("BE", "097000009797", True),
        ("BE", "097000009700", False),
        ("PT", "000201231234567890154", True),
        ("PT", "000201231234567890155", False),
        ("MC", "11222000010123456789030", True),
        ("MC", "11222000010123456789031", False),
        # letters of an account count in three rounds, the last of which begins with 2
        ("FR", "20041010050500013A02682", True),
        ("FR", "20041010050500013I02641", True),
        ("FR", "20041010050500013J02682", True),
        ("FR", "20041010050500013R02641", True),
        ("FR", "20041010050500013S02689", True),
        ("FR", "20041010050500013Z02641", True),
        ("FR", "20041010050500013S02682", False),
        ("FR", "20041110050500013A02682", False),
        ("FR", "20041011050500013A02682", False),
        ("FR", "20041010050510013A02682", False),
        ("MA", "011519000001205000534921", True),
        ("MA", "01151900000120500053492", False),
        ("MA", "0115190000012050005349211", False),
        ("DE", "000000000000000000", False),
        ("DE", "000000000000000001", True),
    ],
)
def test_an_iban_has_its_countrys_own_check_digits_as_well(country, account, valid):
    """Those of ISO are right in all of these."""
    assert CHECKSUMS["iban"](with_check_digits(country, account)) == valid


@pytest.mark.parametrize("length", [1, 21, 22])
def test_a_creditor_reference_has_at_most_twenty_five_characters(length):
    """And at least one behind its check digits."""
    reference = with_check_digits("RF", "1" * length)

    assert CHECKSUMS["creditor_reference"](reference) == (length <= 21)
    assert not CHECKSUMS["creditor_reference"](with_check_digits("RG", "1" * length))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("creditor_reference", "RF18-539007547034"),
        ("creditor_reference", "RF\uff118539007547034"),
        ("vat_de", "DE136-695976"),
        ("vat_de", "DE\uff1136695976"),
        ("vat_ch", "CHE-100155212"),
        ("luhn", "453914880343646\uff17"),
        ("isin", "US0378331-005"),
    ],
)
def test_a_checksum_is_asked_of_plain_letters_and_digits(name, text):
    """Other digits and signs were not printed by who computed it."""
    assert not checksum_of(name)(text)


@pytest.mark.parametrize(
    ("name", "text", "valid"),
    [
        ("vat_el", "GR094259216", True),
        ("vat_gr", "GR094259216", True),
        ("vat_el", "EL094259216", True),
        ("vat_el", "GR094259217", False),
        ("vat_de", "GR094259216", False),
        ("vat_at", "GRU13585627", False),
        ("gtin", "10614141000415", True),
        ("gtin", "0010614141000415", False),
        ("gtin", "0000000048", False),
        ("luhn", "18", True),
        ("luhn", "0", False),
        ("luhn", "", False),
        ("isbn10", "9783161484100", False),
        ("vat_no", "995525828", True),
        ("vat_no", "99552582", False),
    ],
)
def test_a_number_of_another_form_is_another_number(name, text, valid):
    """Greece writes two prefixes; an article number has 8, 12, 13 or 14 digits."""
    assert CHECKSUMS[name](text) == valid
