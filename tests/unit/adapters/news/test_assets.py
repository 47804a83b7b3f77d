"""Which assets a headline is about: what is doubtful is not guessed."""

import pytest

from fks_actors.adapters.news.assets import Assets, name_of
from fks_actors.agents.sentiment import MARKET

BASES = ("BTC", "ETH", "SOL", "ADA", "LINK", "NEAR", "AVAX", "ONE", "BCH", "XRP", "DOGE", "S", "POL", "PEPE2")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Bitcoin's worst week", {"BTC"}),
        ("Why bitcoins are lost", {"BTC"}),
        ("Bitcoiners gather in Miami", set()),
        ("Bitcoin Cash forks again", {"BCH"}),
        ("Bitcoin and Bitcoin Cash part ways", {"BTC", "BCH"}),
        ("Ethereum Classic soars", set()),
        ("Ether slips, btc follows", {"ETH", "BTC"}),
        ("$sol to the moon", {"SOL"}),
        ("SOL jumps 8%", {"SOL"}),
        ("Sol is the sun in Spanish", set()),
        ("ADA WEAKNESS CONTINUES IN A LOUD TITLE", set()),
        ("LOUD TITLE ABOUT $ADA", {"ADA"}),
        ("Avalanche kills two in the Alps", set()),
        ("Avalanche Foundation funds builders", {"AVAX"}),
        ("Dogs go near a link in one park", set()),
        ("A LINK to the past", set()),
        ("Chainlink (LINK) rallies", {"LINK"}),
        ("LINK price doubles", {"LINK"}),
        ("NEAR/USDT breaks out", {"NEAR"}),
        ("Near Protocol raises $150M", {"NEAR"}),
        ("NO ONE knows", set()),
        ("ONE token halts", {"ONE"}),
        ("S is a letter, $S is a coin", {"S"}),
        ("Polygon zkEVM", set()),
        ("Polygon network upgrade", {"POL"}),
        ("Ripple wins in court", {"XRP"}),
        ("SOLUTION for SHIBBOLETH", set()),
        ("PEPE2 lists", {"PEPE2"}),
        ("US$ETH", set()),
    ],
)
def test_find_when_a_title_is_read_then_only_what_it_surely_names(title: str, expected: set[str]) -> None:
    assert Assets(BASES).find(title) == expected


def test_find_when_the_source_names_coins_then_they_count_if_they_are_of_interest() -> None:
    assert Assets(BASES).find("Facebook hires", ("BTC", "MATIC", "ZZZ")) == {"BTC", "POL"}


@pytest.mark.parametrize("title", ["Crypto markets tumble", "Stablecoins under scrutiny", "Altcoin season"])
def test_find_when_no_coin_is_named_then_it_is_on_the_market(title: str) -> None:
    assert Assets(BASES).find(title) == {MARKET}


def test_find_when_a_coin_of_no_interest_is_named_then_it_is_not_on_the_market() -> None:
    assert Assets(("BTC",)).find("Crypto: Cardano upgrades") == frozenset()


def test_name_when_an_asset_is_known_then_its_first_name_else_its_ticker() -> None:
    assert [name_of(base) for base in ("BTC", "ETH", "AVAX", "ZZZ")] == ["bitcoin", "ethereum", "avalanche", "ZZZ"]
