"""Every way in which reading a document can fail.

One root. Each kind carries a stable ``code`` (stored on the document's row, shown to people, safe
to alert on), says whether a retry can help and whether it is the installation that is wrong rather
than the document, and each message ends with what to do about it.
"""

from typing import ClassVar


class SurefieldError(Exception):
    """Root of all errors that Surefield raises on purpose."""

    code: ClassVar[str] = "internal"
    retry: ClassVar[bool] = False
    # no document is to blame: the stage pauses until somebody mends it, and no attempt is counted
    installation: ClassVar[bool] = False


class MissingExtra(SurefieldError):
    """A part of Surefield needs a library that is not installed here."""

    code = "missing_extra"
    retry = True
    installation = True

    def __init__(self, extra: str, why: str) -> None:
        super().__init__(f"{why}. Install it: pip install 'surefield[{extra}]'")


class UnreadableFile(SurefieldError):
    """The bytes are not a PDF, PNG, JPEG or TIFF that can be opened."""

    code = "unreadable_file"


class UnsupportedFile(UnreadableFile):
    """The bytes are of a kind that Surefield does not take."""

    code = "unsupported_file"


class EncryptedPdf(SurefieldError):
    """The PDF needs a password and none, or a wrong one, was given."""

    code = "encrypted_pdf"


class NoPages(SurefieldError):
    """The file opens, but has no page."""

    code = "no_pages"


class TooManyPages(SurefieldError):
    """The file has more pages than the limit allows."""

    code = "too_many_pages"


class TooManyWords(SurefieldError):
    """The pages have more words together than the limit allows."""

    code = "too_many_words"


class TooMuchToStore(SurefieldError):
    """The page images take more room together than the limit allows."""

    code = "too_much_to_store"


class TooManyPixels(SurefieldError):
    """A page or an image is larger than the pixel limit allows."""

    code = "too_many_pixels"


class RenderTimeout(SurefieldError):
    """A page was not rendered within its time limit."""

    code = "render_timeout"


class RenderCrashed(SurefieldError):
    """The render child died on this file (memory limit, or a fault in the PDF library)."""

    code = "render_crashed"


class OcrFailed(SurefieldError):
    """The words of a picture could not be recognised: the engine is missing, or did not finish."""

    code = "ocr_failed"


class UnknownDocumentType(SurefieldError):
    """No document type of this name is registered."""

    code = "unknown_document_type"


class BrokenDocumentType(SurefieldError):
    """A document type's definition does not hold together."""

    code = "broken_document_type"
    retry = True
    installation = True


class ModelNotLoadable(SurefieldError):
    """The model's files are missing, damaged or of another architecture."""

    code = "model_not_loadable"
    retry = True
    installation = True


class UnexpectedScores(ModelNotLoadable):
    """A reranker does not judge a known pair of texts as it is known to: its scores mean something
    else.
    """

    code = "unexpected_scores"


class BackendUnavailable(SurefieldError):
    """The model could not answer now; the same request may work later."""

    code = "backend_unavailable"
    retry = True
    installation = True


class BackendFailed(BackendUnavailable):
    """The model fails on what it is given; whether it or the page is at fault shows when it is
    given another.
    """

    code = "backend_failed"


class BackendTimeout(BackendFailed):
    """The model did not finish in time."""

    code = "backend_timeout"


class RequestRefused(SurefieldError):
    """The model's server will never answer this request: it is too long, or not to its taste."""

    code = "request_refused"


class OutOfMemory(BackendUnavailable):
    """A single page does not fit into the memory of the accelerator."""

    code = "out_of_memory"
