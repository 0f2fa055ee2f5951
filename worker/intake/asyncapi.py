"""The contract of the upstreams' queues as AsyncAPI 3.0 has it: made from what is checked."""

from typing import Any

from worker.intake.messages import SubmissionMessage
from worker.mailboxes.names import PREFIX

EXAMPLE = {
    "type": "invoice",
    "key": "2026-00417",
    "content_base64": "JVBERi0xLjcK",
    "metadata": {"ledger": "EU"},
}


def asyncapi() -> dict[str, Any]:
    """The document, as docs/asyncapi.json holds it."""
    schema = SubmissionMessage.model_json_schema()
    schema.pop("description")
    schema["properties"]["upstream"].pop("default")  # it is the queue's
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Surefield: submissions",
            "version": "1",
            "description": "What upstream systems send over a queue; docs/queue.md says more.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "submissions": {
                "address": f"{PREFIX}.{{upstream}}",
                "description": "On Postgres (pgmq) dots are `_`.",
                "parameters": {
                    "upstream": {"description": "As `surefield key add` prints the queue's name."}
                },
                "messages": {"submission": {"$ref": "#/components/messages/submission"}},
            }
        },
        "operations": {
            "submit": {
                "action": "receive",
                "channel": {"$ref": "#/channels/submissions"},
                "summary": "One document to be read.",
            }
        },
        "components": {
            "messages": {
                "submission": {
                    "name": "submission",
                    "contentType": "application/json",
                    "payload": schema,
                    "examples": [{"name": "invoice", "payload": EXAMPLE}],
                }
            }
        },
    }
