"""Words that name a thing in the market, and what a Brief must hold for a model to use them.

A pattern matches lower-case text at word boundaries. An indicator is allowed where one of its stems is a word of the
Brief; events and orders never are, since no Brief holds any; an asset is allowed where it is the symbol's own.
"""

import re
from re import Pattern


def _words(pattern: str) -> Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b")


INDICATORS: tuple[tuple[Pattern[str], frozenset[str]], ...] = tuple(
    (_words(pattern), frozenset(stems.split()))
    for pattern, stems in (
        (r"rsi|relative strength(?: index)?", "rsi"),
        (r"macd|moving average convergence", "macd"),
        (r"histogram", "histogram macd"),
        (r"emas?|exponential(?: moving)? averages?", "ema"),
        (r"smas?|simple moving averages?", "sma average averages"),
        (r"moving averages?|golden cross|death cross", "ema sma average averages cross"),
        (r"bollinger(?: bands?)?", "bollinger band bands"),
        (r"atr|average true range", "atr"),
        (r"vwap|twap", "vwap twap"),
        (r"adx|directional (?:index|movement)", "adx"),
        (r"fibonacci|fib|retracements?", "fibonacci"),
        (r"ichimoku|kumo|tenkan|kijun", "ichimoku"),
        (r"stochastics?|stoch", "stochastic"),
        (r"obv|on[- ]balance volume", "obv"),
        (r"volumes?", "volume"),
        (r"cci|mfi|cmf|williams|parabolic|psar|supertrend|keltner|donchian|aroon|trix|roc", "none"),
        (r"pivots?|pivot points?", "pivot"),
        (r"support (?:levels?|zones?|at|near|around)|resistances?", "support resistance"),
        (r"double (?:top|bottom)|head and shoulders|triangles?|wedges?|flags?|pennants?|cup and handle", "pattern"),
        (r"engulfing|doji|hammer|shooting star|elliott waves?|wyckoff|divergences?", "pattern"),
        (r"funding(?: rates?)?", "funding"),
        (r"open interest", "interest"),
        (r"order ?books?|order flow|bid[- ]ask|spreads?|liquidity", "book spread liquidity"),
        (r"implied volatility|vix|skew|put[ /-]call|options?|futures|perpetuals?|basis trade", "vix"),
        (r"hash ?rate|on[- ]chain|whales?|active addresses|mvrv|nvt|sopr|dominance|market cap|tvl", "onchain"),
        (r"fear (?:and|&) greed|headlines?|news|social media|sentiment", "sentiment news"),
        (r"sharpe|sortino|beta|correlations?|correlated", "correlation"),
        (r"p/e|earnings|dividends?|revenues?|valuations?", "valuation"),
        (r"quantiles?|forecasts?|garch", "forecast quantile"),
    )
)

EVENTS: Pattern[str] = _words(
    r"halvings?|etfs?|fomc|cpi|ppi|gdp|nfp|payrolls?|inflation|rate (?:cuts?|hikes?|decisions?)|interest rates?"
    r"|federal reserve|central banks?|ecb|treasury|tariffs?|elections?|wars?|sanctions?|pandemic|covid|recession"
    r"|hack(?:s|ed|ers?)?|exploits?|lawsuits?|regulat(?:ion|ions|ors?|ory)|bans?|banned|approv(?:al|als|ed)"
    r"|listings?|delist(?:ed|ing|ings)?|airdrops?|hard forks?|forks?|merger|acquisitions?|partnerships?"
    r"|upgrades?|bankrupt(?:cy|cies)?|insolven(?:t|cy)|liquidations?|short squeezes?|squeezes?|announce(?:d|ments?)?"
    r"|tweet(?:s|ed)?|elon|musk|trump|biden|powell|yellen|gensler|saylor|blackrock|grayscale|microstrategy|tether"
    r"|binance|coinbase|kraken|bybit|okx|ftx|bitfinex|mt\.? ?gox|institutional(?: buying| selling| inflows?)?"
    r"|inflows?|outflows?|rumou?rs?|insiders?|cathie wood|opec|nonfarm"
)
FED: Pattern[str] = re.compile(r"\b(?:Fed|FED|SEC|Treasury)\b")

ASSETS: tuple[tuple[Pattern[str], frozenset[str]], ...] = tuple(
    (_words(pattern), frozenset(own.split()))
    for pattern, own in (
        (r"bitcoin|btc|xbt|satoshis?", "btc xbt"),
        (r"ethereum|ether|eth", "eth"),
        (r"solana", "sol"),
        (r"ripple|xrp", "xrp"),
        (r"cardano", "ada"),
        (r"dogecoin|doge|shiba|pepe|memecoins?|meme coins?", "doge shib pepe"),
        (r"bnb|litecoin|ltc|polkadot|avalanche|avax|chainlink|polygon|matic|tron|monero|xmr|uniswap", "none"),
        (r"altcoins?|alts|stablecoins?|usdc|dai", "usdc dai"),
        (r"gold|xau|silver|xag|crude|brent|wti|copper|commodit(?:y|ies)", "xau xag gold"),
        (r"s&p(?: ?500)?|spx|spy|nasdaq|ndx|qqq|dow jones|nikkei|dax|ftse|equit(?:y|ies)|stocks?", "spy qqq spx ndx"),
        (r"dxy|us dollar|dollar index|euro|eur|yen|jpy|pound|gbp|yuan|cny|treasur(?:y|ies)|bonds?", "usd eur jpy gbp"),
        (r"apple|tesla|nvidia|microsoft|amazon|google|meta", "none"),
    )
)  # fmt: skip
PAIR: Pattern[str] = re.compile(
    r"\b[A-Z0-9]{2,10}\s?[/_-]\s?(?:USDT?|USDC|EUR|BTC|ETH|BNB|GBP|JPY)\b|\b[A-Z]{2,6}USDT?\b"
)

LINK: Pattern[str] = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b[a-z0-9-]+\.(?:com|net|org|io|xyz|co|ru|cn|app|dev|finance|info|me|gg|ly)\b"
    r"|(?<!\w)@\w|\b[\w.]+@\w|\b(?:0x[0-9a-f]{6,}|bc1[a-z0-9]{6,})"
)
INSTRUCTION: Pattern[str] = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|any|instructions?|rules?"
    r"|limits?|risk)\b"
    r"|\b(?:system|assistant|user|developer|human|tool)\s*:"
    r"|\byou (?:are now|must|should|will|have to)\b|\bact as\b|\bpretend\b|\bjailbreak|\bnew instructions?\b"
    r"|\b(?:transfer|withdraw(?:al)?|deposit|wire|send|airdrop|refund)\b"
    r"|\b(?:api|private|secret) ?keys?\b|\bpasswords?\b|\bseed phrase|\btokens?\s*[:=]|\bsecrets?\b|\bprompts?\b"
    r"|\b(?:execute|eval|exec|import|rm|curl|wget|sudo|drop table|select \*)\b|<[|/!?a-z]|\[/?inst\]|[{}`\\]|&#"
    r"|%[0-9a-f]{2}"
    r"|\b(?:all[- ]in|max(?:imum)? (?:leverage|size|position)|leverage[ds]?|margin|market order|place an? order)\b"
    r"|\b(?:increase|raise|remove|lift|disable|widen)\b.{0,30}\b(?:limits?|risk|stops?|stop[- ]loss)\b"
)
DATE: Pattern[str] = re.compile(
    r"\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|march)\.? \d|\b\d{1,2}(?:st|nd|rd|th)? (?:of )?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
    r"|\b(?:yesterday|tomorrow|tonight|weekend|overnight)\b"
    r"|\b(?:last|next|this|past) (?:week|month|year|quarter|night)s?\b"
    r"|\bq[1-4]\b|\b(?:19|20)\d\d(?:[-/]\d|\.\d+\.)|\b\d{1,2}(?P<sep>[/.-])\d{1,2}(?P=sep)\d{2,4}\b"
    r"|\b\d{1,2}:\d\d\b|\b(?:in|since|during) (?:19|20)\d\ds?\b(?![.,]?\d)"
)
NUMBER_WORD: Pattern[str] = _words(
    r"eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|trillions?|dozens?"
)
SHOUTED: Pattern[str] = re.compile(
    "BUY|SELL|HOLD|BULL|BEAR|BULLISH|BEARISH|UTC|JSON|OK|VS|AND|OR|NOT|BUT|NO|YES|IF|THE|IS|ARE|AN|AS|AT|BY|FOR|FROM|IN"
    "|IT|OF|ON|SO|TO|UP|DOWN|WITH|ALL|BOTH|STRONG|WEAK|HIGH|LOW"
)
"""Words that may stand in capitals; any other is a name, and must be one of the Brief's."""
TURNING: Pattern[str] = re.compile(
    r"\b(?:not|no|never|none|neither|nor|cannot|without|unless|except|but|although|though|however|instead|rather|actually"
    r"|ignore|disregard|discard|forget|wrong|incorrect|false|mistaken?|error|invalid|correction|corrected|revised|drafts?"
    r"|opposite|reversed?|inver(?:se|t|ted)|negated?|contrary|against|examples?|hypothetical(?:ly)?|templates?|placeholders?"
    r"|sample|format|schema|joke|kidding|fake|pretend|imagine|test|testing|if|would|could|might|maybe|unsure|uncertain"
    r"|sorry|refuse|unable|buy|buying|sell|selling|hold|holding|long|short|bullish|bearish|up|down|higher|lower|rise|fall"
    r"|minus|plus|negative|positive|percent|zero|one|two|three|four|five|six|seven|eight|nine|ten|hundred|half|double)\b"
    r"|n't\b"
)
"""Words around an answer that could turn, doubt or rival it."""
ENGLISH: Pattern[str] = _words(
    "the|is|are|was|were|and|of|with|for|that|this|it|has|have|which|while|both|than|from|by|but|not|may|more|most|less"
    "|below|above|under|over|low|lower|high|higher|weak|strong|fast|slow|rising|falling|rises|falls|fell|rose|turns?"
    "|buy|buys|buying|sell|sells|selling|hold|price|volume|up|down|near|minds?|votes?|only|all|says?|shows?|favou?rs?"
)
"""Words of which an English sentence about a market has one; the guards know names in English alone."""
