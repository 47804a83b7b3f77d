"""Where a provider's key is found, and which files are refused."""

from pathlib import Path

import pytest

from fks_actors.actors.model_keys import keys_under
from fks_actors.errors import ConfigError
from fks_actors.llm.config import Place, ProviderConfig

GPT = ProviderConfig(model="m", place=Place.CLOUD, key_env="FKS_TEST_GPT_KEY")


def write(root: Path, text: str, mode: int) -> Path:
    path = root / "keys" / "gpt.key"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_key_when_in_the_environment_then_it_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "sk-file\n", 0o600)
    found = keys_under(tmp_path)("gpt", GPT)
    assert found is not None
    assert found.get_secret_value() == "sk-file"
    monkeypatch.setenv("FKS_TEST_GPT_KEY", "sk-env")
    found = keys_under(tmp_path)("gpt", GPT)
    assert found is not None
    assert found.get_secret_value() == "sk-env"
    assert "sk-env" not in repr(found)


def test_key_when_nowhere_then_none(tmp_path: Path) -> None:
    assert keys_under(tmp_path)("gpt", GPT) is None
    assert keys_under(tmp_path)("gpt", GPT.model_copy(update={"key_env": ""})) is None


@pytest.mark.parametrize(("text", "mode"), [("sk-file", 0o644), ("", 0o600), ("a\nb", 0o600)])
def test_key_when_the_file_is_open_to_others_or_no_key_then_what_to_do_and_never_the_key(
    tmp_path: Path, text: str, mode: int
) -> None:
    write(tmp_path, text, mode)
    with pytest.raises(ConfigError, match=r"llm\.providers\.gpt: .*gpt\.key .*chmod 600") as caught:
        keys_under(tmp_path)("gpt", GPT)
    assert "sk-file" not in str(caught.value)
    assert "fks up" not in str(caught.value)
