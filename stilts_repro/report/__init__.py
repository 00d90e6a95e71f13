"""What a run leaves for its readers: claims.json, claims.md, report.html and the printed table."""

from stilts_repro.report.table import print_table
from stilts_repro.report.write import write_claims

__all__ = ["print_table", "write_claims"]
