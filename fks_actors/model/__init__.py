"""The vocabulary: frozen values that pass between the rooms. Times are int UTC milliseconds, money is Decimal."""
