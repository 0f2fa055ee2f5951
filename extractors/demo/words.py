"""What slips say: names, goods, dates, numbers and sums, spelled in the many ways in which people
print them.
"""

from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STEMS = _words("""
    Ash Ban Bar Bell Berg Black Bran Brook Cal Carl Chest Clay Cold Cross Dal Dun East Eber Elm Fair Fal Far Fern Glen Gold Grim Hal
    Hart Hol Horn Kels Kirk Lam Lang Lin Lock Mal Mar Mil Mor Nor Oak Os Pem Quin Ral Red Ros Sal Sel Stan Stein Sut Thorn Tor Ul Vas
    Wal Wil Win Wood York Zel
    """)
_ENDS = _words("""
    ado ard bach beck berg bourne by den dorf er erman feld field ford grove ham haus hill hurst ing ler ley man mann mere ner ow sen
    son stead ston stra ton ville well wick wood worth
    """)
_TRADES = _words("""
    Bakery Books Cars Clinic Cycles Dental Design Electric Energy Farms Foods Freight Garage Glass Hotel Media Motors Optics Paper
    Pharmacy Plumbing Press Print Repair Roofing School Seeds Services Software Steel Stores Studio Supplies Systems Tea Textiles Timber
    Tools Trading Travel Works
    """)
_FORMS = ("Ltd", "Inc", "GmbH", "AG", "Co", "LLC", "plc", "BV", "SA")
_FIRST = _words("""
    Ada Alan Amir Anna Ben Carla Chen Dora Elif Emma Felix Grace Hugo Ines Ivan Jana Kofi Lena Lucas Maria Mehmet Nina Omar Petra Ravi
    Rosa Sam Tara Tom Vera Yuki Zoe
    """)
_GOODS = _words("""
    Adapter Apples Batteries Binder Blanket Boots Bread Bricks Brush Bulb Butter Cable Candles Cement Chair Cheese Clamp Coffee Copies
    Cups Delivery Desk Drill Eggs Envelopes Fence Filter Flour Folder Fuel Gasket Gloves Grease Hammer Handle Helmet Hinge Hose Ink
    Jacket Keys Labels Ladder Lamp Lock Marker Milk Mirror Mortar Mouse Nails Notebook Oil Oranges Paint Paper Parking Pens Pipe Plate
    Postage Pump Rice Rope Ruler Salt Sand Screws Service Shelf Shirt Soap Spring Stamps Staples Sugar Switch Table Tape Tiles Toner
    Towel Tyres Valve Varnish Vase Washer Wax Wire Wool Wrench Zip
    """)
_KINDS = _words("""
    A4 black blue box brass bulk cotton fine fresh green grey heavy large light long mini new oak pack pair plain red round set short
    small steel thick thin white wide
    """)
_STREETS = _words("""
    Ave Court Drive Lane Platz Road Row St Way
    """)
_MONTHS = _words("""
    January February March April May June July August September October November December
    """)
SENTENCE = _words("""
    the of and to in we you your for is that with on as at by from this our are be please have will not was or which has been an they
    all send letter office order goods morning week kindly regards meeting garden report answer again thank yours since reply notice
    house visit weather project window number people under over after before about many other first last still water paper table evening
    """)
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "$", "£", "Fr.", "kr")


def surname(r: Random) -> str:
    """A made-up family or place name: about three thousand of them."""
    return r.choice(_STEMS) + r.choice(_ENDS)


def company(r: Random) -> str:
    """A payee's name, 6 to about 24 characters."""
    shape = r.random()
    if shape < 0.3:
        name = f"{surname(r)} {r.choice(_TRADES)}"
    elif shape < 0.5:
        name = f"{surname(r)} {r.choice(_FORMS)}"
    elif shape < 0.65:
        name = f"{r.choice(_FIRST)} {surname(r)}"
    elif shape < 0.75:
        name = f"{surname(r)} & {r.choice(('Sons', 'Co', surname(r)))}"
    elif shape < 0.85:
        name = f"{r.choice(_STEMS)} {r.choice(_TRADES)} {r.choice(_FORMS)}"
    elif shape < 0.93:
        name = f"{r.choice(_TRADES)} {surname(r)}"
    else:
        name = surname(r)
    return name.upper() if r.random() < 0.08 else name


def person(r: Random) -> str:
    return f"{r.choice(_FIRST)} {surname(r)}"


def goods(r: Random) -> str:
    """What a line item is called, 3 to about 18 characters."""
    shape = r.random()
    if shape < 0.35:
        return r.choice(_GOODS)
    if shape < 0.7:
        return f"{r.choice(_GOODS)} {r.choice(_KINDS)}"
    if shape < 0.9:
        return f"{r.randint(1, 40)} x {r.choice(_GOODS)}"
    return f"{r.choice(_GOODS)} {r.randint(2, 99)}{r.choice(('mm', 'cm', 'kg', 'l', 'm'))}"


def street(r: Random) -> str:
    return f"{r.randint(1, 240)} {surname(r)} {r.choice(_STREETS)}"


def phone(r: Random) -> str:
    return r.choice(
        (
            f"0{r.randint(20, 999)} {r.randint(10000, 999999)}",
            f"{r.randint(200, 999)}-{r.randint(1000, 9999)}",
        )
    )


def sentence(r: Random, n: int) -> str:
    return " ".join(r.choice(SENTENCE) for _ in range(n)).capitalize() + "."


def calendar_day(r: Random) -> tuple[int, int, int]:
    return r.randint(2012, 2031), r.randint(1, 12), r.randint(1, 28)


def spelled_date(r: Random) -> str:
    """A day in one of eleven spellings."""
    y, m, d = calendar_day(r)
    name = _MONTHS[m - 1]
    spellings = (
        f"{y}-{m:02d}-{d:02d}",
        f"{d:02d}/{m:02d}/{y}",
        f"{d:02d}.{m:02d}.{y}",
        f"{d}.{m}.{y}",
        f"{d:02d}-{m:02d}-{y}",
        f"{d:02d}.{m:02d}.{y % 100:02d}",
        f"{d} {name[:3]} {y}",
        f"{d:02d} {name} {y}",
        f"{name[:3]} {d}, {y}",
        f"{name} {d}, {y}",
        f"{d}-{name[:3]}-{y}",
    )
    return r.choice(spellings)


def spelled_number(r: Random) -> str:
    """A slip's own number: digits, often with letters before them."""
    digits = "".join(r.choice("0123456789") for _ in range(r.randint(3, 7)))
    letters = "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(r.randint(1, 2)))
    year = r.randint(2012, 2031)
    return r.choice(
        (
            digits,
            digits,
            f"INV-{digits}",
            f"{letters}{digits}",
            f"{letters}-{digits}",
            f"{year}/{digits[:4]}",
            f"{digits[:3]}-{digits[3:] or '0'}",
        )
    )


def cents(r: Random) -> int:
    """A sum in cents, small ones as often as large ones."""
    return r.choice(
        (
            r.randint(50, 999),
            r.randint(1000, 9999),
            r.randint(10000, 99999),
            r.randint(100000, 999999),
        )
    )


def money_style(r: Random) -> str:
    """How a whole slip prints its sums: decimal sign and thousands sign."""
    return r.choice((".", ".", ".,", ",", ",.", ".'"))


def spelled_money(value: int, style: str) -> str:
    """``1234.50``, ``1,234.50``, ``1234,50``, ``1.234,50`` or ``1'234.50``."""
    whole, rest = divmod(value, 100)
    grouped = f"{whole:,}".replace(",", style[1:]) if len(style) > 1 else str(whole)
    return f"{grouped}{style[0]}{rest:02d}"
