"""A study told: one HTML page that needs nothing else, and one JSON document (`report.document`), of the same figures.

`html(study, seed=...)`, `json(study, seed=...)`, `save(study, folder, seed=...)` and the document's `schema()`.
"""

from fks_actors.backtest.report.document import schema
from fks_actors.backtest.report.saving import Saved, html, json, save

__all__ = ["Saved", "html", "json", "save", "schema"]
