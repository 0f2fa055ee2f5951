"""Further looks at the pages of a document, beside the readings that they speak of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from extractors.documents import DocumentType
from extractors.reading.looks import Look, Place, compared
from extractors.types import FieldReading
from worker.store.types import StoredField

Said = Mapping[Place, FieldReading]  # by one look at one page


def further_looks(
    looks: Mapping[int, Sequence[Said]], fields: Iterable[StoredField], spec: DocumentType
) -> dict[UUID, tuple[Look, ...]]:
    """What the looks at its page say of each reading of a field, by its id; readings of pages that
    were looked at once are not in the answer.

    looks: by page number
    """
    of_page: dict[int, list[StoredField]] = defaultdict(list)
    for field in fields:
        of_page[field.page].append(field)
    found: dict[UUID, tuple[Look, ...]] = {}
    for page, others in looks.items():
        said = compared([field.reading for field in of_page[page]], others, spec)
        found |= {
            field.field_id: said[field.reading.name, field.reading.ordinal]
            for field in of_page[page]
        }
    return found
