"""Labelled texts are read as they are, twins stand once, likes stay together; and how well the models do on them."""

import zipfile
from pathlib import Path

import pytest

from fks_actors.adapters.sentiment.examples import Example, ExampleSet, read_csv, read_phrasebank
from fks_actors.adapters.sentiment.fitting import Grade, Recipe, cross_validate, grade, predictions
from fks_actors.adapters.sentiment.lexicon import LexiconModel
from fks_actors.errors import DataFileError
from tests.unit.adapters.sentiment.contract import PHRASEBANK, TWITTER
from tests.unit.adapters.sentiment.encoders import real_minilm

SENTENCES = (
    "Profit rose by 5 % .@positive\r\nLoss \rwidened in \xc5bo .@negative\n"
    "Profit rose by 5 % .@negative\nHello @x@neutral\n"
)
needs_data = pytest.mark.skipif(not PHRASEBANK.is_file(), reason="the shared data is not here; set FKS_TEST_DATA")


def bank(folder: Path, content: str = SENTENCES) -> Path:
    path = folder / "bank.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("FinancialPhraseBank-v1.0/Sentences_50Agree.txt", content.encode("latin-1"))
    return path


def test_read_phrasebank_when_lines_are_odd_then_texts_and_labels_are_right_and_twins_stand_once(
    tmp_path: Path,
) -> None:
    found = read_phrasebank(bank(tmp_path), "50Agree")
    assert found.examples == (
        Example("Profit rose by 5 % .", 2),
        Example("Loss widened in \xc5bo .", 0),
        Example("Hello @x", 1),
    )


def test_read_phrasebank_when_something_is_wrong_then_it_names_the_file_and_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no FinancialPhraseBank"):
        read_phrasebank(bank(tmp_path), "AllAgree")
    with pytest.raises(DataFileError, match="line 2: label 'good' is none of"):
        read_phrasebank(bank(tmp_path, "a@neutral\nb@good\n"), "50Agree")
    with pytest.raises(DataFileError, match="no FinancialPhraseBank"):
        read_phrasebank(tmp_path / "nowhere.zip", "50Agree")


def test_read_csv_when_labels_are_words_or_figures_then_they_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text,label\na,0\nb,1\n"c, d",2\ne,negative\n')
    assert [example.label for example in read_csv(path).examples] == [0, 2, 1, 0]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "text,label\nx,3\n", "text,label\nx\n"])
def test_read_csv_when_a_column_or_label_is_wrong_then_it_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(DataFileError):
        read_csv(path)


def test_groups_when_texts_differ_in_figures_only_then_they_are_one(tmp_path: Path) -> None:
    texts = ("Sales rose 5 % to EUR 3 mn", "sales rose 7% to EUR 12.5 mn .", "Sales fell 5 % to EUR 3 mn")
    one, same, other = ExampleSet("x", tuple(Example(text, 1) for text in texts)).groups
    assert one == same != other


def test_grade_when_labels_are_known_then_f1_is_that_of_the_definition() -> None:
    found = grade("m", "a", "b", [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 2, 0])
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.f1 == pytest.approx((2 / 4, 4 / 5, 2 / 3))
    assert found.macro_f1 == pytest.approx((0.5 + 0.8 + 2 / 3) / 3)


def lexicon_on(examples: ExampleSet) -> Grade:
    return grade("lexicon", "-", examples.name, examples.labels, predictions(LexiconModel(), examples.texts))


@needs_data
@pytest.mark.parametrize(("agreement", "floor", "reference"), [("AllAgree", 0.87, 0.487), ("50Agree", 0.74, 0.489)])
def test_lexicon_when_graded_on_phrasebank_then_it_leaves_the_general_lexicons_behind(
    agreement: str, floor: float, reference: float
) -> None:
    assert lexicon_on(read_phrasebank(PHRASEBANK, agreement)).macro_f1 >= floor > reference


@needs_data
def test_lexicon_when_graded_on_tweets_that_it_was_not_made_with_then_it_holds() -> None:
    assert lexicon_on(read_csv(TWITTER)).macro_f1 >= 0.65


@needs_data
def test_minilm_when_cross_validated_with_the_encoder_as_it_is_then_it_reaches_the_goal_of_all_agree() -> None:
    pytest.importorskip("onnx", reason="onnx writes the encoder's graph; pip install 'fks-actors[train]'")
    told: list[str] = []
    found = cross_validate(Recipe(real_minilm(), epochs=0), read_phrasebank(PHRASEBANK, "AllAgree"), 2, told.append)
    assert found.macro_f1 >= 0.88
    assert len(told) == 2
