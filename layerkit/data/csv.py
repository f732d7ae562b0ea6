"""Tables in CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from layerkit import CsvSource, TableDataset, Writing


class CSV(TableDataset, Writing):
    """A table in a CSV file, read by Python's own module; how it is written is guessed where there is no doubt.

    References
    ----------
    Y. Shafranovich, "Common format and MIME type for comma-separated values (CSV) files", RFC 4180, 2005.
    """

    type: Literal["csv"] = "csv"

    @property
    def writing(self) -> Writing:
        return Writing(**{name: getattr(self, name) for name in Writing.model_fields})

    def source(self, paths: Sequence[Path]) -> CsvSource:
        return CsvSource(paths, self.dialect, self.encoding, self.nulls)
