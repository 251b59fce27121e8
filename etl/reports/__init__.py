"""What leaves the house for people who open no dashboard: the management report and the digest."""

from pathlib import Path

from etl.errors import KeptError
from etl.marts import Marts
from etl.reports.document import document
from etl.reports.sections import management_report
from etl.reports.workbook import workbook
from etl.store import Manifest

_FORMS = {".xlsx": workbook, ".pdf": document}


def write_report(
    marts: Marts, manifest: Manifest, language: str, contract: str | None, target: Path
) -> None:
    """Writes the management report to `target`, by its name a workbook or a PDF.

    Raises KeptError where the name is another, the file cannot be written, there is no such
    contract, or (PDF) no font with Chinese is found.
    """
    form = _FORMS.get(target.suffix.lower())
    if form is None:
        raise KeptError("management_format", file=target)
    content = form(management_report(marts, manifest, language, contract))
    try:
        target.write_bytes(content)
    except OSError as error:
        raise KeptError("file_not_written", file=target) from error
