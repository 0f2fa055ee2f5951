"""What a chat-completion server answers, as far as anybody here reads it; all else is ignored, and
nothing is trusted unseen.
"""

from pydantic import BaseModel, ConfigDict, Field

# how the server writes minus infinity: a token that a mask forbade, not one that the model doubts
MASKED = -9999.0


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Top(_Part):
    """One of the most likely tokens at a step; the first of a list is the chosen one, wherever it
    ranks.
    """

    token: str
    logprob: float
    bytes_: tuple[int, ...] | None = Field(None, alias="bytes")


class Chosen(Top):
    """One generated token."""

    top_logprobs: tuple[Top, ...] = ()


class Logprobs(_Part):
    content: tuple[Chosen, ...] | None = None


class Message(_Part):
    content: str | None = None


class Choice(_Part):
    message: Message
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    token_ids: tuple[int, ...] | None = None


class PromptToken(_Part):
    """What the model thought of one token at a place in the prompt."""

    logprob: float
    decoded_token: str | None = None


class Completion(_Part):
    """A whole answer."""

    model: str
    choices: tuple[Choice, ...] = Field(min_length=1)
    system_fingerprint: str | None = None
    prompt_token_ids: tuple[int, ...] | None = None
    prompt_logprobs: tuple[dict[int, PromptToken] | None, ...] | None = None
