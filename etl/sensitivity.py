"""What the verdicts would be if an assumed figure or a reading were another one.

The models stay as they are: a scenario runs the same SQL with one of its inputs in the place of
another, so that there is one rule for the state and one for the verdict.
"""

from collections.abc import Mapping

from etl.catalogue import catalogue
from etl.sql import literal

SCALED = ("half", "double")
READING = "reading"
ALTERNATIVE = ".alternative"
QUALITY = ("delivery", "warranty", "aftercare")
"""The groups of clauses that count for the retention money under its narrow reading."""


def sensitivity_sql(
    clauses: Mapping[str, str], readings: Mapping[str, str], models: Mapping[str, str]
) -> str:
    """The table `sensitivity`; `clauses` and `readings` are clause → rows, `models` name → SQL.

    Grain: scenario (half, double: of the assumed figure; reading: the other one), contract, clause.
    Columns: term (empty for a reading), value and other_value of it, verdict and other_verdict for
    the retention money, and the counts that other_verdict rests on.
    """
    parts = []
    for scenario in SCALED:
        term = f"select * from contract_term_scaled where scenario = {literal(scenario)}"
        rows = {
            clause: _with("contract_term", term, sql)
            for clause, sql in clauses.items()
            if catalogue().clauses[clause].assumed_terms
        }
        parts.append(_scenario_sql(scenario, rows, models))
    parts.append(_scenario_sql(READING, readings, models))
    return " union all ".join(parts)


def retention_alternative_sql(retention: str) -> str:
    """The table `retention_alternative`; `retention` is the SQL of the mart of that name.

    Grain: contract. Columns: verdict, other_verdict where only the clauses of QUALITY count
    (在未违反合同内质量保证条款的前提下), and the counts that other_verdict rests on. Rows left out
    of logs that only other clauses rest on do not count either.
    """
    counting: set[str] = set()
    others: set[str] = set()
    for clause in catalogue().clauses.values():
        (counting if clause.group in QUALITY else others).update(clause.rests_on)
    clauses = [one.id for one in catalogue().clauses.values() if one.group in QUALITY]
    aside = sorted(others - counting)
    narrowed = _with(
        "clause_verdict",
        f"select * from clause_verdict where clause in ({', '.join(map(literal, clauses))})",
        _with(
            "open_row",
            f"select * from open_row where log not in ({', '.join(map(literal, aside))})",
            retention,
        ),
    )
    return f"""
        select
            other.contract_id, now.verdict, other.verdict as other_verdict,
            other.met, other.breached, other.unknown, other.pending, other.excluded
        from ({narrowed}) as other
        join retention as now
            on other.contract_id = now.contract_id
    """


def _scenario_sql(scenario: str, rows: Mapping[str, str], models: Mapping[str, str]) -> str:
    claims = " union all ".join(
        f"select {literal(clause)} as clause, {literal(catalogue().clauses[clause].log)} as log, * "
        f"from ({sql}) as claim"
        for clause, sql in rows.items()
    )
    paused = _with("paused_row", "select * from clause_row", models["claim_evidence"])
    shown = _with("clause_row", claims, paused)
    obligations = _with("claim_evidence", shown, models["obligation"])
    verdicts = _with("obligation", obligations, models["clause_verdict"])
    inside = ", ".join(map(literal, rows))
    return f"""
        select
            {literal(scenario)} as scenario, other.contract_id, other.clause,
            term.term, term.value, scaled.value as other_value,
            now.verdict, other.verdict as other_verdict,
            other.met, other.breached, other.unknown, other.pending, other.excluded
        from ({verdicts}) as other
        join clause_verdict as now
            on other.contract_id = now.contract_id
            and other.clause = now.clause
        join catalogue_clause as clause
            on other.clause = clause.clause
        left join contract_term as term
            on other.contract_id = term.contract_id
            and clause.assumed_term = term.term
            and {literal(scenario)} <> {literal(READING)}
        left join contract_term_scaled as scaled
            on term.contract_id = scaled.contract_id
            and term.term = scaled.term
            and scaled.scenario = {literal(scenario)}
        where
            other.clause in ({inside})
            and ({literal(scenario)} = {literal(READING)} or term.assumed)
    """


def _with(name: str, sql: str, query: str) -> str:
    """`query` with `sql` in the place of the table `name`."""
    return f"with {name} as ({sql}) select * from ({query}) as found"
