"""Which assets a headline is about, as base currencies (BTC). What is doubtful is not guessed.

A name counts wherever it stands alone (Bitcoin, but not Bitcoiners); of the longest only, so that "Bitcoin Cash" is no
Bitcoin. A name that is also a word (Avalanche, Near) counts with a word of the trade after it. A ticker counts in
capitals, with `$` before it in any case; one that is also a word (ONE, LINK, S) only as $ONE, (ONE), ONE/USDT or with
"price", "token" or "coin" after it. In a title all in capitals, capitals say nothing.
"""

import functools
import re
from collections.abc import Iterable, Mapping

from fks_actors.agents.sentiment import MARKET

_NAMES: Mapping[str, str] = {
    "bitcoin": "BTC", "bitcoin cash": "BCH", "bitcoin sv": "BSV", "bitcoin gold": "BTG", "ethereum": "ETH",
    "ether": "ETH", "ethereum classic": "ETC", "ethereum name service": "ENS", "cardano": "ADA", "solana": "SOL",
    "ripple": "XRP", "xrp": "XRP", "dogecoin": "DOGE", "polkadot": "DOT", "litecoin": "LTC", "chainlink": "LINK",
    "binance coin": "BNB", "bnb chain": "BNB", "monero": "XMR", "shiba inu": "SHIB", "uniswap": "UNI", "tether": "USDT",
    "usd coin": "USDC", "filecoin": "FIL", "algorand": "ALGO", "tezos": "XTZ", "hedera": "HBAR", "aptos": "APT",
    "arbitrum": "ARB", "toncoin": "TON", "decentraland": "MANA", "axie infinity": "AXS", "the sandbox": "SAND",
    "fantom": "FTM", "kusama": "KSM", "zcash": "ZEC", "apecoin": "APE", "internet computer": "ICP", "vechain": "VET",
    "terra luna": "LUNA", "pancakeswap": "CAKE", "sushiswap": "SUSHI", "aave": "AAVE", "elrond": "EGLD",
    "near protocol": "NEAR", "worldcoin": "WLD", "injective": "INJ", "celestia": "TIA", "dogwifhat": "WIF",
    "hyperliquid": "HYPE", "kaspa": "KAS", "thorchain": "RUNE", "loopring": "LRC", "nervos": "CKB", "eos": "EOS",
    "theta network": "THETA", "tron": "TRX", "iota": "IOTA", "starknet": "STRK", "wrapped bitcoin": "WBTC",
}  # fmt: skip
_WORDLIKE_NAMES: Mapping[str, str] = {
    "avalanche": "AVAX", "cosmos": "ATOM", "stellar": "XLM", "polygon": "POL", "near": "NEAR", "optimism": "OP",
    "compound": "COMP", "maker": "MKR", "render": "RENDER", "flow": "FLOW", "harmony": "ONE", "waves": "WAVES",
    "dash": "DASH", "celo": "CELO", "terra": "LUNA", "mantle": "MNT", "stacks": "STX", "graph": "GRT", "sui": "SUI",
    "sei": "SEI", "pepe": "PEPE", "neo": "NEO", "gala": "GALA", "curve": "CRV", "lido": "LDO", "bonk": "BONK",
}  # fmt: skip
_ALIASES: Mapping[str, str] = {"XBT": "BTC", "MATIC": "POL", "XDG": "DOGE"}
_BOTH: Mapping[str, str] = {"POL": "MATIC", "RENDER": "RNDR"}
"""Tickers that were renamed: a headline about one is about the other."""

_ANY_CASE = frozenset({"BTC", "ETH", "XRP", "BNB", "DOGE", "LTC", "XLM", "XMR", "BCH", "SHIB", "TRX", "USDT", "USDC"})
_WORDLIKE = frozenset({
    "A", "AI", "ALICE", "ANKR", "APE", "ARK", "ASK", "ATOM", "AUDIO", "BAND", "BAT", "BEAM", "BLUR", "BOND", "CAKE",
    "CAT", "CHESS", "CITY", "COMP", "COS", "COTI", "DASH", "DATA", "DENT", "DIA", "DOT", "EOS", "EPIC", "FIL", "FIRO",
    "FLOW", "FOR", "FUN", "GAL", "GALA", "GAS", "GLM", "HARD", "HIGH", "HOME", "HOOK", "HOT", "HYPE", "ICE", "ICP",
    "ICX", "ID", "IO", "IP", "JOE", "JOIN", "KEY", "LINK", "LIT", "LOOM", "LUNA", "MAGIC", "MANA", "MASK", "MAV",
    "MOVE", "MOVR", "NEAR", "NEO", "NOT", "OG", "OM", "ONE", "ONG", "OP", "ORDI", "PEOPLE", "PLA", "POL", "POND",
    "PORTAL", "PROM", "PUMP", "QUICK", "RARE", "RAY", "REEF", "REQ", "ROSE", "RUNE", "S", "SAGA", "SAND", "SC", "SCRT",
    "SKY", "SOLVE", "SPELL", "STEEM", "STORJ", "STRAX", "SUN", "SUPER", "SUSHI", "SYN", "T", "TIME", "TON", "TRU",
    "TRUMP", "UMA", "UNI", "USUAL", "W", "WAN", "WAVES", "WIN", "WOO", "ZEN",
})  # fmt: skip
_OF_TRADE = r"(?:blockchain|chain|coin|ecosystem|foundation|labs|mainnet|network|protocol|token|validators?)"
_PRICED = r"(?:'s)?\s(?:price|token|tokens|coin|coins|holders|futures|options|etf|etfs|perpetuals?)\b"
_MARKET = re.compile(
    r"\b(?:altcoins?|crypto(?:currency|currencies|s)?|cryptoassets?|defi|digital assets?|memecoins?|stablecoins?)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"\b({'|'.join(sorted(map(re.escape, _NAMES), key=len, reverse=True))})s?(?![\w])", re.IGNORECASE)
_TRADED = re.compile(rf"\b({'|'.join(map(re.escape, _WORDLIKE_NAMES))})(?:'s)?\s{_OF_TRADE}\b", re.IGNORECASE)
_LOUD = 0.7


class Assets:
    """Finds the assets of interest in a text.

    Args:
        bases: the base currencies that are looked for; what is about others only is about none.
    """

    def __init__(self, bases: Iterable[str]) -> None:
        self.bases = frozenset(bases)
        self._tickers = {base: _ticker(base) for base in sorted(self.bases)}

    def find(self, title: str, told: Iterable[str] = ()) -> frozenset[str]:
        """The assets that a clean title names and those that its source names; MARKET alone for one on the market.

        Args:
            told: what the source names.
        """
        named = _names(title) | {_ALIASES.get(code, code) for code in told}
        named |= {_BOTH[code] for code in named if code in _BOTH}
        loud = _is_loud(title)
        tickers = self._tickers.items()
        found = {base for base, (always, quiet) in tickers if always.search(title) or _hit(title, loud, quiet)}
        about = (found | named) & self.bases
        if about:
            return frozenset(about)
        return frozenset({MARKET}) if not named and _MARKET.search(title) else frozenset()


def name_of(base: str) -> str:
    """What people call an asset: the name that is listed first, or the ticker."""
    return next((name for name, ticker in (*_NAMES.items(), *_WORDLIKE_NAMES.items()) if ticker == base), base)


def _names(title: str) -> set[str]:
    found = {_NAMES[match[1].lower()] for match in _NAMED.finditer(title)}
    return found | {_WORDLIKE_NAMES[match[1].lower()] for match in _TRADED.finditer(title)}


def _hit(title: str, loud: bool, quiet: re.Pattern[str] | None) -> bool:
    return not loud and quiet is not None and quiet.search(title) is not None


def _is_loud(title: str) -> bool:
    letters = [c for c in title if c.isalpha()]
    return len(letters) > 0 and sum(c.isupper() for c in letters) > _LOUD * len(letters)


@functools.lru_cache(maxsize=512)
def _ticker(base: str) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """(what counts always, what counts where capitals say something) of a ticker."""
    spelt = [base, *(alias for alias, meant in _ALIASES.items() if meant == base)]
    name = "|".join(map(re.escape, spelt))
    strict = re.compile(
        rf"(?<![\w$])\$(?i:{name})(?!\w)|[(\[](?:{name})[)\]]|(?<![\w/])(?:{name})/(?:BTC|ETH|EUR|USD[TC]?)\b"
    )
    if base in _ANY_CASE:
        return re.compile(rf"{strict.pattern}|(?<![\w$])(?i:{name})(?!\w)"), None
    if base in _WORDLIKE or len(base) < 2:
        return strict, re.compile(rf"(?<![\w$])(?:{name}){_PRICED}")
    return strict, re.compile(rf"(?<![\w$])(?:{name})(?!\w)")
