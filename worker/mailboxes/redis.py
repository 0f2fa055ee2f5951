"""Redis: a list for each queue and kombu's priority, and a sorted set of what was taken, by time.

A message moves between the two in one script, so that nothing is lost between being read and being
noted, and what its taker never settled goes back.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import redis

from worker.mailboxes.enveloped import opened
from worker.mailboxes.names import events_queue_of
from worker.mailboxes.types import AGAIN_AFTER_S, TOLD_MOST, BrokerUnavailable, Parcel

T = TypeVar("T")

# as kombu's Redis transport writes messages with a priority: 0 is the first
SEPARATOR, STEPS = "\x06\x16", (0, 3, 6, 9)
TIMEOUT_S = 10.0

# keys: taken, counter, the lists; argument: seconds after which a message goes back
TAKE = """
local now = tonumber(redis.call('TIME')[1])
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, 100)
for _, tag in ipairs(old) do
    redis.call('ZREM', KEYS[1], tag)
    redis.call('RPUSH', KEYS[3], string.sub(tag, string.find(tag, ':', 1, true) + 1))
end
for at = 3, #KEYS do
    local message = redis.call('RPOP', KEYS[at])
    if message then
        local tag = redis.call('INCR', KEYS[2]) .. ':' .. message
        redis.call('ZADD', KEYS[1], now, tag)
        return tag
    end
end
return false
"""
# keys: taken, list
GIVE_BACK = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
    redis.call('RPUSH', KEYS[2], string.sub(ARGV[1], string.find(ARGV[1], ':', 1, true) + 1))
end
"""
# setting -> the values under which nothing is lost (None: this server does not tell), and the mend
KEEPS: Mapping[str, tuple[tuple[str | None, ...], str]] = {
    "appendonly": (("yes", None), "it forgets what it took when it stops: set appendonly yes"),
    "maxmemory-policy": (
        ("noeviction", None),
        "it throws messages away when its memory is full: set maxmemory-policy noeviction",
    ),
}


class RedisMailbox:
    """Redis 5 or newer."""

    dead: str | None = None

    def __init__(self, url: str) -> None:
        self._client: redis.Redis = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self._take = self._client.register_script(TAKE)
        self._give_back = self._client.register_script(GIVE_BACK)

    def make(self, queue: str) -> None:
        """A list is there when something is in it."""

    def take(self, queue: str) -> Parcel | None:
        """Move the oldest message of the first priority to what was taken."""
        keys = [_taken(queue), f"{queue}.counter", *_lists(queue)]
        tag = self._asked(lambda: self._take(keys=keys, args=[AGAIN_AFTER_S]))
        if not tag:
            return None
        return opened(bytes(tag).partition(b":")[2], queue, tag=tag)

    def done(self, parcel: Parcel) -> None:
        """Forget it."""
        self._asked(lambda: self._client.zrem(_taken(parcel.queue), parcel.tag))

    def give_back(self, parcel: Parcel) -> None:
        """As the next one that is taken."""
        keys = [_taken(parcel.queue), parcel.queue]
        self._asked(lambda: self._give_back(keys=keys, args=[parcel.tag]))

    def put(self, queue: str, body: bytes) -> None:
        """The body as it is: no envelope is needed."""
        self._asked(lambda: self._client.lpush(queue, body))

    def tell(self, upstream: str, body: bytes) -> None:
        """In a list, of which the oldest are cut off."""
        queue = events_queue_of(upstream)

        def push() -> None:
            with self._client.pipeline() as both:
                both.lpush(queue, body)
                both.ltrim(queue, 0, TOLD_MOST - 1)
                both.execute()

        self._asked(push)

    def waiting(self, queue: str) -> int | None:
        """In its lists."""

        def count() -> int:
            return sum(int(self._client.llen(one)) for one in _lists(queue))

        return self._asked(count)

    def lacks(self) -> list[str]:
        """Redis keeps what it is told only where its settings say so."""
        return [mend for name, (good, mend) in KEEPS.items() if self._setting(name) not in good]

    def _setting(self, name: str) -> str | None:
        """None where this server does not tell: managed ones do not."""
        try:
            found = self._client.config_get(name)
        except redis.ResponseError:
            return None
        except (redis.RedisError, OSError) as error:
            raise _away(error) from error
        return {_text(key): _text(value) for key, value in found.items()}.get(name)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _asked(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (redis.RedisError, OSError) as error:
            raise _away(error) from error


def _away(error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"Redis does not answer ({type(error).__name__}). Check SUREFIELD_BROKER_URL, and that it"
        " runs and takes what is written."
    )


def _text(said: Any) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)


def _taken(queue: str) -> str:
    return f"{queue}.taken"


def _lists(queue: str) -> list[str]:
    return [f"{queue}{SEPARATOR}{step}" if step else queue for step in STEPS]
