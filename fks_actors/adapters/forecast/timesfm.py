"""TimesFM 2.5 (Das et al. 2024) from a local `model.safetensors`, by Google's `timesfm` package. Extra `timesfm`.

Its ten outputs are the mean and the quantiles at 0.1 to 0.9.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fks_actors.adapters.forecast.config import ForecastModelConfig
from fks_actors.adapters.forecast.foundation import WINDOW_BARS, FoundationForecaster, device, package, weights
from fks_actors.errors import ConfigError, ModelUnavailable

Floats = npt.NDArray[np.float64]

_HOW = "pip install 'fks-actors[timesfm]'"
_MOST_AHEAD = 1_024


def open_model(config: ForecastModelConfig) -> FoundationForecaster:
    """Load the weights into TimesFM 2.5.

    Raises:
        ConfigError: `timesfm` or torch is missing, or the path holds no TimesFM 2.5 weights.
    """
    torch, timesfm = package("torch", _HOW), package("timesfm", _HOW)
    if not hasattr(timesfm, "TimesFM_2p5_200M_torch"):
        raise ConfigError(f"forecast.kind timesfm: this timesfm package has no TimesFM 2.5 for torch: {_HOW}")
    file = weights(config, "model.safetensors")
    model = timesfm.TimesFM_2p5_200M_torch(torch_compile=False)
    model.model.device, model.model.device_count = torch.device(device(config, torch)), 1
    try:
        model.load_checkpoint(str(file))
    except Exception as error:
        raise ConfigError(f"forecast.path: {file} holds no TimesFM 2.5 weights: {str(error)[:300]}") from error
    levels = tuple(model.model.config.quantiles)
    compiled = timesfm.ForecastConfig(
        max_context=config.window_bars or WINDOW_BARS,
        max_horizon=_MOST_AHEAD,
        normalize_inputs=True,
        use_continuous_quantile_head=True,
        force_flip_invariance=True,
        infer_is_positive=False,
        fix_quantile_crossing=True,
    )
    model.compile(compiled)

    def predict(values: Floats, horizon: int) -> tuple[Sequence[float], Floats]:
        if horizon > _MOST_AHEAD:
            raise ModelUnavailable("timesfm", f"it looks {_MOST_AHEAD} bars ahead at most, not {horizon}")
        _, said = model.forecast(horizon=horizon, inputs=[np.asarray(values, np.float32)])
        return levels, np.asarray(said[0, horizon - 1, 1:], np.float64)

    return FoundationForecaster(config, predict)
