"""Chronos, Chronos-Bolt and Chronos-2 (Ansari et al. 2024, 2025) from a local folder, by `chronos-forecasting`.

Bolt and Chronos-2 say quantiles; the first Chronos draws samples, always with the same seed, so that the same window
gives the same forecast. Extra `chronos`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.foundation import FoundationForecaster, device, package, weights
from fks_actors.errors import ConfigError

Floats = npt.NDArray[np.float64]

_HOW = "pip install 'fks-actors[chronos]'"


def open_model(config: ForecastModelConfig) -> FoundationForecaster:
    """Load a folder that `save_pretrained` wrote (config.json and the weights).

    Raises:
        ConfigError: `chronos-forecasting` or torch is missing, or the folder holds no Chronos model.
    """
    torch, chronos = package("torch", _HOW), package("chronos", _HOW)
    folder = weights(config, "config.json").parent
    try:
        pipeline = chronos.BaseChronosPipeline.from_pretrained(
            str(folder), device_map=device(config, torch), dtype=torch.float32, local_files_only=True
        )
    except Exception as error:
        raise ConfigError(f"forecast.path: {folder} is no Chronos model: {error}") from error
    levels = list(getattr(pipeline, "quantiles", None) or config.quantile_levels)

    def predict(values: Floats, horizon: int) -> tuple[Sequence[float], Floats]:
        window = torch.as_tensor(values, dtype=torch.float32)
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            said, _ = pipeline.predict_quantiles([window], prediction_length=horizon, quantile_levels=levels)
        steps = np.asarray(said[0].float().cpu().numpy(), np.float64).reshape(-1, len(levels))
        return levels, steps[horizon - 1]

    return FoundationForecaster(config, predict)
