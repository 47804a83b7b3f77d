"""A plain Python loop over lists: what the work costs without any framework."""

from measured import CASH, FAST, FEE, SLOW, bars, timed


def main() -> None:
    table = bars()
    opens, closes = table[1].tolist(), table[4].tolist()

    def run() -> tuple[int, float]:
        fast = slow = closes[0]
        quick, lazy = 2.0 / (FAST + 1.0), 2.0 / (SLOW + 1.0)
        cash, held, trips, wish = CASH, 0.0, 0, 0
        for at, (opening, close) in enumerate(zip(opens, closes, strict=True)):
            if wish:
                if wish > 0:
                    held, cash = cash / (opening * (1.0 + FEE)), 0.0
                else:
                    held, cash, trips = 0.0, held * opening * (1.0 - FEE), trips + 1
                wish = 0
            fast += quick * (close - fast)
            slow += lazy * (close - slow)
            if at >= SLOW - 1:
                if fast > slow:
                    wish = 0 if held else 1
                elif held:
                    wish = -1
        return trips, cash + held * closes[-1]

    timed(run, len(closes))


if __name__ == "__main__":
    main()
