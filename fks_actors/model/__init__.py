"""The vocabulary: frozen values that pass between the rooms. Times are int UTC milliseconds, money is Decimal.

They are msgspec Structs: one is made or changed (`msgspec.structs.replace`) in a twentieth of a dataclass's time. mypy
takes `dataclasses.replace` on one for right, and it raises.
"""
