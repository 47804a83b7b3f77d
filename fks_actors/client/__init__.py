"""A Python client of a running desk, over HTTP: `Client`, and `AsyncClient` with the same words.

Answers are the API's JSON as plain dictionaries (OpenAPI at /docs); a job is a `Job`.
"""

from fks_actors.client.answers import ApiRefused, sign
from fks_actors.client.asynchronous import AsyncClient
from fks_actors.client.jobs import Job
from fks_actors.client.sync import Client

__all__ = ["ApiRefused", "AsyncClient", "Client", "Job", "sign"]
