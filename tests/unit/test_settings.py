"""Settings: later sources win, each value knows its source, and whatever is wrong ends as one ConfigError."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fks_actors.errors import ConfigError
from fks_actors.settings import Loaded, Settings, default_config, load, without_password

PORT = ("serve", "port")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.yaml"


def read(file: Path, text: str, **environ: str) -> Loaded:
    file.write_text(text, encoding="utf-8")
    return load(file, environ)


def refused(file: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(file, text, **environ)
    return str(caught.value)


def outcome(file: Path | None, environ: dict[str, str]) -> tuple[Loaded | None, str]:
    try:
        return load(file, environ), ""
    except ConfigError as error:
        return None, str(error)


def source(loaded: Loaded, key: str) -> tuple[str, str]:
    return next((value, where) for name, value, where in loaded.rows() if name == key)


def test_load_when_no_file_is_named_then_the_packaged_one_is_read() -> None:
    loaded = load(environ={})
    assert default_config().name == "paper.yaml"
    value, where = source(loaded, "desk.cash")
    assert (value, where.rpartition(":")[0]) == ("10000", str(default_config()))


@pytest.mark.parametrize(
    ("text", "environ", "flags", "expected"),
    [
        ("", {}, {}, ("8000", "default")),
        ("serve:\n  port: 1\n", {}, {}, ("1", "{file}:2")),
        ("serve: {port: 1}\n", {"FKS_SERVE__PORT": "2"}, {}, ("2", "FKS_SERVE__PORT")),
        ("serve: {port: 1}\n", {"FKS_SERVE__PORT": "2"}, {PORT: 3}, ("3", "--port")),
        ("serve: {port: 1}\n", {}, {PORT: None}, ("1", "{file}:1")),
    ],
)
def test_load_when_sources_differ_then_the_later_wins_and_is_named(
    file: Path, text: str, environ: dict[str, str], flags: dict[tuple[str, ...], object], expected: tuple[str, str]
) -> None:
    file.write_text(text, encoding="utf-8")
    value, where = source(load(file, environ, flags), "serve.port")
    assert (value, where) == (expected[0], expected[1].format(file=file))


def test_load_when_a_section_is_left_empty_then_its_defaults_hold(file: Path) -> None:
    assert read(file, "risk:\n  # per_trade_pct: 5\nmarket:\n  short:\n").settings == Settings()


def test_load_when_a_list_stands_in_a_variable_then_commas_part_it(file: Path) -> None:
    for text in ("BTC/USDT, ethusdt", "[BTC/USDT, ETH-USDT]"):
        assert read(file, "", FKS_FEED__SYMBOLS=text).settings.feed.symbols == ("BTC/USDT", "ETH/USDT")


def test_load_when_other_variables_stand_there_then_they_are_left_alone(file: Path) -> None:
    assert read(file, "", FKS_HOME="/x", FKS_API_TOKEN="t", PATH="/bin", RAY__X="1").settings == Settings()


def test_load_when_a_variable_replaces_a_mapping_then_nothing_of_the_file_is_left(file: Path) -> None:
    text = "paper:\n  markets:\n    BTC/USDT: {tick: 1}\n    ETH/USDT: {tick: 2}\n"
    loaded = read(file, text, FKS_PAPER__MARKETS="{BTC/USDT: {tick: 3}}")
    assert [*loaded.settings.paper.markets] == ["BTC/USDT"]
    assert source(loaded, "paper.markets.BTC/USDT.tick") == ("3", "FKS_PAPER__MARKETS")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk:\n  per_trad_pct: 5\n", "{file}:2: risk.per_trad_pct: unknown key; did you mean risk.per_trade_pct?"),
        ("riks:\n  per_trade_pct: 5\n", "{file}:1: riks: unknown key; did you mean risk?"),
        ("port: 5\n", "{file}:1: port: unknown key; did you mean serve.port?"),
        ("zzz: 5\n", "{file}:1: zzz: unknown key; `fks config` prints every key"),
        ("serve: {port: 99999}\n", "{file}:1: serve.port: must be less than or equal to 65535, not 99999"),
        ("serve: {port: abc}\n", "{file}:1: serve.port: must be a valid integer, not 'abc'"),
        ("serve: {port: yes}\n", "{file}:1: serve.port: must not be true or false (as yes, no, on and off read)"),
        ("serve: {host: 'a..b'}\n", "{file}:1: serve.host: 'a..b' is no IP address and no host name"),
        ("serve: 5\n", "{file}:1: serve is a section; write its keys below it, as key: value"),
        ("market:\n  short: 5\n", "{file}:2: market.short is a section; write its keys below it, as key: value"),
        ("feed: {speed: fast}\n", "{file}:1: feed.speed: must be a valid number or must be 'max', not 'fast'"),
        ("feed: {symbols: BTC}\n", "{file}:1: feed.symbols: must be a list, not 'BTC'"),
        ("feed: {symbols: [BTC]}\n", "{file}:1: feed.symbols: 'BTC' is no symbol; write BASE/QUOTE, such as BTC/USDT"),
        ("desk: {cash: .nan}\n", "{file}:1: desk.cash: must be a finite number, not nan"),
        ("desk: {cash: 1e999999}\n", "{file}:1: desk.cash: must be less than or equal to 1000000000000000, not "),
        (
            "risk:\n  orders_per_minute: 3\n  drawdown_halt_pct: 5\n",
            "{file}:3: risk: drawdown_halt_pct must be greater than drawdown_reducing_pct",
        ),
        (
            "agents:\n  minds: [mid_term]\n  asmbtr: {protect: yes}\n",
            "{file}:3: agents: asmbtr.protect needs asmbtr among the minds",
        ),
        ("redis: {url: 'redis://localhost'}\n", "{file}:1: redis.url: a Redis URL reads redis://host:port/0 or rediss"),
        (
            "redis: {url: 'redis://:pw@localhost:6379/0'}\n",
            "{file}:1: redis.url: a password does not stand in a file; set FKS_REDIS__URL instead",
        ),
        (
            "webhook: {trusted_proxies: [any]}\n",
            "{file}:1: webhook.trusted_proxies: whoever may be a proxy may forge any",
        ),
        ("webhook: {require: [client_cert]}\n", "{file}:1: webhook: client_cert in require needs"),
        ("journal: {url: 'sqlite:///here.db'}\n", "{file}:1: journal.url: a journal URL reads postgresql://"),
        ("paper: {markets: {BTCUSDT: {tick: 1}}}\n", "paper.markets: 'BTCUSDT' is no symbol; write BTC/USDT"),
    ],
)
def test_load_when_a_value_is_wrong_then_line_key_and_rule_are_named(file: Path, text: str, said: str) -> None:
    assert said.format(file=file) in refused(file, text)


def test_load_when_several_values_are_wrong_then_each_has_a_line(file: Path) -> None:
    said = refused(file, "serve:\n  port: 0\nrisk:\n  x: 1\n", FKS_RISK__PER_TRADE_PCT="abc").splitlines()
    assert said == [
        "FKS_RISK__PER_TRADE_PCT: risk.per_trade_pct: must be a valid decimal, not 'abc'",
        f"{file}:4: risk.x: unknown key; `fks config` prints every key",
        f"{file}:2: serve.port: must be greater than or equal to 1, not 0",
    ]


def test_load_when_a_variable_is_misspelt_then_it_is_named(file: Path) -> None:
    assert (
        refused(file, "", FKS_SERVE__PROT="1") == "FKS_SERVE__PROT: serve.prot: unknown key; did you mean serve.port?"
    )


def test_load_when_a_flag_is_wrong_then_it_is_called_as_it_was_typed() -> None:
    with pytest.raises(ConfigError, match=r"^--feed: feed.spec: feed 'nonsense' is unknown; write replay:"):
        load(environ={}, flags={("feed", "spec"): "nonsense"})


@pytest.mark.parametrize("environ", [{}, {"FKS_WEBHOOK__SECRET": "hunter2"}])
def test_load_when_a_secret_stands_in_it_then_it_is_refused_and_not_repeated(
    file: Path, environ: dict[str, str]
) -> None:
    said = refused(file, "" if environ else "webhook:\n  secret: hunter2\n", **environ)
    assert "webhook.secret: a secret does not stand in the configuration; set FKS_WEBHOOK_SECRET" in said
    assert "hunter2" not in said


def test_load_when_the_journals_password_stands_in_a_file_then_it_is_refused_but_not_in_a_variable(file: Path) -> None:
    url = "postgresql://fks:hun@ter2@db/fks"
    said = refused(file, f"journal:\n  url: {url}\n")
    assert said == f"{file}:2: journal.url: a password does not stand in a file; set FKS_JOURNAL__URL instead"
    loaded = read(file, "", FKS_JOURNAL__URL=url)
    assert loaded.settings.journal.url == url
    assert source(loaded, "journal.url") == ("postgresql://fks:***@db/fks", "FKS_JOURNAL__URL")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:p/w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=pw&x=1", "postgresql://h/d?user=u&password=***&x=1"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_without_password_when_there_is_one_then_it_is_masked(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_rows_when_everything_is_default_then_every_value_is_told_and_no_secret_has_a_place(file: Path) -> None:
    rows = read(file, "").rows()
    assert {where for _, _, where in rows} == {"default"}
    keys = [key for key, _, _ in rows]
    assert len(keys) == len(set(keys)) > 60
    assert not [key for key in keys if "secret" in key or "token" in key]


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(max_size=8),
    st.sampled_from(["2024-13-45", "!!int x", "*a", "&a b", "1_0", "0x", "190:20", ".inf", "~", "<<", "=", "max"]),
).map(str)  # fmt: skip
_KEYS = st.sampled_from([name for name, _, _ in Loaded(Settings(), {}).rows()])


def _as_yaml(pairs: list[tuple[str, str]]) -> str:
    """Each pair as nested flow mappings on a line of its own."""
    return "\n".join(": {".join(key.split(".")) + f": {value}" + "}" * key.count(".") for key, value in pairs)


@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.lists(st.tuples(_KEYS, _SCALARS), max_size=4).map(_as_yaml),
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_when_given_any_file_then_settings_or_a_config_error(file: Path, content: str | bytes) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    loaded, said = outcome(file, {})
    assert loaded.rows() if loaded else str(file) in said


@given(st.dictionaries(_KEYS, st.one_of(_SCALARS, st.text(max_size=20)), max_size=3))
@settings(max_examples=200, deadline=None)
def test_load_when_given_any_variables_then_settings_or_a_config_error(values: dict[str, str]) -> None:
    environ = {"FKS_" + key.upper().replace(".", "__"): text for key, text in values.items()}
    loaded, said = outcome(None, environ)
    assert loaded or any(name in said for name in environ)


@given(st.integers(1, 65_535), st.integers(1, 65_535), st.integers(1, 65_535), st.tuples(*[st.booleans()] * 3))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_when_any_sources_are_given_then_the_last_of_them_holds(
    file: Path, low: int, middle: int, high: int, given_by: tuple[bool, bool, bool]
) -> None:
    by_file, by_environ, by_flag = given_by
    file.write_text(f"serve: {{port: {low}}}" if by_file else "", encoding="utf-8")
    environ = {"FKS_SERVE__PORT": str(middle)} if by_environ else {}
    loaded = load(file, environ, {PORT: high if by_flag else None})
    expected = [8000, *([low] * by_file), *([middle] * by_environ), *([high] * by_flag)][-1]
    assert loaded.settings.serve.port == expected
    assert Decimal(source(loaded, "serve.port")[0]) == expected
