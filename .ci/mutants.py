# ruff: noqa: INP001 -- a helper of the script beside it, not part of the package
"""Every small mistake that could stand in a function: one operator, word or statement each.

Prose is left alone: strings with blanks and the parts of f-strings. So are class bodies, defaults
and constants of modules, which cannot be exchanged in a running process.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef

ORDERINGS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
WORDS = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake in one function of one file; it is made only when `code` is asked for."""

    path: Path
    function: str
    lines: range
    """The lines of the statement, without those of its body; counted from 1."""
    before: str
    after: str
    put: Callable[[], ast.Module]
    """Return the file's tree with the mistake in it, for good."""

    def __str__(self) -> str:
        return f"{self.path}:{self.lines.start} {self.function}: {self.before} => {self.after}"

    def code(self, filename: str) -> CodeType:
        """Return the wrong function as if it came from `filename`."""
        tree = ast.fix_missing_locations(self.put())
        return next(
            code
            for code in codes(compile(tree, filename, "exec"))
            if code.co_qualname == self.function and code.co_firstlineno <= self.lines.start
        )


def codes(code: CodeType) -> Iterator[CodeType]:
    """Yield every function inside, nested ones included."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from codes(each)


def mutants(path: Path, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a file in the order of its text.

    They share one tree: at most one mutant of a file can be made in a process.
    """
    tree = ast.parse(source)
    for function, name in _functions(tree, ""):
        for statement in _statements(function.body):
            lines = range(statement.lineno, _last_line(statement) + 1)
            for parent, field, index, node in _places(statement, function):
                for new in _mistakes(node):
                    yield Mutant(
                        path, name, lines, _told(node), _told(new),
                        _exchange(tree, parent, field, index, new),
                    )  # fmt: skip


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[Function, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child, prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, []))
        for part in ("handlers", "cases"):
            for each in getattr(statement, part, []):
                yield from _statements(each.body)


def _last_line(statement: ast.stmt) -> int:
    inner = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not inner:
        return statement.end_lineno or statement.lineno
    first = inner[0].pattern if isinstance(inner[0], ast.match_case) else inner[0]
    return max(statement.lineno, int(first.lineno) - 1)


Place = tuple[ast.AST, str, int | None, ast.AST]


def _places(statement: ast.stmt, function: Function) -> Iterator[Place]:
    """Yield the statement itself and all in it that belongs to no statement of its body."""
    yield from _place_of(statement, function)
    todo: list[ast.AST] = [statement]
    while todo:
        parent = todo.pop(0)
        for field, value in ast.iter_fields(parent):
            for index, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or _is_apart(node, field):
                    continue
                yield parent, field, index if isinstance(value, list) else None, node
                todo.append(node)


def _place_of(statement: ast.stmt, function: Function) -> Iterator[Place]:
    for parent in ast.walk(function):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list) and any(each is statement for each in value):
                yield parent, field, [each is statement for each in value].index(True), statement


def _is_apart(node: ast.AST, field: str) -> bool:
    return isinstance(node, ast.stmt | ast.match_case | ast.ExceptHandler | ast.JoinedStr) or (
        field in {"annotation", "returns"}
    )


def _mistakes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.stmt():
            yield from _other_statements(node)
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.BinOp():
            yield from _other_operators(node)
        case ast.Call(func=ast.Name(id=name)) if name in WORDS:
            call = copy.copy(node)
            call.func = ast.Name(WORDS[name], ast.Load())
            call.keywords = [] if name == "sorted" else node.keywords
            yield call
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(ifs=ifs):
            for left_out in ifs:
                loop = copy.copy(node)
                loop.ifs = [each for each in ifs if each is not left_out]
                yield loop
        case ast.Constant(value):
            yield from _other_constants(value)


def _other_operators(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, ops, comparators):
            for at, operator in enumerate(ops):
                for other in ORDERINGS[type(operator)]:
                    yield ast.Compare(left, [*ops[:at], other(), *ops[at + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
            for left_out in values:
                kept = [value for value in values if value is not left_out]
                yield kept[0] if len(kept) == 1 else ast.BoolOp(op, kept)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)


def _other_constants(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and not any(letter.isspace() for letter in value):
        yield ast.Constant(value + "~")


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Expr(ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.Expr(ast.Constant()):
            return  # a docstring
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Assert():
            yield ast.Pass()
        case ast.Return(value) if value is None:
            yield ast.Pass()
        case ast.Return(value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _exchange(
    tree: ast.Module, parent: ast.AST, field: str, index: int | None, new: ast.AST
) -> Callable[[], ast.Module]:
    def put() -> ast.Module:
        if index is None:
            setattr(parent, field, new)
        else:
            getattr(parent, field)[index] = new
        return tree

    return put


def _told(node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).partition("\n")[0]
