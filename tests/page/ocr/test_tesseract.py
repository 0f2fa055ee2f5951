"""What is Tesseract's own: its languages."""

import pytest

from extractors.page.ocr import tesseract


@pytest.mark.skipif(tesseract.why_not() is not None, reason=tesseract.why_not() or "")
def test_a_language_that_is_missing_is_named_with_its_package():
    """Rather than read in another."""
    assert "tesseract-ocr-xyz" in str(tesseract.why_not(("eng", "xyz")))
