"""A package of 400 modules as a grown project has them: about 90 lines and 2.5 kB each.

The first one is imported by all the others, every other imports up to three that came before
it, and `app.py` imports all. The late leaf is imported by `app.py` alone. No randomness: the
same text on every machine.
"""

MODULES = 400
FIRST = 0
LEAF = MODULES - 3


def modules() -> dict[str, str]:
    """Path → text, each module in version 1."""
    return {
        "shop/__init__.py": "",
        **{f"shop/part_{number:03}.py": module_text(number, 1) for number in range(MODULES)},
    }


def app_of_many(shown: int) -> str:
    """The entry module, which answers with the version of the module `shown`."""
    imports = "\n".join(f"from shop import part_{number:03}" for number in range(MODULES))
    return f"{imports}\n\n{APP}".replace("SHOWN", f"part_{shown:03}")


def module_text(number: int, version: int) -> str:
    imports = "\n".join(
        f"from shop.part_{other:03} import describe as describe_{other:03}"
        for other in imported_by(number)
    )
    describes = "\n".join(
        f'    lines.append(describe_{other:03}({number}) if depth else "{other}")'
        for other in imported_by(number)
    )
    return MODULE.format(
        number=f"{number:03}",
        imports=imports,
        describes=describes or "    lines.append(str(depth))",
        version=version,
        first=number % 7 + 1,
        second=number % 11 + 2,
    )


def imported_by(number: int) -> list[int]:
    """The modules that `number` imports, all before it. Nothing imports the leaf."""
    others = {FIRST, number // 2, number // 3, number - 1} - {number, LEAF}
    return sorted(other for other in others if other >= 0)


APP = """\

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [SHOWN.version().encode()]
"""

MODULE = '''\
"""Part {number} of the shop: orders, their lines and what they cost."""

import json
import logging
from collections import OrderedDict

{imports}

log = logging.getLogger(__name__)

VERSION = "{version:06d}"
RATE_PERCENT = {first}
LIMIT = {second} * 100
NAMES = ("open", "paid", "packed", "sent", "returned")


class Refused(Exception):
    """An order that part {number} does not take."""


class Line:
    def __init__(self, article, price_cents, count=1):
        self.article = article
        self.price_cents = price_cents
        self.count = count

    @property
    def total_cents(self):
        return self.price_cents * self.count


class Order:
    def __init__(self, number, lines=(), state=NAMES[0]):
        self.number = number
        self.lines = list(lines)
        self.state = state

    def add(self, article, price_cents, count=1):
        if count <= 0 or price_cents > LIMIT * 1000:
            raise Refused(f"{{article}}: {{count}} of {{price_cents}}")
        self.lines.append(Line(article, price_cents, count))

    def total_cents(self):
        return sum(line.total_cents for line in self.lines)

    def with_tax_cents(self):
        return self.total_cents() * (100 + RATE_PERCENT) // 100

    def advance(self):
        at = NAMES.index(self.state)
        if at + 1 < len(NAMES):
            self.state = NAMES[at + 1]
        log.debug("order %s is %s", self.number, self.state)


def version():
    return VERSION


def describe(depth=0):
    lines = ["part {number}"]
{describes}
    return ", ".join(lines)


def summary(orders):
    """Number of orders and their worth for each state."""
    found = OrderedDict((name, [0, 0]) for name in NAMES)
    for order in orders:
        entry = found[order.state]
        entry[0] += 1
        entry[1] += order.with_tax_cents()
    return found


def as_json(orders):
    rows = [
        {{"number": order.number, "state": order.state, "cents": order.with_tax_cents()}}
        for order in sorted(orders, key=lambda order: order.number)
    ]
    return json.dumps({{"part": "{number}", "orders": rows}}, indent=1)
'''
