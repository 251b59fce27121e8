"""The sections of the management report: tables with what is drawn of them, in one language.

A section is data; the workbook and the document (PDF) show the same ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from etl.catalogue import STATES, Text, catalogue
from etl.changes import falls_due
from etl.evidence.statement import money
from etl.marts import Marts
from etl.report import report
from etl.store import Manifest
from etl.verdict import IDLE

MONTHS_BACK = 12
MONTHS_AHEAD = 12
MOST_ROWS = 200
STAGES = ("sla.response", "sla.onsite", "sla.software_resolution", "sla.hardware_repair")
_TONES = {
    "kept": "good", "broken": "bad", "undecided": "warn", "no_evidence": "warn", "open": "plain",
    "no_activity": "plain", "not_promised": "plain", "clean": "good", "breaches": "bad",
    "evidence_missing": "warn", "open_items": "plain",
}  # fmt: skip
COMPLAINT_STEPS: Mapping[str, str] = {
    "received": "true",
    "acknowledged": "acknowledgement = 'met'",
    "routed": "routed",
    "handled": "handled",
    "asked": "asked",
    "satisfied": "coalesce(satisfied, false)",
    "closed": "closed",
}
"""The steps a complaint takes, in their order, and when it has taken one (see marts/complaint)."""


@dataclass(frozen=True)
class Verdict:
    """A verdict in words, and how it is meant: good, bad, warn or plain."""

    said: str
    tone: str

    def __str__(self) -> str:
        return self.said


@dataclass(frozen=True)
class Column:
    """A heading and how its values are shown: text, verdict, count, number, hours, share, money."""

    title: str
    kind: str = "text"


@dataclass(frozen=True)
class Chart:
    """What is drawn of a section: columns as lines or bars over the first column.

    `target` is a share or count drawn as a line of its own.
    """

    form: str
    columns: tuple[int, ...]
    target: float | None = None


@dataclass(frozen=True)
class Section:
    """A titled table. `note` says what is left out of it, or how it is counted."""

    key: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    chart: Chart | None = None


@dataclass(frozen=True)
class Report:
    """The whole report; `facts` are label and value: from when, of what, what is left out."""

    title: str
    language: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def management_report(
    marts: Marts, manifest: Manifest, language: str, contract: str | None = None
) -> Report:
    """The report over all contracts, or one. Raises KeptError where there is no such contract."""
    figures = report(marts, contract)
    with duckdb.connect(marts.path, read_only=True) as con:
        writer = _Writer(con, marts, language, contract, figures)
        return Report(
            title=writer.say("title"),
            language=language,
            facts=tuple(writer.facts(manifest)),
            sections=tuple(writer.sections()),
        )


@dataclass(frozen=True)
class _Writer:
    """Asks for the figures of one report and puts them into words."""

    con: duckdb.DuckDBPyConnection
    marts: Marts
    language: str
    contract: str | None
    figures: Mapping[str, Any]

    def say(self, code: str, **values: object) -> str:
        return catalogue().message(f"management_{code}", self.language, **values)

    def named(self, text: Text) -> str:
        return text.get(self.language)

    def facts(self, manifest: Manifest) -> Iterator[tuple[str, str]]:
        """From when and of what the report is, and what it leaves out."""
        yield self.say("as_of"), self.figures["as_of"].replace("T", " ")
        yield self.say("contracts"), self.contract or self.say("all_contracts")
        yield self.say("manifest"), str(manifest.number)
        for log, through in self._ask(
            "select log, min(through_at) from log_through group by log order by log"
        ):
            known = catalogue().logs[log]
            if not known.register:
                label = self.say("through", log=known.label)
                yield label, self.say("never") if through is None else f"{through:%Y-%m-%d %H:%M}"
        yield self.say("rejected"), str(self.figures["rejected_rows"])
        yield self.say("waiting"), str(self.figures["waiting_rows"])

    def sections(self) -> Iterator[Section]:
        """The sections that have anything to show, in their order."""
        every = (
            self._contracts(), self._trend(), self._reopened(), self._availability(),
            self._warranty(), self._spares(), self._complaints(), self._breaches(),
            self._due(), self._clauses(),
        )  # fmt: skip
        yield from (section for section in every if section.rows)

    def _section(
        self,
        key: str,
        columns: Iterable[tuple[str, str]],
        rows: Iterable[Sequence[Any]],
        chart: Chart | None = None,
        note: str = "",
    ) -> Section:
        return Section(
            key=key,
            title=self.say(f"{key}_title"),
            note=note or self.say(f"{key}_note"),
            columns=tuple(Column(title, kind) for title, kind in columns),
            rows=tuple(tuple(row) for row in rows),
            chart=chart,
        )

    def _ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(parameters)).fetchall()

    def _target(self, *terms: str) -> float | None:
        """The promised share where all contracts of the report, and `terms`, have the same."""
        found = self._ask(
            "select distinct value::double from contract_term "
            f"where term in ({', '.join('?' * len(terms))}) "
            "and contract_id = coalesce(?, contract_id)",
            *terms,
            self.contract,
        )
        return found[0][0] if len(found) == 1 else None

    def _verdict(self, name: str) -> Verdict:
        return Verdict(self.named(catalogue().verdicts[name].title), _TONES[name])

    def _contracts(self) -> Section:
        """One row per contract: what its retention money comes to, and the headline figures."""
        rows = []
        for name, found in self.figures["contracts"].items():
            verdicts = [counts["verdict"] for counts in found["clauses"].values()]
            retention, spares = found["retention"], found["spares"]
            rows.append(
                (
                    name,
                    Verdict(
                        self.named(catalogue().contract_verdicts[retention["verdict"]].title),
                        _TONES[retention["verdict"]],
                    ),
                    retention["due_on"],
                    money(Decimal(str(retention["retention_amount"]))),
                    verdicts.count("kept"),
                    verdicts.count("broken"),
                    verdicts.count("undecided") + verdicts.count("no_evidence"),
                    found["availability"]["availability"],
                    found["availability"]["mttr_hours"],
                    spares["ratio"],
                    found["warranty"]["in_warranty"],
                )
            )
        columns = (
            ("contract", "text"), ("verdict", "verdict"), ("due_on", "text"),
            ("retention", "money"), ("kept", "count"), ("broken", "count"), ("open", "count"),
            ("availability", "share"), ("mttr", "hours"), ("spares", "share"),
            ("in_warranty", "count"),
        )  # fmt: skip
        return self._section("contracts", self._heads(columns), rows)

    def _heads(self, columns: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for name, kind in columns:
            yield self.say(f"column_{name}"), kind

    def _clauses(self) -> Section:
        assumed = set(self._ask("select contract_id, clause from clause_verdict where assumed"))
        states = tuple((self.named(catalogue().states[state].title), "count") for state in STATES)
        rows = [
            (
                name,
                self.named(catalogue().clauses[clause].title)
                + (self.say("assumed") if (name, clause) in assumed else ""),
                *(counts[state] for state in STATES),
                counts["rate"],
                self._verdict(counts["verdict"]),
            )
            for name, found in self.figures["contracts"].items()
            for clause, counts in found["clauses"].items()
            if counts["verdict"] not in IDLE
        ]
        heads = self._heads((("contract", "text"), ("clause", "text")))
        rest = self._heads((("rate", "share"), ("verdict_of_clause", "verdict")))
        return self._section("clauses", (*heads, *states, *rest), rows)

    def _trend(self) -> Section:
        """The hit rate of the stages by month of arising, over the contracts of the report."""
        found = self._ask(
            f"""
            select month, clause, sum(met), sum(met + breached + unknown)
            from compliance
            where clause in ({", ".join("?" * len(STAGES))}) and month <> ''
                and contract_id = coalesce(?, contract_id)
            group by month, clause
            """,
            *STAGES,
            self.contract,
        )
        rates = {(month, clause): int(met) / int(due) for month, clause, met, due in found if due}
        months = sorted({month for month, _ in rates})[-MONTHS_BACK:]
        rows = [(month, *(rates.get((month, stage)) for stage in STAGES)) for month in months]
        stages = ((self.named(catalogue().clauses[stage].title), "share") for stage in STAGES)
        return self._section(
            "trend",
            (*self._heads((("month", "text"),)), *stages),
            rows,
            Chart(
                "line",
                tuple(range(1, len(STAGES) + 1)),
                self._target(*(f"{stage}.target" for stage in STAGES)),
            ),
        )

    def _reopened(self) -> Section:
        rows = self._ask(
            """
            select month, sum(tickets)::bigint, sum(reopened)::bigint,
                sum(reopened) / sum(tickets)::double
            from reopened where contract_id = coalesce(?, contract_id)
            group by month order by month desc limit ?
            """,
            self.contract,
            MONTHS_BACK,
        )
        columns = (
            ("month", "text"), ("tickets", "count"), ("reopened", "count"), ("share", "share"),
        )  # fmt: skip
        return self._section("reopened", self._heads(columns), reversed(rows), Chart("bar", (2,)))

    def _availability(self) -> Section:
        left_out = sum(
            found["availability"]["open_unit_months"]
            for found in self.figures["contracts"].values()
        )
        note = self.say("availability_note")
        if left_out:
            note += " " + catalogue().message("report_months_open", self.language, count=left_out)
        rows = [
            (month, int(units), share, with_loaner)
            for month, units, share, with_loaner in self._ask(
                """
                select month, sum(units),
                    1 - sum(down_seconds) / nullif(sum(service_seconds), 0),
                    1 - (sum(cover_down_seconds) - sum(covered_seconds))
                        / nullif(sum(cover_service_seconds), 0)
                from availability_fleet where contract_id = coalesce(?, contract_id)
                group by month having sum(units) > 0 order by month desc limit ?
                """,
                self.contract,
                MONTHS_BACK,
            )
        ]
        columns = (
            ("month", "text"), ("units", "count"), ("availability", "share"),
            ("availability_with_loaner", "share"),
        )  # fmt: skip
        return self._section(
            "availability",
            self._heads(columns),
            reversed(rows),
            Chart("line", (2, 3), self._target("availability_target")),
            note,
        )

    def _warranty(self) -> Section:
        ends = {
            month: counts
            for month, *counts in self._ask(
                """
                select month, sum(base_expires_on)::bigint, sum(expires_on)::bigint,
                    sum(possible_expires_on)::bigint
                from warranty_month where contract_id = coalesce(?, contract_id) group by month
                """,
                self.contract,
            )
        }
        first = self.marts.as_of.year * 12 + self.marts.as_of.month - 1
        months = [f"{n // 12}-{n % 12 + 1:02}" for n in range(first, first + MONTHS_AHEAD)]
        rows = [(month, *ends.get(month, (0, 0, 0))) for month in months] if ends else []
        columns = (
            ("month", "text"), ("base_expires", "count"), ("expires", "count"),
            ("possible_expires", "count"),
        )  # fmt: skip
        return self._section("warranty", self._heads(columns), rows, Chart("bar", (1, 2, 3)))

    def _spares(self) -> Section:
        """The ratio on the last day of each month, and of as_of, over the contracts."""
        rows = self._ask(
            """
            with last as (
                select contract_id, substr(day::varchar, 1, 7) as month, max(day) as day
                from spares where contract_id = coalesce(?, contract_id) group by 1, 2
            )
            select month, sum(on_hand)::double, sum(units_in_service)::bigint,
                sum(on_hand)::double / nullif(sum(units_in_service), 0)
            from last join spares using (contract_id, day)
            group by month having sum(on_hand) is not null order by month desc limit ?
            """,
            self.contract,
            MONTHS_BACK,
        )
        columns = (
            ("month", "text"), ("on_hand", "number"), ("units", "count"), ("spares", "share"),
        )  # fmt: skip
        return self._section(
            "spares",
            self._heads(columns),
            reversed(rows),
            Chart("line", (3,), self._target("spares_ratio")),
        )

    def _complaints(self) -> Section:
        taken = ", ".join(f"count(*) filter (where {one})" for one in COMPLAINT_STEPS.values())
        [counts] = self._ask(
            f"select {taken} from complaint where contract_id = coalesce(?, contract_id)",
            self.contract,
        )
        rows = [
            (self.say(f"step_{step}"), n) for step, n in zip(COMPLAINT_STEPS, counts, strict=True)
        ]
        heads = self._heads((("step", "text"), ("complaints", "count")))
        return self._section("complaints", heads, rows if counts[0] else (), Chart("bar", (1,)))

    def _breaches(self) -> Section:
        """The obligations breached that fell due in the 31 days before as_of, the latest first."""
        where = """
            from obligation, build
            where state = 'breached' and contract_id = coalesce(?, contract_id)
                and coalesce(due_at, arose_on::timestamp) > build.as_of - interval '31 days'
            """
        [(count,)] = self._ask(f"select count(*) {where}", self.contract)
        rows = [
            (contract, self.named(catalogue().clauses[clause].title), *rest)
            for contract, clause, *rest in self._ask(
                f"""
                select contract_id, clause, subject, coalesce(department, ''),
                    coalesce(due_on::varchar, substr(due_at::varchar, 1, 16), arose_on::varchar),
                    coalesce(done_on::varchar, substr(done_at::varchar, 1, 16), '')
                {where}
                order by coalesce(due_at, arose_on::timestamp) desc, contract_id, clause, subject
                limit ?
                """,
                self.contract,
                MOST_ROWS,
            )
        ]
        columns = ("contract", "clause", "subject", "department", "due", "done")
        note = self.say("breaches_note", shown=len(rows), count=count)
        return self._section("breaches", self._texts(columns), rows, note=note)

    def _due(self) -> Section:
        found = falls_due(self.marts.path, self.contract)
        rows = [
            (
                row["contract_id"],
                catalogue().message(f"due_{row['kind']}", self.language),
                ""
                if row["clause"] is None
                else self.named(catalogue().clauses[row["clause"]].title),
                row["subject"],
                row["department"] or "",
                str(row["due_at"]).replace("T", " ")[:16],
            )
            for row in found[:MOST_ROWS]
        ]
        columns = ("contract", "what", "clause", "subject", "department", "due")
        note = self.say("due_note", shown=len(rows), count=len(found))
        return self._section("due", self._texts(columns), rows, note=note)

    def _texts(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        return self._heads((name, "text") for name in names)
