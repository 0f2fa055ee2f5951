"""What an upstream sends to its own queue is a document, once, whatever is killed meanwhile."""

import json
import os
import random
import signal
import time
from contextlib import closing

import psutil
from sqlalchemy import text

from tests.embedded.processes import eventually
from tests.faults.work import upstream, wait_until_resting
from tests.services.test_inbox import arguments, workers
from tests.services.test_pipeline import broker, database, settings_for  # noqa: F401  fixtures
from worker import bootstrap
from worker.accounts import store as accounts
from worker.cli import local
from worker.intake import dead_letters
from worker.mailboxes.names import queue_of

DOCUMENTS, KILLS = 40, 4
MALFORMED = (b'"garbage"', b"[1, 2]", b"null", b'{"type": 5}', b'{"task": "surefield.render"}')


def inbox_of_this_test() -> psutil.Process | None:
    """The process that takes messages in here."""
    for child in psutil.Process().children(recursive=True):
        try:
            if child.cmdline()[-2:] == ["worker", "inbox"]:
                return child
        except psutil.Error:
            pass
    return None


def test_each_becomes_one_document_or_one_dead_letter(tmp_path, database, broker, postgres15):
    """kill -9 of the inbox again and again, and once of Postgres where it is not the broker."""
    settings = settings_for(tmp_path, database, broker)
    keys = sorted(f"k-{number:02}" for number in range(DOCUMENTS))
    chance = random.Random(7)
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
        closing(bootstrap.open_mailbox(ready)) as mailbox,
    ):
        with rt.transaction() as tx:
            accounts.make_key(tx, "erp")
        eventually(lambda: inbox_of_this_test() is not None and bool(workers()), within_s=30)
        mailbox.make(queue_of("erp"))
        for body in MALFORMED:
            mailbox.put(queue_of("erp"), body)
        for at, key in enumerate(keys):
            said = {**arguments(key=key), "upstream": "erp"}
            mailbox.put(queue_of("erp"), json.dumps(said).encode())
            if at % (DOCUMENTS // KILLS) == 5 and (found := inbox_of_this_test()) is not None:
                time.sleep(chance.random() / 2)
                os.kill(found.pid, signal.SIGKILL)
            if at == DOCUMENTS // 2 and broker is not None:
                postgres15.kill()
                time.sleep(2)
                postgres15.start()
        wait_until_resting(rt, DOCUMENTS, within_s=150)
        with rt.sessions() as session:
            query = "SELECT key FROM submissions WHERE upstream = 'erp' ORDER BY key"
            found_keys = [row.key for row in session.execute(text(query))]
        with rt.transaction() as tx:
            letters = dead_letters.letters(tx)
        eventually(lambda: mailbox.waiting(queue_of("erp")) == 0)
    assert found_keys == keys
    assert len(letters) == len(MALFORMED)
    assert {one.code for one in letters} == {
        "malformed_message",
        "invalid_submission",
        "unknown_task",
    }
