"""What jobs may take of the machine that the desk trades on."""

from pydantic import BaseModel, ConfigDict, Field, field_validator


class JobsConfig(BaseModel):
    """Backtests, optimisations and sweeps that the API takes.

    `at_once` of them run, the others wait, `waiting` at most. `workers` blocks of a search are under way at once, each
    on one CPU of the cluster; 0: in the job's own process, without Ray. All of it runs with nice level `nice`.
    `memory_mb` is what the process of a job may allocate, `upload_mb` what a request may bring, `keep` how many
    finished jobs are kept. `data_folders`: absolute folders whose recordings may be named as those of FKS_HOME/data.
    `uploaded_code`: whether a request may bring a strategy's source, which runs as the user of the desk; null: only
    where no venue trades for real.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_once: int = Field(default=1, ge=1, le=64)
    waiting: int = Field(default=50, ge=1, le=10_000)
    workers: int = Field(default=2, ge=0, le=4_096)
    nice: int = Field(default=15, ge=0, le=19)
    memory_mb: int = Field(default=2_048, ge=256, le=1_000_000)
    upload_mb: int = Field(default=32, ge=1, le=1_024)
    keep: int = Field(default=200, ge=1, le=100_000)
    data_folders: tuple[str, ...] = ()
    uploaded_code: bool | None = None

    @field_validator("data_folders")
    @classmethod
    def _absolute(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for folder in given:
            if not folder.startswith("/"):
                raise ValueError(f"{folder!r} is no absolute path")
        return given
