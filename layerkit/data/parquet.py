"""Tables in Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from layerkit import FrameSource, SpecPath, TableDataset, parquet_source


class Parquet(TableDataset):
    """A table in a Parquet file, read by polars, which the extra ``data`` brings along.

    References
    ----------
    Apache Parquet, format 2.10, https://parquet.apache.org/docs/file-format/.
    """

    type: Literal["parquet"] = "parquet"
    path: SpecPath = Field(examples=["flowers.parquet"])
    """The file, relative to the spec; ``~`` is the home folder, and ``part-*.parquet`` all such files in the order of names."""

    def source(self, paths: Sequence[Path]) -> FrameSource:
        return parquet_source(paths)
