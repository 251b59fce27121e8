"""The models say the same to DuckDB and to Spark: only what is known to mean the same in both.

What a model may use is listed here. A construct that is not in ALLOWED fails with its name: whoever
adds it has first to find out that both give the same answer, at the edges too (empty values,
halves, months of different length, parts of a second), and under which condition.
"""

from collections.abc import Callable, Iterator, Mapping

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from etl.catalogue import catalogue
from etl.ledger import Model, models, relations
from etl.timeline import in_zone
from tests.ledger_case import TIMEZONE, ledger

INTEGERS = {exp.DType.INT, exp.DType.BIGINT, exp.DType.INT128}
DATES = {exp.DType.DATE, exp.DType.TIMESTAMP}
# Estimates cannot be the same to the last digit: what they are computed with is not.
ESTIMATES = "forecasts"
# Terms in whole units: their values are decimals without a fraction.
WHOLE = {term.name for term in catalogue().terms.values() if term.whole}
PUBLISHED = {
    "BIGINT", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "INTEGER", "TIMESTAMP", "VARCHAR",
}  # fmt: skip

Rule = Callable[[exp.Expr, Model], str | None]


def anywhere(_node: exp.Expr, _model: Model) -> None:
    """Means the same wherever it stands."""


def kind(node: exp.Expr | None) -> exp.DType | None:
    """The type of an expression; of a calculation with decimals, which are inferred badly, too."""
    if isinstance(node, exp.Floor | exp.Ceil | exp.Round | exp.Paren | exp.Neg):
        return kind(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        types = {kind(node.left), kind(node.right)}
        if exp.DType.DECIMAL in types and types <= {exp.DType.DECIMAL, *INTEGERS}:
            return exp.DType.DECIMAL
    found = node.type if node is not None else None
    if not isinstance(found, exp.DataType):
        return None
    return exp.DType.TIMESTAMP if found.this is exp.DType.TIMESTAMPNTZ else found.this


def whole(node: exp.Expr) -> bool:
    """Whether a number can have no fraction."""
    if kind(node) in INTEGERS or isinstance(node, exp.Floor | exp.Ceil | exp.Null):
        return True
    if isinstance(node, exp.Column | exp.Filter):
        return bool(names(node) & WHOLE)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return whole(node.left) and whole(node.right)
    if isinstance(node, exp.Greatest | exp.Least | exp.Coalesce):
        return all(whole(one) for one in (node.this, *node.expressions))
    if isinstance(node, exp.Paren | exp.Neg | exp.Min | exp.Max | exp.Sum):
        return whole(node.this)
    return False


def names(node: exp.Expr) -> set[str]:
    """The columns and texts in an expression; with a term's value, those that say which it is."""
    found = {one.name for one in (*node.find_all(exp.Column), *node.find_all(exp.Literal))}
    select = node.find_ancestor(exp.Select)
    if "value" in found and select is not None:
        for part in (select.args.get("where"), *select.args.get("joins", ())):
            found |= {one.name for one in part.find_all(exp.Literal)} if part else set()
    return found


def no_recursion(node: exp.Expr, _model: Model) -> str | None:
    return "must not be recursive" if node.args.get("recursive") else None


def division(node: exp.Expr, _model: Model) -> str | None:
    divisor, types = node.expression, {kind(node.left), kind(node.right)}
    zero = isinstance(divisor, exp.Literal) and float(divisor.name) == 0
    if zero or not isinstance(divisor, exp.Nullif | exp.Literal):
        return "Spark refuses to divide by zero: nullif(…, 0)"
    if exp.DType.DECIMAL in types and exp.DType.DOUBLE not in types:
        return "Spark keeps few digits of divided decimals: cast to double"
    return None


def remainder(node: exp.Expr, _model: Model) -> str | None:
    return None if {kind(node.left), kind(node.right)} <= INTEGERS else "of integers only"


def conversion(node: exp.Expr, _model: Model) -> str | None:
    source, target = kind(node.this), kind(node)
    if isinstance(node.this, exp.Null | exp.Literal):
        return None
    if target in INTEGERS:
        return None if whole(node.this) else "DuckDB rounds, Spark cuts off: floor it first"
    allowed = {
        exp.DType.DATE: {exp.DType.DATE, exp.DType.TIMESTAMP},
        exp.DType.TIMESTAMP: {exp.DType.DATE, exp.DType.TIMESTAMP},
        exp.DType.TEXT: {exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TEXT, *INTEGERS},
        exp.DType.DECIMAL: {exp.DType.DECIMAL, *INTEGERS},
        exp.DType.DOUBLE: {exp.DType.DECIMAL, exp.DType.DOUBLE, *INTEGERS},
    }
    if target is exp.DType.DECIMAL and len(node.to.expressions) != 2:
        return "says how many digits"
    return None if source in allowed.get(target, ()) else f"{source} does not become {target} alike"


def difference(node: exp.Expr, _model: Model) -> str | None:
    """DuckDB counts the boundaries between two instants, Spark how often the unit has passed."""
    types = {kind(node.this), kind(node.expression)}
    match node.text("unit").lower():
        case "day":
            return None if types == {exp.DType.DATE} else "days are counted between dates"
        case "microsecond":
            return None if types == {exp.DType.TIMESTAMP} else "between instants"
    return "seconds and more are counted differently: microseconds"


def sum_or_difference(node: exp.Expr, _model: Model) -> str | None:
    left, right = node.left, node.right
    types = {kind(left), kind(right)}
    spans = [one for one in (left, right) if one.find(exp.Interval) and kind(one) not in DATES]
    if spans:
        if exp.DType.DATE in types:
            month = node.find_ancestor(exp.Cast)
            if month is None or month.to.this is not exp.DType.DATE:
                return "a day and a span are a day in Spark, an instant in DuckDB: cast"
        return None
    if exp.DType.DATE in types and not types & INTEGERS:
        return "a day moves by a whole number of days"
    if types & DATES and not types & INTEGERS:
        return "instants are no numbers: date_diff"
    return None


def product(node: exp.Expr, _model: Model) -> str | None:
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, exp.Interval) and kind(other) not in INTEGERS:
            return "a span is multiplied by an integer"
    return None


def truncation(node: exp.Expr, _model: Model) -> str | None:
    over = node.parent
    if isinstance(over, exp.Cast) and over.to.this is exp.DType.DATE:
        return None if node.text("unit").lower() == "month" else "to the month only"
    return "is a day in Spark, an instant in DuckDB: cast to date"


def to_whole(node: exp.Expr, _model: Model) -> str | None:
    over = node.find_ancestor(exp.Cast, exp.Select)
    if kind(node) is exp.DType.DECIMAL or (isinstance(over, exp.Cast) and kind(over) in INTEGERS):
        return None
    return "is an integer in Spark, a double in DuckDB: cast"


def rounding(node: exp.Expr, model: Model) -> str | None:
    if kind(node.this) is exp.DType.DECIMAL or model.kind == ESTIMATES:
        return None
    return "halves of doubles are rounded differently: a decimal"


def total(node: exp.Expr, model: Model) -> str | None:
    if kind(node.this) is exp.DType.DOUBLE and model.kind != ESTIMATES:
        return "doubles add up to something else in another order"
    return None


def estimate(_node: exp.Expr, model: Model) -> str | None:
    return None if model.kind == ESTIMATES else "differs in its last digit"


def from_one(node: exp.Expr, _model: Model) -> str | None:
    start = node.args.get("start")
    if isinstance(start, exp.Literal) and int(start.name) >= 1:
        return None
    return "text begins at 1; 0 and less are read differently"


def pattern(node: exp.Expr, _model: Model) -> str | None:
    written = "".join(literal.name for literal in node.expression.find_all(exp.Literal))
    return "a backslash escapes in Spark" if "\\" in written else None


def ranked(node: exp.Expr, _model: Model) -> str | None:
    over = node.find_ancestor(exp.Window)
    return None if over is not None and over.args.get("order") else "needs an order"


def alike(node: exp.Expr, _model: Model) -> str | None:
    """A day and an instant compare alike in both; a text or a flag and a number do not."""
    families = {
        FAMILIES.get(kind(one))
        for one in (node.this, node.expression, *node.expressions, node.args.get("low"))
        if isinstance(one, exp.Expr) and not isinstance(one, exp.Null)
    }
    families |= {FAMILIES.get(kind(node.args.get("high")))} if node.args.get("high") else set()
    return None if len(families - {None}) <= 1 else f"compares {families}"


FAMILIES: Mapping[exp.DType | None, str] = {
    **dict.fromkeys((*INTEGERS, exp.DType.DECIMAL, exp.DType.DOUBLE), "numbers"),
    **dict.fromkeys(DATES, "days and instants"),
    **dict.fromkeys((exp.DType.TEXT, exp.DType.VARCHAR), "texts"),
    exp.DType.BOOLEAN: "flags",
}

ALLOWED: Mapping[type[exp.Expr], Rule] = {
    # Queries. Nulls come last in DuckDB and first in Spark; that is written out for Spark, below.
    **dict.fromkeys(
        (
            exp.Alias, exp.Column, exp.CTE, exp.Distinct, exp.Filter, exp.From, exp.Group,
            exp.Having, exp.Identifier, exp.Join, exp.Order, exp.Ordered, exp.Select, exp.Star,
            exp.Table, exp.TableAlias, exp.Tuple, exp.Union, exp.Values, exp.Var, exp.Where,
            exp.Window, exp.WindowSpec,
        ),
        anywhere,
    ),
    exp.With: no_recursion,
    # Logic with three values, values, choices. Strings compare by code point in both, and joining
    # them with an empty one is empty; greatest and least leave out what is empty.
    **dict.fromkeys(
        (
            exp.And, exp.Boolean, exp.Case, exp.Coalesce, exp.DPipe, exp.If, exp.Is, exp.Literal,
            exp.Not, exp.Null, exp.Nullif, exp.Or, exp.Paren,
        ),
        anywhere,
    ),
    **dict.fromkeys(
        (
            exp.Between, exp.EQ, exp.GT, exp.GTE, exp.Greatest, exp.In, exp.Least, exp.LT, exp.LTE,
            exp.NEQ, exp.NullSafeEQ,
        ),
        alike,
    ),
    # Numbers and their conversion.
    exp.Add: sum_or_difference,
    exp.Cast: conversion,
    exp.Ceil: to_whole,
    exp.DataType: anywhere,
    exp.DataTypeParam: anywhere,
    exp.Div: division,
    exp.Exp: estimate,
    exp.Floor: to_whole,
    exp.Mod: remainder,
    exp.Mul: product,
    exp.Neg: anywhere,
    exp.Pow: estimate,
    exp.Round: rounding,
    exp.Sqrt: estimate,
    exp.Sub: sum_or_difference,
    # Text. The place of a text in another counts from one; it is 0 where it is not there.
    exp.Length: anywhere,
    exp.StrPosition: anywhere,
    exp.Like: pattern,
    exp.Substring: from_one,
    # Days and instants. Months are added alike: 31 January and one month is the last of February.
    exp.DateDiff: difference,
    exp.Hour: anywhere,
    exp.Month: anywhere,
    exp.Second: anywhere,
    exp.Interval: anywhere,
    exp.TimestampTrunc: truncation,
    # Over many rows.
    exp.Count: anywhere,
    exp.Lag: ranked,
    exp.Max: anywhere,
    exp.Min: anywhere,
    exp.RowNumber: ranked,
    exp.Sum: total,
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> MappingSchema:
    """The columns of everything that models read, with their types."""
    wanted = {relation for model in models().values() for relation in relations(model.sql)}
    with ledger({}, "2025-06-01") as con:
        columns = {
            name: {row[0]: row[1] for row in con.execute(f'describe from "{name}"').fetchall()}
            for name in wanted
        }
    return MappingSchema(columns, dialect="duckdb", normalize=False)


def objections(model: Model, schema: MappingSchema) -> Iterator[str]:
    """What in the model may mean something else in Spark."""
    tree = sqlglot.parse_one(in_zone(model.sql, TIMEZONE), read="duckdb")
    tree = annotate_types(
        qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=False),
        schema=schema,
        dialect="duckdb",
    )
    for node in tree.walk():
        rule = ALLOWED.get(type(node))
        why = "is not known to mean the same" if rule is None else rule(node, model)
        if why:
            yield f"{type(node).__name__}: {why}: {node.sql('duckdb')}"


@pytest.mark.parametrize("name", list(models()))
def test_a_model_uses_only_what_means_the_same_in_spark(name: str, schema: MappingSchema) -> None:
    sqlglot.transpile(
        models()[name].sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE
    )
    assert list(objections(models()[name], schema)) == []


@pytest.mark.parametrize("name", list(models()))
def test_a_model_says_what_it_is(name: str) -> None:
    sql = models()[name].sql
    assert "-- grain:" in sql
    assert sql.rstrip().endswith("select * from final")


def test_what_is_published_has_types_that_both_know() -> None:
    """A sum of integers is wider than any in Spark, and a double in Parquet: cast to bigint."""
    with ledger({}, "2025-06-01") as con:
        found = {
            f"{name}.{column}": of_type
            for name, model in models().items()
            for column, of_type, *_ in con.execute(
                f"describe {in_zone(model.sql, TIMEZONE)}"
            ).fetchall()
            if of_type.split("(")[0] not in PUBLISHED
        }
    assert found == {}


def test_the_order_of_empty_values_is_written_out_for_spark() -> None:
    text = "select row_number() over (order by a, b desc) from t"
    assert sqlglot.transpile(text, read="duckdb", write="spark") == [
        "SELECT ROW_NUMBER() OVER (ORDER BY a NULLS LAST, b DESC) FROM t"
    ]


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select a / nullif(b, 0) from t", "Div"),
        ("select cast(a as double) / b from t", "Div"),
        ("select cast(a as integer) from t", "Cast"),
        ("select cast(cast(a as double) as varchar) from t", "Cast"),
        ("select date_diff('day', at, at) from t", "DateDiff"),
        ("select date_diff('second', at, at) from t", "DateDiff"),
        ("select date_diff('month', on_day, on_day) from t", "DateDiff"),
        ("select on_day + interval '1 month' from t", "Add"),
        ("select on_day - on_day from t", "Sub"),
        ("select at - at from t", "Sub"),
        ("select date_trunc('month', on_day) from t", "TimestampTrunc"),
        ("select floor(cast(a as double)) from t", "Floor"),
        ("select round(cast(a as double), 2) from t", "Round"),
        ("select sum(cast(a as double)) from t", "Sum"),
        ("select sqrt(a) from t", "Sqrt"),
        ("select avg(a) from t", "Avg"),
        ("select substr(said, 0, 2) from t", "Substring"),
        ("select said = n from t", "EQ"),
        ("select row_number() over (partition by n) from t", "RowNumber"),
        ("select isodow(on_day) from t", "DayOfWeekIso"),
        ("select make_date(2026, 1, 1) from t", "DateFromParts"),
        ("select epoch(at) from t", "TimeToUnix"),
        ("select try_strptime(said, '%Y') from t", "Anonymous"),
        ("select list_filter([1], lambda x: x > 0) from t", "Array"),
        ("select {'a': 1} from t", "Struct"),
        ("select unnest([1]) from t", "Explode"),
        ("with recursive r as (select 1 as n union all select n from r) select n from r", "With"),
    ],
)
def test_what_spark_reads_differently_is_found(sql: str, word: str) -> None:
    columns = {"a": "decimal(18, 6)", "b": "decimal(18, 6)", "n": "integer", "said": "varchar",
               "at": "timestamp", "on_day": "date"}  # fmt: skip
    schema = MappingSchema({"t": columns}, dialect="duckdb", normalize=False)
    found = [line.split(":")[0] for line in objections(Model("x", "facts", sql), schema)]
    assert word in found, found
