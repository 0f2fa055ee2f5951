"""Further looks at the pages of a document, beside the readings that they speak of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from extractors.documents import DocumentType
from extractors.reading.looks import Look, compared, held
from worker.store.types import SaidByLook, StoredField


def further_looks(
    looks: Mapping[int, Sequence[SaidByLook]], fields: Iterable[StoredField], spec: DocumentType
) -> dict[UUID, tuple[Look, ...]]:
    """What the looks at its page say of each reading of a field, by its id: the free ones first;
    readings of pages that were looked at once are not in the answer.

    looks: by page number
    """
    of_page: dict[int, list[StoredField]] = defaultdict(list)
    for field in fields:
        of_page[field.page].append(field)
    found: dict[UUID, tuple[Look, ...]] = {}
    for page, taken in looks.items():
        first = [field.reading for field in of_page[page]]
        free = compared(first, [look.fields for look in taken if not look.forced], spec)
        forced = held(first, [look.fields for look in taken if look.forced])
        for field in of_page[page]:
            place = field.reading.name, field.reading.ordinal
            found[field.field_id] = (*free[place], *forced[place])
    return found
