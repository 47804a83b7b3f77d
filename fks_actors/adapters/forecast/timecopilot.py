"""A Chronos model through TimeCopilot's forecaster, where `timecopilot` is installed (extra `timecopilot`).

TimeCopilot pins an older torch than the other extras need, so it wants an environment of its own: not run by this
project's own tests. `path` is a local Chronos folder.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.foundation import FoundationForecaster, package, weights

Floats = npt.NDArray[np.float64]

_HOW = "pip install 'fks-actors[timecopilot]', in an environment of its own"
_ALIAS = "model"


def open_model(config: ForecastModelConfig) -> FoundationForecaster:
    """Hand the folder to TimeCopilot; it loads the weights at each forecast.

    Raises:
        ConfigError: `timecopilot` is missing, or the folder holds no model.
    """
    forecasters = package("timecopilot.forecaster", _HOW)
    models = package("timecopilot.models.foundation.chronos", _HOW)
    pandas = package("pandas", _HOW)
    folder = weights(config, "config.json").parent
    copilot = forecasters.TimeCopilotForecaster(models=[models.Chronos(repo_id=str(folder), alias=_ALIAS)])

    def predict(values: Floats, horizon: int) -> tuple[Sequence[float], Floats]:
        times = pandas.date_range("2000-01-01", periods=len(values), freq="h")
        frame = pandas.DataFrame({"unique_id": "closes", "ds": times, "y": values})
        levels = list(config.quantile_levels)
        said = copilot.forecast(df=frame, h=horizon, freq="h", quantiles=levels)
        columns = [name for name in said.columns if name.startswith(f"{_ALIAS}-q-")]
        columns.sort(key=lambda name: float(name.rpartition("-")[2]))
        return levels, said[columns].to_numpy(np.float64)[horizon - 1]

    return FoundationForecaster(config, predict)
