"""A YAML file gives plain values with their lines, or one error that names the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.errors import ConfigError
from fks_actors.yaml_source import Given, read_value, read_yaml


def read(folder: Path, text: str) -> list[Given]:
    file = folder / "a.yaml"
    file.write_text(text, encoding="utf-8")
    return list(read_yaml(file))


def test_read_when_sections_nest_then_every_value_has_its_path_and_line(tmp_path: Path) -> None:
    assert read(tmp_path, "# why\na:\n  b: 1\n  c: [x, y]\nd: {}\n") == [
        Given(("a",), None, 2, is_section=True),
        Given(("a", "b"), 1, 3),
        Given(("a", "c"), ["x", "y"], 4),
        Given(("d",), {}, 5),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n"])
def test_read_when_nothing_stands_there_then_nothing_is_given(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "a.yaml:2: a stands twice"),
        ("a:\n  b: 1\n  b: 2\n", "a.yaml:3: a.b stands twice"),
        ("- a\n", "a.yaml:1: the file must hold sections"),
        ("just text\n", "a.yaml:1: the file must hold sections"),
        ("a: 1\nb: [1\n", "a.yaml:3: not valid YAML"),
        ("a: 1\n\tb: 2\n", "a.yaml:2: not valid YAML"),
        ("a: 1\n--- \nb: 2\n", "a.yaml:2: not valid YAML"),
        ("? [a, b]\n: 1\n", "a.yaml:1: a key must be a plain word"),
        ("a: &x {b: *x}\n", "a.yaml:1: not valid YAML: the alias .x is not read"),
        ("a: !!python/object:os.system 1\n", "a.yaml:1: not valid YAML: could not determine a constructor"),
        ("a:\n  b: 2024-13-45\n", "a.yaml:2: a.b: cannot be read .*quote it"),
        ("a: !!bool maybe\n", "a.yaml:1: a: cannot be read"),
        ("[" * 5000, "a.yaml: not valid YAML: nested too deeply"),
        ("a: \x01\n", "a.yaml: not valid YAML: unacceptable character"),
    ],
)
def test_read_when_the_text_is_malformed_then_the_line_is_named_in_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_read_when_the_file_is_no_text_then_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        list(read_yaml(tmp_path / "a.yaml"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        list(read_yaml(tmp_path))
    with pytest.raises(ConfigError, match="no such config file"):
        list(read_yaml(tmp_path / "none.yaml"))


def test_read_value_when_it_is_no_yaml_then_the_text_itself() -> None:
    assert [read_value(t) for t in ("3", "true", "a, b", "[x]", "", "2024-13-45", "[", "*a", "!!bool x")] == [
        3, True, "a, b", ["x"], None, "2024-13-45", "[", "*a", "!!bool x",
    ]  # fmt: skip


@given(st.text(max_size=80))
def test_read_value_when_given_any_text_then_it_never_fails(text: str) -> None:
    read_value(text)
