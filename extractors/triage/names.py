"""What papers are called, and which document type each name belongs to."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from extractors.documents.spec import DocumentType
from extractors.page.lexicon import PAPERS

Title = tuple[str, ...]  # its words, without case and accents
_COMPOUND = 5  # letters: a longer title may end a compound: "Schlussrechnung"
_PART = re.compile(r"[^\W\d_]{2,}")


class Names:
    """Which of the types each title belongs to; the known papers of no type belong to none.

    A type owns what it is called, and so every other name of that kind of paper ("Gutschrift" for a
    "credit note") that no type claims for itself.
    """

    def __init__(self, said: Mapping[str, Sequence[Title]]) -> None:
        known = _papers()
        owners: dict[Title, set[str]] = {title: set() for title in known}
        for name, titles in said.items():
            for title in titles:
                owners.setdefault(title, set()).add(name)
        declared = {title for titles in said.values() for title in titles}
        for name, titles in said.items():
            meant = {known[title] for title in titles if title in known}
            for title, paper in known.items():
                if paper in meant and title not in declared:
                    owners[title].add(name)
        owners.pop((), None)
        self.owners = {title: frozenset(of) for title, of in owners.items()}
        self.spaced = {"".join(title): title for title in owners}
        self.longest = max(map(len, owners), default=0)
        self.endings = sorted(
            (title[0] for title in owners if len(title) == 1 and len(title[0]) > _COMPOUND),
            key=len,
            reverse=True,
        )

    def paper(self, title: Title) -> str | None:
        """What is titled so, in English; None where it is of a type that is declared."""
        return None if self.owners[title] else _papers().get(title)

    def kinds(self, title: Title) -> frozenset[str]:
        """The types that are called so, and what such a paper is in English."""
        known = _papers().get(title)
        return self.owners[title] | ({known} if known else frozenset())


def names_of(types: Mapping[str, DocumentType]) -> Names:
    """The titles of these types, and those of the papers that are none of them."""
    return _names_of(
        tuple((name, (spec.title, *spec.called)) for name, spec in sorted(types.items()))
    )


@lru_cache(maxsize=8)
def _names_of(said: tuple[tuple[str, tuple[str, ...]], ...]) -> Names:
    return Names({name: [title_of(called) for called in titles] for name, titles in said})


def title_of(text: str) -> Title:
    """A title's words as they are compared: no case and no accents, but its plural."""
    return tuple(_PART.findall(folded(text)))


def folded(text: str) -> str:
    """Without case, accents and widths."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


@cache
def _papers() -> Mapping[Title, str]:
    return {title_of(name): paper for paper, names in PAPERS.items() for name in names}
