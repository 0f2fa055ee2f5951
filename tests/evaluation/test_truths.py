"""What labelled documents say, in each form of it."""

import json
from pathlib import Path

import pytest

from extractors.documents.invoice import Invoice
from extractors.documents.slip import Slip
from worker.evaluation.truths import InvalidTruth, Spelling, truths_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.7")
    return tmp_path


def lines(folder: Path, *rows: object) -> None:
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / "truth.jsonl").write_text(text + "\n", "utf-8")


def test_a_line_a_document_names_its_fields(folder: Path) -> None:
    """null says that there is none; what is not named is not judged."""
    lines(folder, {"file": "a.pdf", "truth": {"total": "12.50", "number": None}})

    found = truths_of(folder, Slip.spec)
    assert found[folder / "a.pdf"].values == {("total", 0): "12.50", ("number", 0): None}
    assert folder / "b.pdf" not in found


def test_rows_of_a_list_are_labelled_one_by_one(folder: Path) -> None:
    """An empty list says that there are none."""
    items = [{"description": "Tea", "amount": "2.00"}, {"amount": "3.00"}]
    lines(
        folder,
        {"file": "a.pdf", "truth": {"items": items}},
        {"file": "b.pdf", "truth": {"items": []}},
    )

    found = truths_of(folder, Slip.spec)
    assert found[folder / "a.pdf"].values == {
        ("items.description", 0): "Tea",
        ("items.amount", 0): "2.00",
        ("items.amount", 1): "3.00",
    }
    assert found[folder / "a.pdf"].lists == {"items"}
    assert found[folder / "b.pdf"].values == {("items", 0): None}


def test_the_slips_that_the_package_makes_are_labelled(folder: Path) -> None:
    """A list of pages, of which there is one."""
    lines(folder, {"file": "a.pdf", "pages": [{"total": "12.50"}]})
    assert truths_of(folder, Slip.spec)[folder / "a.pdf"].values == {("total", 0): "12.50"}


def test_a_table_has_a_column_a_field(folder: Path) -> None:
    """Cells of lists are counted from 1; an empty one is none."""
    (folder / "truth.csv").write_text(
        "file,total,number,items[1].amount,items[2].amount\na.pdf,12.50,,2.00,\nb.pdf,1,x,,\n",
        "utf-8",
    )
    found = truths_of(folder, Slip.spec)
    assert found[folder / "a.pdf"].values == {
        ("total", 0): "12.50",
        ("number", 0): None,
        ("items.amount", 0): "2.00",
    }
    assert found[folder / "b.pdf"].values == {
        ("total", 0): "1",
        ("number", 0): "x",
        ("items", 0): None,
    }


def test_line_breaks_within_a_text_stay(folder: Path) -> None:
    """A cell in quotes, and a text whose separator only some programs take for one."""
    (folder / "truth.csv").write_bytes(b'file,payee\r\na.pdf,"two\r\nlines"\r\n')
    assert truths_of(folder, Slip.spec)[folder / "a.pdf"].values["payee", 0] == "two\r\nlines"

    line = json.dumps({"file": "a.pdf", "truth": {"payee": "x\u2028y"}}, ensure_ascii=False)
    (folder / "truth.jsonl").write_text(line + "\n", "utf-8")
    assert truths_of(folder, Slip.spec)[folder / "a.pdf"].values["payee", 0] == "x\u2028y"


def test_a_truth_that_is_named_is_taken(folder: Path, tmp_path_factory) -> None:
    """Wherever it lies, and whatever stands in the folder."""
    lines(folder, {"file": "a.pdf", "truth": {"total": "1"}})
    other = tmp_path_factory.mktemp("elsewhere") / "labels.csv"
    other.write_text("file,total\nb.pdf,2\n", "utf-8")
    assert set(truths_of(folder, Slip.spec, other)) == {folder / "b.pdf"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[]", "line 1"),
        ("{", "line 1"),
        ('{"file": "a.pdf"}', "line 1"),
        ('{"file": "a.pdf", "truth": {"nonsense": "1"}}', "no field nonsense in slip"),
        ('{"file": "a.pdf", "truth": {"items": [{"nonsense": "1"}]}}', "items.nonsense"),
        ('{"file": "a.pdf", "truth": {"total": true}}', "as it is printed"),
        ('{"file": "c.pdf", "truth": {"total": "1"}}', "there is no file"),
        ('{"file": "a.pdf", "pages": [{}, {}]}', "several pages"),
        ('{"file": "a.pdf", "truth": {"total": "1", "total": "2"}}', "total stands there twice"),
        ('{"file": "a.pdf", "truth": {}}\n{"file": "./a.pdf", "truth": {}}', "line 2: ./a.pdf was"),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_line(
    folder: Path, line: str, says: str
) -> None:
    """Nothing is guessed."""
    (folder / "truth.jsonl").write_text(line + "\n", "utf-8")
    with pytest.raises(InvalidTruth, match=says):
        truths_of(folder, Slip.spec)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.pdf,1.00", "line 2.*3 columns"),
        ("a.pdf,1,284.50,EUR", "line 2.*3 columns"),
        ("a.pdf,1.00,EUR\na.pdf,1.00,EUR", "line 3: a.pdf was named before"),
    ],
)
def test_a_row_that_is_no_row_of_the_table_is_said_with_its_line(
    folder: Path, row: str, says: str
) -> None:
    """A cell that is not there would count as a field that the document does not have."""
    (folder / "truth.csv").write_text(f"file,total,currency\n{row}\n", "utf-8")
    with pytest.raises(InvalidTruth, match=says):
        truths_of(folder, Slip.spec)


def test_one_file_under_two_names_is_one_file(folder: Path) -> None:
    """It would count twice."""
    (folder / "link.pdf").symlink_to(folder / "a.pdf")
    lines = [json.dumps({"file": name, "truth": {}}) for name in ("a.pdf", "link.pdf")]
    (folder / "truth.jsonl").write_text("\n".join(lines), "utf-8")
    with pytest.raises(InvalidTruth, match=r"line 2: link\.pdf was named before"):
        truths_of(folder, Slip.spec)


def test_a_number_is_taken_as_it_is_written(folder: Path) -> None:
    """Not as a computer would print it."""
    (folder / "truth.jsonl").write_text('{"file": "a.pdf", "truth": {"total": 12.50}}', "utf-8")
    (truth,) = truths_of(folder, Slip.spec).values()
    assert truth.values == {("total", 0): "12.50"}


@pytest.mark.parametrize(
    "header", ["total", "file,nonsense", "file,items[0].amount", "file,total,total"]
)
def test_a_table_with_a_column_that_is_none_is_refused(folder: Path, header: str) -> None:
    """A misspelt field would count as never labelled."""
    (folder / "truth.csv").write_text(f"{header}\n", "utf-8")
    with pytest.raises(InvalidTruth):
        truths_of(folder, Slip.spec)


def test_a_folder_without_labels_says_how_to_write_them(folder: Path) -> None:
    """All three forms."""
    with pytest.raises(InvalidTruth, match=r"truth\.jsonl"):
        truths_of(folder, Invoice.spec)


def test_xml_that_is_no_e_invoice_is_refused(folder: Path) -> None:
    """It would say nothing, and look like a document that was labelled."""
    (folder / "a.xml").write_text("<x/>", "utf-8")
    with pytest.raises(InvalidTruth, match="no e-invoice"):
        truths_of(folder, Invoice.spec)


UN = "urn:un:unece:uncefact:data:standard"
NAMES = (
    f'xmlns:rsm="{UN}:CrossIndustryInvoice:100"'
    f' xmlns:ram="{UN}:ReusableAggregateBusinessInformationEntity:100"'
    f' xmlns:udt="{UN}:UnqualifiedDataType:100"'
)
XML = f"""<rsm:CrossIndustryInvoice {NAMES}>
<rsm:ExchangedDocument><ram:ID>RE-17</ram:ID><ram:IssueDateTime>
<udt:DateTimeString format="102">20261128</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeSettlement>
<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation>
<ram:GrandTotalAmount>529.87</ram:GrandTotalAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""


def test_the_xml_beside_an_invoice_is_its_truth(folder: Path) -> None:
    """In the spelling of XML: amounts as plain decimals, days in ISO form."""
    (folder / "a.xml").write_text(XML, "utf-8")
    truth = truths_of(folder, Invoice.spec)[folder / "a.pdf"]

    assert truth.spelling is Spelling.PLAIN
    assert truth.values["total", 0] == "529.87"
    assert truth.values["date", 0] == "2026-11-28"
    assert ("due_date", 0) not in truth.values
