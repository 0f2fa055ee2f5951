"""The contract that is printed is the one that is checked."""

import json

from tests.embedded.processes import ROOT
from worker.intake.asyncapi import EXAMPLE, asyncapi
from worker.intake.messages import SubmissionMessage, request_of

PRINTED = ROOT / "docs/asyncapi.json"


def test_the_printed_contract_is_the_one_that_is_checked():
    """Made anew: python -c 'import json; from worker.intake.asyncapi import asyncapi;
    print(json.dumps(asyncapi(), indent=2))' > docs/asyncapi.json
    """
    assert json.loads(PRINTED.read_text()) == asyncapi()


def test_its_example_is_taken():
    """By the upstream of its queue."""
    assert request_of([], EXAMPLE, upstream="erp").key == EXAMPLE["key"]


def test_the_page_names_every_property():
    """And no other."""
    page = (ROOT / "docs/queue.md").read_text()
    table = page.split("## The message")[1].split("There is no further property")[0]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == set(SubmissionMessage.model_fields)
