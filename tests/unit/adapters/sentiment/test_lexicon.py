"""The lexicon reads what a headline says, and never trips over it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fks_actors.adapters.sentiment.lexicon import BOUND, LexiconModel
from fks_actors.adapters.sentiment.vocabulary import Kind, parse, vocabulary
from tests.unit.adapters.sentiment.contract import HEADLINES, is_bounded, keeps_the_contract

MODEL = LexiconModel()
POSITIVE = (
    "Q3 earnings beat expectations",
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn",
    "Net loss narrowed to $3M",
    "Pretax loss decreased by 20%",
    "Bitcoin hits new all-time high",
    "Ether rallies 12%",
    "Costs fell sharply in the quarter",
    "Company raises full-year guidance",
    "Analysts upgrade Nokia to buy",
    "SEC approves spot bitcoin ETF",
    "EPS of EUR 0.98, up from a loss of EUR 0.02",
    "Operating profit was EUR 9.8 mn compared to EUR 7.1 mn a year earlier",
    "Profit totalled EUR 5 mn, compared to a loss of EUR 2 mn",
    "Unemployment drops to a record low",
    "Exchange recovers stolen funds",
    "$ACME +4% after results",
    "Outflows slow as demand recovers",
)
NEGATIVE = (
    "Quarterly results missed expectations",
    "Operating profit fell to EUR 8.7 mn from EUR 13.1 mn",
    "Net loss widened to $3M",
    "Costs rose in the quarter",
    "DeFi protocol suffers a rug pull",
    "Exchange hacked, $200M stolen",
    "Crypto lender files for bankruptcy",
    "Bitcoin plunges below $20K",
    "Company issues a profit warning",
    "Price target cut to $350 from $400",
    "Operating profit was EUR 7.1 mn compared to EUR 9.8 mn a year earlier",
    "Net sales EUR 7.1 mn versus EUR 1.2 bn",
    "Result: a loss of EUR 2 mn, compared to a profit of EUR 5 mn",
    "Layoffs rise across the industry",
    "Lender halts withdrawals",
    "$ACME -4% after results",
    "The merger will not improve profitability",
)
NEUTRAL = (
    "The annual general meeting will be held on Tuesday",
    "Price analysis 5/25: BTC, ETH, BNB, XRP",
    "The company is headquartered in Helsinki",
    "What is the Near Protocol, and how does it work?",
    "The fine paper mill stands near the stock exchange",
)


def test_lexicon_when_given_any_texts_then_it_keeps_the_contract() -> None:
    keeps_the_contract(MODEL, slack=0.0)


@pytest.mark.parametrize("text", POSITIVE)
def test_lexicon_when_news_is_good_then_positive_is_likeliest(text: str) -> None:
    (score,) = MODEL.score([text])
    assert score.p_positive > max(score.p_neutral, score.p_negative)


@pytest.mark.parametrize("text", NEGATIVE)
def test_lexicon_when_news_is_bad_then_negative_is_likeliest(text: str) -> None:
    (score,) = MODEL.score([text])
    assert score.p_negative > max(score.p_neutral, score.p_positive)


@pytest.mark.parametrize("text", NEUTRAL)
def test_lexicon_when_nothing_is_told_then_neutral_is_likeliest(text: str) -> None:
    (score,) = MODEL.score([text])
    assert score.p_neutral > max(score.p_negative, score.p_positive)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("Profit rose sharply", "Profit rose"),
        ("Profit rose", "Profit rose slightly"),
        ("Profit surged", "Profit rose"),
        ("Profit rose", "Profit did not rise"),
        ("Losses shrank", "Losses grew"),
        ("No loss", "Loss"),
    ],
)
def test_lexicon_when_a_degree_or_a_negation_stands_by_then_it_counts(stronger: str, weaker: str) -> None:
    more, less = MODEL.score([stronger, weaker])
    assert more.value > less.value


@given(st.text(max_size=400))
def test_lexicon_when_given_any_text_then_scores_are_bounded(text: str) -> None:
    (score,) = MODEL.score([text])
    is_bounded(score)


@given(
    st.lists(st.sampled_from([*vocabulary().words, "5", "4.5 %", "-3%", ",", ".", "2,000 mn", "bitcoin"]), max_size=60)
)
def test_lexicon_when_given_any_of_its_words_then_sums_are_bounded(words: list[str]) -> None:
    assert -BOUND <= MODEL.sum_of(" ".join(words)) <= BOUND


def test_lexicon_when_scoring_headlines_then_twenty_thousand_a_second_pass() -> None:
    texts = HEADLINES * 500
    best = min(_cpu_s(texts) for _ in range(3))
    assert len(texts) / best >= 20_000


def _cpu_s(texts: tuple[str, ...]) -> float:
    begin = time.process_time()
    MODEL.score(texts)
    return time.process_time() - begin


def test_vocabulary_when_read_then_it_holds_every_kind_and_a_thousand_terms() -> None:
    words = vocabulary()
    kinds = {entry.kind for entry in words.words.values()} | {
        e.kind for group in words.phrases.values() for _, e in group
    }
    assert kinds == set(Kind)
    assert len(words) > 1_000


def test_vocabulary_when_terms_have_endings_then_their_forms_follow() -> None:
    words = parse("[rise 1.0]\ngain+, raise+, carry+, agree+\n[fall 1.0]\nslip++, loss#, rally#, break+ out").words
    assert {"gains", "gained", "gaining", "raised", "raising", "carries", "carried", "agreeing"} <= words.keys()
    assert {"slips", "slipped", "slipping", "losses", "rallies"} <= words.keys()


@pytest.mark.parametrize(
    ("text", "fault"), [("profit", "before the first"), ("[odd 1]\nx", "no section"), ("[rise]", "no section")]
)
def test_vocabulary_when_the_file_is_malformed_then_it_says_where(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse(text)
