"""Why a question or an answer is refused."""

from extractors.errors import SurefieldError


class InvalidQuestion(SurefieldError):
    """The document is not one that this may be asked about."""

    code = "invalid_question"


class InvalidAnswer(SurefieldError):
    """The answer is not what was asked for."""

    code = "invalid_answer"


class QuestionAnswered(SurefieldError):
    """Somebody answered before."""

    code = "question_answered"


class QuestionOver(SurefieldError):
    """The question expired or was withdrawn."""

    code = "question_over"


class NoSuchLink(SurefieldError):
    """No question has this link, or a newer link has taken its place."""

    code = "no_such_link"
