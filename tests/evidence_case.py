"""A warehouse for the tests of decisions: a few contracts whose figures can be counted by hand.

HT-1, accepted 2024-01-10: retention 5000, due 2025-01-10; sla.response one met, two breached (one
of them waived), one unknown. HT-2: a contract and nothing else. HT-3: not accepted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from etl import ledger, marts
from etl.config import Settings
from etl.evidence import files, reproduce
from etl.intake.load import load

MODELS = ("sla.response", "aftercare.served", "retention")
CONTRACTS = """contract_id,name,vendor,buyer,amount,accepted_on
HT-1,"=设备, 采购",甲公司,乙医院,100000,2024-01-10
HT-2,空合同,甲公司,乙医院,20000,2024-01-10
HT-3,未验收,丙公司,乙医院,3000,
"""
EQUIPMENT = """equipment_id,contract_id,department,accepted_on
U-1,HT-1,内科,2024-01-10
U-3,HT-3,外科,
"""
TICKETS_HEADER = (
    "ticket_id,contract_id,equipment_id,service_type,reported_at,responded_at,closed_at\n"
)
TICKETS = (
    TICKETS_HEADER
    + """T-1,HT-1,U-1,软件故障,2024-06-01 08:00,2024-06-01 08:10,2024-06-01 09:00
T-2,HT-1,U-1,软件故障,2024-06-02 08:00,2024-06-02 09:00,2024-06-02 10:00
T-3,HT-1,U-1,软件故障,2024-06-03 08:00,2024-06-03 09:30,2024-06-03 10:00
T-4,,U-1,软件故障,2024-06-04 08:00,,2024-06-04 10:00
T-5,HT-1,U-1,软件故障,昨天,,
T-6,HT-1,U-9,软件故障,2024-06-05 08:00,,
T-7,HT-1,U-1,软件故障,2025-06-01 08:00,2025-06-01 09:00,2025-06-01 10:00
"""
)
TERMS = """contract_id,term,value
HT-1,sla.response.penalty_per_breach,333.335
HT-1,aftercare.served.penalty_per_breach,900
HT-1,penalty_cap,500
"""
WAIVERS = """contract_id,clause,subject,reason,requested_by,approved_by,approved_on
HT-1,sla.response,T-3,停电,张三,李四,2024-07-01
"""
FILES = {
    "contracts.csv": CONTRACTS,
    "equipment.csv": EQUIPMENT,
    "tickets.csv": TICKETS,
    "terms.csv": TERMS,
    "waivers.csv": WAIVERS,
}
LATER = (
    TICKETS_HEADER + "T-8,HT-1,U-1,软件故障,2024-06-08 08:00,2024-06-08 09:00,2024-06-08 10:00\n"
)


@contextmanager
def few_models() -> Iterator[None]:
    """Builds two clauses and what retention money needs: a load takes a tenth of the time."""
    with built_only(*MODELS), pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "computed_clauses", lambda: MODELS[:2])
        patch.setattr(reproduce, "MODELS_WANTED", MODELS)
        yield


@contextmanager
def built_only(*wanted: str) -> Iterator[None]:
    """Builds these models and what they need; the pages' would be another half of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marts, "build_marts", partial(ledger.build_marts, wanted=wanted))
        yield


def make(folder: Path) -> Settings:
    """The warehouse, loaded, under `folder`."""
    for name, text in FILES.items():
        put(folder / "exports" / name, text)
    settings = Settings(folder / "warehouse", person="tester")
    load(settings, [folder / "exports"])
    return settings


def put(file: Path, text: str) -> Path:
    """Writes an export."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
