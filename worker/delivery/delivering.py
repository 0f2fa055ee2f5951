"""What the deliverer does until it is told to stop: publish events, try webhooks, tell them."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event as Stop

import structlog

from extractors.errors import SurefieldError
from worker.delivery import deliver, events, trials
from worker.egress.addresses import Network, Resolve, resolve
from worker.runtime import Runtime

log = structlog.get_logger()

AT_ONCE = 12  # messages on their way
PAUSE_S = 1.0  # between two looks for work


def run(rt: Runtime, stop: Stop, *, allowed: Sequence[Network], ask: Resolve = resolve) -> None:
    """Publish and deliver until told to stop; a database that is away is waited for."""
    under_way: set[Future[None]] = set()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as threads:
        while not stop.is_set():
            try:
                with rt.transaction() as tx:
                    events.publish(tx)
                while len(under_way) < AT_ONCE:
                    with rt.transaction() as tx:
                        trial = trials.claim(tx, rt.key_file)
                    if trial is None:
                        break
                    under_way.add(threads.submit(_try, rt, trial, allowed, ask))
                while len(under_way) < AT_ONCE:
                    with rt.transaction() as tx:
                        message = deliver.claim(tx, rt.key_file, web_url=rt.web_url)
                    if message is None:
                        break
                    under_way.add(threads.submit(_one, rt, message, allowed, ask))
            except Exception as error:  # the database or the key is away: the next look tries again
                said = str(error) if isinstance(error, SurefieldError) else None
                log.warning("delivery_paused", error=type(error).__name__, said=said)
            if under_way:
                _, under_way = wait(under_way, timeout=PAUSE_S, return_when=FIRST_COMPLETED)
            else:
                stop.wait(PAUSE_S)


def _one(rt: Runtime, message: deliver.Message, allowed: Sequence[Network], ask: Resolve) -> None:
    answer = deliver.deliver(message, allowed=allowed, ask=ask)
    try:
        with rt.transaction() as tx:
            deliver.settle(tx, message, answer)
    except Exception as error:  # its lease ends, and it is sent once more: receivers know its id
        log.warning("delivery_not_kept", error=type(error).__name__)


def _try(rt: Runtime, trial: trials.Trial, allowed: Sequence[Network], ask: Resolve) -> None:
    answer = trial.send(allowed=allowed, ask=ask)
    try:
        with rt.transaction() as tx:
            trials.settle(tx, trial, answer)
    except Exception as error:  # whoever wanted it sees no answer, and asks again
        log.warning("trial_not_kept", error=type(error).__name__)
