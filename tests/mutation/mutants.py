"""Every fault that can be planted in a module, by the operators of cosmic-ray and a few of our own.

A fault is named by its operator and its number among that operator's places in the module.
"""

import ast
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, ClassVar

import parso
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

from tests.mutation.areas import ROOT, modules

Span = tuple[tuple[int, int], tuple[int, int]]

_PROVIDER = OperatorProvider()
_COMPARISONS = (
    ("Eq", "NotEq"), ("NotEq", "Eq"), ("Lt", "LtE"), ("Lt", "GtE"), ("LtE", "Lt"), ("LtE", "Gt"),
    ("Gt", "GtE"), ("Gt", "LtE"), ("GtE", "Gt"), ("GtE", "Lt"), ("Is", "IsNot"), ("IsNot", "Is"),
)  # fmt: skip
_ARITHMETIC = (("Add", "Sub"), ("Sub", "Add"), ("Mul", "Add"), ("BitOr", "BitAnd"))
# Left out: what breaks a module when it is imported, and so says nothing of the tests.
_THEIRS = (
    *(f"ReplaceComparisonOperator_{one}_{other}" for one, other in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{one}_{other}" for one, other in _ARITHMETIC),
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceUnaryOperator_Delete_Not",
    "ExceptionReplacer",
    "NumberReplacer",
    "ZeroIterationForLoop",
)


class _OurOperator(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """An operator that finds at most one place in a node."""

    def place(self, node: Any) -> Any | None:
        raise NotImplementedError

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        found = self.place(node)
        if found is not None:
            yield (found.start_pos, found.end_pos)

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class DeleteCall(_OurOperator):
    """A statement that is nothing but a call is not there: ``tx.execute(...)`` -> ``pass``."""

    def place(self, node: Any) -> Any | None:
        if node.type != "simple_stmt":
            return None
        first = node.children[0]
        called = first.type == "atom_expr" and first.children[-1].type == "trailer"
        return first if called and first.children[-1].children[0].value == "(" else None

    def mutate(self, node: Any, index: int) -> Any:
        node.children[0] = parso.python.tree.Name(
            "pass", node.start_pos, node.get_first_leaf().prefix
        )
        return node


class DropCondition(_OurOperator):
    """The last of several conditions is not there: ``where(a, b)`` -> ``where(a)``."""

    NAMES = frozenset({"where", "and_", "or_"})

    def place(self, node: Any) -> Any | None:
        if node.type != "arglist" or len(node.children) < 3:
            return None
        before = node.parent.get_previous_leaf()
        named = before is not None and before.value in self.NAMES
        plain = [each for each in node.children if each.type != "argument" and each != ","]
        return plain[-1] if named and len(plain) > 1 else None

    def mutate(self, node: Any, index: int) -> Any:
        at = node.children.index(self.place(node))
        del node.children[at - 1 : at + 1]
        return node


class DropFirstCondition(DropCondition):
    """The first of several conditions is not there: ``where(a, b)`` -> ``where(b)``."""

    def place(self, node: Any) -> Any | None:
        last = super().place(node)
        return None if last is None or node.children[0].type == "argument" else node.children[0]

    def mutate(self, node: Any, index: int) -> Any:
        del node.children[0:2]
        return node


class ConditionAlways(_OurOperator):
    """A condition that always holds: the other branch is not there."""

    VALUE = "True"
    # where the conditions stand among a node's children
    PLACES: ClassVar[dict[str, slice]] = {
        "if_stmt": slice(1, None, 4),
        "ternary": slice(2, 3),
        "comp_if": slice(1, 2),
    }

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        for at in self._at(node):
            yield (node.children[at].start_pos, node.children[at].end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        at = self._at(node)[index]
        leaf = node.children[at].get_first_leaf()
        node.children[at] = parso.python.tree.Name(self.VALUE, leaf.start_pos, leaf.prefix)
        return node

    def _at(self, node: Any) -> list[int]:
        if node.type not in self.PLACES:
            return []
        places = range(len(node.children))[self.PLACES[node.type]]
        # an ``else`` of an ``if`` has a colon where an ``elif`` has its condition
        return [at for at in places if node.children[at - 1].value in ("if", "elif")]


class ConditionNever(ConditionAlways):
    """A condition that never holds: its own branch is not there."""

    VALUE = "False"
    PLACES: ClassVar[dict[str, slice]] = {
        "if_stmt": slice(1, None, 4),
        "ternary": slice(2, 3),
    }


class DropOperand(_OurOperator):
    """One side of an ``and`` or an ``or`` is not there: ``a and b`` -> ``b``."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if node.type in ("and_test", "or_test"):
            for each in node.children[::2]:
                yield (each.start_pos, each.end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        before = node.get_first_leaf().prefix
        del node.children[max(2 * index - 1, 0) : max(2 * index - 1, 0) + 2]
        node.get_first_leaf().prefix = before
        return node


class SwapWord(_OurOperator):
    """The smallest for the largest, all for any: ``min(...)`` -> ``max(...)``."""

    WORDS: ClassVar[dict[str, str]] = {"min": "max", "max": "min", "any": "all", "all": "any"}

    def place(self, node: Any) -> Any | None:
        if node.type not in ("atom_expr", "power") or node.children[0].type != "name":
            return None
        return node.children[0] if node.children[0].value in self.WORDS else None

    def mutate(self, node: Any, index: int) -> Any:
        node.children[0].value = self.WORDS[node.children[0].value]
        return node


_OURS = (
    DeleteCall,
    DropCondition,
    DropFirstCondition,
    ConditionAlways,
    ConditionNever,
    DropOperand,
    SwapWord,
)
OPERATORS: dict[str, type[Any]] = {
    **{name: _PROVIDER[name] for name in _THEIRS},
    **{each.__name__: each for each in _OURS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault, and the lines of the statement that it stands in."""

    area: str
    module: str
    operator: str
    occurrence: int  # 0-based, among the operator's places in the module
    line: int
    first: int  # of the innermost statement around it
    last: int
    at_import: bool  # run once a process, when it is imported or first asked: by no test alone

    @property
    def name(self) -> str:
        """It names the mutant in reports and in the file of results."""
        return f"{self.module}:{self.line} {self.operator}#{self.occurrence}"


class _Places(Visitor):  # type: ignore[misc]
    """Where each operator can mutate; nothing is changed."""

    def __init__(self) -> None:
        self.operators = [(name, operator()) for name, operator in OPERATORS.items()]
        self.found: dict[str, list[Span]] = {name: [] for name in OPERATORS}

    def visit(self, node: Any) -> Any:
        for name, operator in self.operators:
            self.found[name] += operator.mutation_positions(node)
        return node


class _Mutated(Visitor):  # type: ignore[misc]
    """One place changed."""

    def __init__(self, operator: Operator, occurrence: int) -> None:
        self.operator, self.left = operator, occurrence

    def visit(self, node: Any) -> Any:
        for index, _ in enumerate(self.operator.mutation_positions(node)):
            if self.left == 0:
                node = self.operator.mutate(node, index)
            self.left -= 1
        return node


def mutants() -> list[Mutant]:
    """All of them, in the order of areas, modules and operators."""
    return [each for area, module in modules() for each in of_module(area, module)]


def of_module(area: str, module: str) -> Iterator[Mutant]:
    """Those of one module."""
    source = (ROOT / module).read_text("utf-8")
    about, places = _Statements(source), _Places()
    places.walk(get_ast(source))
    for name, spans in places.found.items():
        for occurrence, ((line, column), _) in enumerate(spans):
            around = about.around(line, column)
            if around is not None:
                yield Mutant(
                    area=area,
                    module=module,
                    operator=name,
                    occurrence=occurrence,
                    line=line,
                    first=around[0],
                    last=around[1],
                    at_import=not around[2],
                )


def mutated(mutant: Mutant) -> str:
    """The module's source with the fault in it."""
    visitor = _Mutated(OPERATORS[mutant.operator](), mutant.occurrence)
    return str(visitor.walk(get_ast((ROOT / mutant.module).read_text("utf-8"))).get_code())


def drawn(given: Sequence[Mutant], *, number: int, seed: int) -> list[Mutant]:
    """As many as wanted, drawn by the seed: of each area the same number, or all that it has."""
    chance = random.Random(seed)
    by_area: dict[str, list[Mutant]] = {}
    for each in given:
        by_area.setdefault(each.area, []).append(each)
    lines = [filter(_is_python, chance.sample(each, len(each))) for each in by_area.values()]
    in_turns = (each for turn in zip_longest(*lines) for each in turn if each is not None)
    return list(islice(in_turns, number))


def _is_python(mutant: Mutant) -> bool:
    """cosmic-ray takes the lone star among parameters for a multiplication, and cannot replace an
    exception that has a dot in its name.
    """
    try:
        ast.parse(mutated(mutant))
    except (SyntaxError, AttributeError):
        return False
    return True


class _Statements:
    """The statements of a module, and what of it is no behaviour: annotations and types."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        self._statements: list[tuple[int, int, bool]] = []
        self._silent: list[Span] = []
        self._walk(tree, inside=False)

    def around(self, line: int, column: int) -> tuple[int, int, bool] | None:
        """First and last line of the innermost statement here; None where nothing happens."""
        if any(start <= (line, column) < end for start, end in self._silent):
            return None
        around = [each for each in self._statements if each[0] <= line <= each[1]]
        return min(around, key=lambda each: each[1] - each[0], default=None)

    def _walk(self, node: ast.AST, *, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            within = inside or (isinstance(node, ast.FunctionDef) and not _runs_once(node))
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                body = getattr(child, "body", None)
                last = (body[0].lineno - 1) if body else (child.end_lineno or child.lineno)
                self._statements.append((child.lineno, max(last, child.lineno), within))
            for part in _annotations(child):
                self._silent.append(
                    (
                        (part.lineno, part.col_offset),
                        (part.end_lineno or part.lineno, part.end_col_offset or part.col_offset),
                    )
                )
            self._walk(child, inside=within)


def _runs_once(node: ast.FunctionDef) -> bool:
    """Its answer is kept: coverage sees only the first test that asks."""
    names = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
    return not names.isdisjoint({"cache", "lru_cache"})


def _annotations(node: ast.AST) -> Iterable[Any]:
    """Types, and what only says something to people."""
    if isinstance(node, ast.FunctionDef):
        return [node.returns] if node.returns else []
    if isinstance(node, ast.arg | ast.AnnAssign):
        return [node.annotation] if node.annotation else []
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):
        return [node.value] if _is_type(node.value) else []
    if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
        return [node]
    return []


def _is_type(node: ast.expr) -> bool:
    """``Callable[[Case], Reason | None]``."""
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) in {
        "Callable", "Mapping", "Sequence", "Annotated", "dict", "tuple", "sessionmaker",
    }  # fmt: skip
