"""What may stand under `news`, what is refused, and where a key is found."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from fks_actors.adapters.news.config import NewsConfig, NewsSourceConfig
from fks_actors.adapters.news.keys import read_key
from fks_actors.errors import ConfigError
from fks_actors.settings import Settings, load

YAML = """
news:
  sources:
    panic: {kind: cryptopanic, weight: 0.8, symbols: [BTC, ETH]}
    papers: {kind: newsapi, keywords: [bitcoin], requests_per_day: 50}
    desk: {kind: rss, url: "https://example.com/rss", poll_s: 60}
    record: {kind: file, path: /tmp/news.csv.gz}
  cache_ttl_s: 120
"""


def test_load_when_sources_stand_in_a_file_then_each_has_what_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "fks.yaml"
    file.write_text(YAML, encoding="utf-8")
    news = load(file, {}).settings.news
    assert list(news.sources) == ["panic", "papers", "desk", "record"]
    panic, papers, desk, record = news.sources.values()
    assert panic.address == "https://cryptopanic.com/api/developer/v2/posts/"
    assert (papers.address, papers.day_quota) == ("https://newsapi.org/v2/everything", 50)
    assert (panic.every_s, panic.day_quota, desk.every_s, desk.day_quota, record.every_s) == (900, 100, 60, 0, 300)


def test_settings_when_nothing_is_said_then_there_is_no_source() -> None:
    assert Settings().news.sources == {}


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "rss"},
        {"kind": "file"},
        {"kind": "file", "path": "news.csv"},
        {"kind": "rss", "url": "ftp://example.com/rss"},
        {"kind": "rss", "url": "file:///etc/passwd"},
        {"kind": "rss", "url": "https://user:pass@example.com/rss"},
        {"kind": "rss", "url": "https://example.com/rss", "poll_s": 1},
        {"kind": "cryptopanic", "weight": 1.5},
        {"kind": "cryptopanic", "symbols": ["btc"]},
        {"kind": "cryptopanic", "key_env": "a key, not a name"},
        {"kind": "cryptopanic", "key": "abc"},
        {"kind": "telegram"},
    ],
)
def test_source_when_it_cannot_work_or_is_not_safe_then_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewsSourceConfig.model_validate(given)


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a" * 25, "a__b", "a_", "_a"])
def test_config_when_a_source_has_no_usable_name_then_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name"):
        NewsConfig.model_validate({"sources": {name: {"kind": "file", "path": "/x.csv"}}})


def test_key_when_the_variable_is_set_then_it_counts_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n", encoding="utf-8")
    file.chmod(0o600)
    config = NewsSourceConfig(kind="newsapi", key_file=str(file))
    assert read_key("papers", config, {"FKS_NEWS_PAPERS_KEY": " from-env "}).get_secret_value() == "from-env"
    assert read_key("papers", config, {}).get_secret_value() == "from-file"
    own = NewsSourceConfig(kind="newsapi", key_env="MY_KEY")
    assert read_key("papers", own, {"MY_KEY": "mine"}).get_secret_value() == "mine"
    assert "mine" not in repr(read_key("papers", own, {"MY_KEY": "mine"}))


def test_key_when_others_may_read_the_file_then_refused_without_the_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hunter2", encoding="utf-8")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600") as refused:
        read_key("papers", NewsSourceConfig(kind="newsapi", key_file=str(file)), {})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("key", ["two words", "zwei\nzeilen", "schlüssel"])
def test_key_when_it_could_break_a_header_then_refused_without_the_key(key: str) -> None:
    with pytest.raises(ConfigError, match="plain ASCII") as refused:
        read_key("papers", NewsSourceConfig(kind="newsapi"), {"FKS_NEWS_PAPERS_KEY": key})
    assert key not in str(refused.value)


def test_key_when_there_is_none_then_it_says_where_to_put_it() -> None:
    config = NewsSourceConfig(kind="newsapi", key_file="/nowhere/key")
    with pytest.raises(ConfigError, match=r"set FKS_NEWS_PAPERS_KEY or put it into /nowhere/key \(mode 0600\)"):
        read_key("papers", config, {})
