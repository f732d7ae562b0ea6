"""Make the pages of reference, `spec.md`, `components.md` with its plots, and `api.md`, from the code.

``python docs/make_reference.py`` writes them anew.

They go into this folder, or into the one that is given as an argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

from api_page import api_page
from components_page import components_page
from spec_page import spec_page

folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent
components, plots = components_page()
(folder / "plots").mkdir(exist_ok=True)
for old in (folder / "plots").glob("*.svg"):
    old.unlink()
pages = {"spec.md": spec_page(), "components.md": components, "api.md": api_page()}
for name, page in {**pages, **{f"plots/{name}": text for name, text in plots.items()}}.items():
    (folder / name).write_text(page, encoding="utf-8", newline="\n")
