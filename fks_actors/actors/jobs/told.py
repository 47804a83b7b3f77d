"""What the jobs' actor is told, by `fks up` through the HTTP edge, which makes the actor when it is first needed."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fks_actors.adapters.jobs.config import JobsConfig
from fks_actors.backtest.jobs.place import Place


class JobsTold(BaseModel):
    """`home` is FKS_HOME; `tree` the desk's settings; `real`: a venue trades for real; `secrets` are files whose
    content no log may show; `own_process`: the actor may lower its priority, and has a cluster to push figures to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: str
    namespace: str
    config: JobsConfig = JobsConfig()
    tree: dict[str, Any] = Field(default_factory=dict)
    real: bool = False
    secrets: tuple[str, ...] = ()
    own_process: bool = True

    @property
    def place(self) -> Place:
        """Where jobs are asked for."""
        folders = (Path(self.home) / "data", *(Path(each) for each in self.config.data_folders))
        return Place(self.config, folders, self.tree, self.real)
