"""What can go wrong in the worker, whatever the area: a stable code, and the fix in the message."""

from extractors.errors import SurefieldError


class ClaimLost(SurefieldError):
    """Another worker took over: nothing this attempt did may be saved."""

    code = "claim_lost"


class IllegalMove(SurefieldError):
    """A document was to move where no document moves: a fault in the code, never in the input."""

    code = "illegal_move"


class NotAtRest(SurefieldError):
    """The document has no answer that could be made once more, or is on its way to one."""

    code = "not_at_rest"


class NotFailed(SurefieldError):
    """The document did not fail: there is nothing to try again."""

    code = "not_failed"


class NotFound(SurefieldError):
    """No row has this id."""

    code = "not_found"


class MissingBlob(SurefieldError):
    """Bytes that a row refers to are not in the blob store."""

    code = "missing_blob"
    retry = True


class RendererUnavailable(SurefieldError):
    """The render child cannot be started here: nothing is said about the file."""

    code = "renderer_unavailable"
    retry = True
    installation = True


class RunsAsRoot(SurefieldError):
    """Root opens no file of a stranger, and could not be left."""

    code = "runs_as_root"


class SandboxMissing(RendererUnavailable):
    """The kernel lacks a wall that is demanded around what opens strangers' files."""

    code = "sandbox_missing"


class BlobsUnavailable(SurefieldError):
    """The blob store cannot be read or written now; the same request may work later."""

    code = "blobs_unavailable"
    retry = True
    installation = True


class MachineLacks(SurefieldError):
    """The machine has no disk, memory or file handles left, or its disk fails."""

    code = "machine_lacks"
    retry = True
    installation = True


class TooManyAttempts(SurefieldError):
    """The cap on attempts was reached; the last error is kept beside it."""

    code = "too_many_attempts"


class InvalidSetting(SurefieldError):
    """A setting has a value that cannot be used."""

    code = "invalid_setting"


class WrongSchema(SurefieldError):
    """The database's tables are not those of this installation."""

    code = "wrong_schema"
    retry = True
    installation = True


class RightsMissing(SurefieldError):
    """The database's role may not do what this process does."""

    code = "rights_missing"
    retry = True
    installation = True


class EmbeddedPostgresFailed(SurefieldError):
    """The bundled Postgres did not start or does not answer."""

    code = "embedded_postgres_failed"
    retry = True
