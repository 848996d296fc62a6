"""What functions give, from values to a value; those that need answers or their place in the tree are in `meaning`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import math
import re
from collections.abc import Callable

from questionnaires.expressions.moments import (
    DAY,
    MONTHS,
    WEEKDAYS,
    Moment,
    civil,
    clock,
    days,
    time_of_day,
    written,
    year_text,
)
from questionnaires.expressions.patterns import Failure
from questionnaires.expressions.values import BLANKS, NAN, Inner, codes_of, number_of

MOST_DAYS = 10**8  # as far as the dates of a browser reach
LONGEST_TOKEN = 1_000
WITHOUT_FRACTION = 2**53  # numbers from here on are whole
EARTH = 6_378_100.0  # radius in metres, as in JavaRosa and Enketo
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
ENCODINGS = ("base64", "hex")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
EXPONENT = re.compile(r"[\x00-\x20]*(-?[0-9]+(?:\.[0-9]*)?[eE]-[0-9]{1,4})[\x00-\x20]*\Z")
FORMATS = "YymnbdeHhMS3aW%"


# Numbers


def mapped(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of `math` that gives NaN outside of its domain and Infinity beyond the greatest number."""

    def call(number: float) -> float:
        try:
            return function(number)
        except ValueError:
            return NAN
        except OverflowError:
            return math.inf

    return call


def logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: -math.inf if number == 0 else mapped(function)(number)


def truncated(number: float) -> float:
    """Without its decimals, towards zero."""
    return math.copysign(float(math.trunc(number)), number) if math.isfinite(number) else number


def whole(number: float) -> int:
    """For a place or a count: towards zero; 0 for NaN, as in Java."""
    if number != number:
        return 0
    return int(max(-1e9, min(1e9, number)))


def int_of(value: Inner, offset: int) -> float:
    """int(): also of a text with a negative exponent, which is how Enketo and JavaRosa write small numbers."""
    spelled = EXPONENT.match(value) if isinstance(value, str) else None
    return truncated(number_of(value, offset) if spelled is None else float(spelled[1]))


def round_to(number: float, places: float = 0.0) -> float:
    """Half away from zero above it and towards zero below it, as in XPath: 2.5 to 3, -2.5 to -2.

    Of the shortest decimals that spell the number, so that 1.005 to two places is 1.01.
    """
    digits = whole(places)
    if not math.isfinite(number):
        return number
    if abs(digits) > 30:
        return NAN
    shifted = _shifted(number, digits)
    if not abs(shifted) < WITHOUT_FRACTION:
        return number
    below = math.floor(shifted)
    rounded = float(below + (shifted - below >= 0.5))
    return _shifted(math.copysign(rounded, number) if rounded == 0 else rounded, -digits)


def _shifted(number: float, digits: int) -> float:
    mantissa, _, exponent = repr(number).partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + digits}")


def power(base: float, exponent: float) -> float:
    if exponent != exponent or (abs(base) == 1 and math.isinf(exponent)):
        return NAN
    odd = exponent == int(exponent) and int(exponent) % 2 == 1 if math.isfinite(exponent) else False
    try:
        return math.pow(base, exponent)
    except ValueError:  # zero to a negative power, or a root of a negative number
        return math.copysign(math.inf, base if odd else 1.0) if base == 0 else NAN
    except OverflowError:
        return -math.inf if base < 0 and odd else math.inf


def divided(upper: float, lower: float) -> float:
    if lower != 0:
        return upper / lower
    if upper == 0 or upper != upper:
        return NAN
    return math.copysign(math.inf, upper) * math.copysign(1.0, lower)


def remainder(upper: float, lower: float) -> float:
    if lower == 0 or math.isinf(upper) or upper != upper or lower != lower:
        return NAN
    return math.fmod(upper, lower)


def extreme(numbers: list[float], choose: Callable[[list[float]], float]) -> float:
    """The least or greatest of those that are numbers."""
    known = [number for number in numbers if number == number]
    return choose(known) if known else NAN


NUMBER_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "acos": mapped(math.acos),
    "asin": mapped(math.asin),
    "atan": math.atan,
    "ceiling": lambda number: math.copysign(float(math.ceil(number)), number) if math.isfinite(number) else number,
    "cos": mapped(math.cos),
    "exp": mapped(math.exp),
    "exp10": lambda number: power(10.0, number),
    "floor": lambda number: math.copysign(float(math.floor(number)), number) if math.isfinite(number) else number,
    "log": logarithm(math.log),
    "log10": logarithm(math.log10),
    "sin": mapped(math.sin),
    "sqrt": mapped(math.sqrt),
    "tan": mapped(math.tan),
}


# Texts


def substr(text: str, start: float, end: float | None = None) -> str:
    """From a place, counted from 0 and from the end when negative, to before another."""
    first, last = whole(start), len(text) if end is None else whole(end)
    first, last = (place + len(text) if place < 0 else place for place in (first, last))
    return text[max(first, 0) : max(last, 0)]


def substring(text: str, start: float, length: float | None = None) -> str:
    """As in XPath: counted from 1, both numbers rounded."""
    first = round_to(start)
    end = math.inf if length is None else first + round_to(length)
    low, high = max(first, 1.0), min(end, len(text) + 1.0)
    return text[int(low) - 1 : int(high) - 1] if low < high and end == end else ""


def before(text: str, part: str) -> str:
    return text.partition(part)[0] if part and part in text else ""


def after(text: str, part: str) -> str:
    return text.partition(part)[2] if part else text


def translate(text: str, old: str, new: str) -> str:
    table: dict[int, str] = {}
    for place, character in enumerate(old):
        table.setdefault(ord(character), new[place : place + 1])
    return text.translate(table)


def normalized(text: str) -> str:
    return " ".join(codes_of(text))


def boolean_from_string(text: str) -> bool:
    return text in ("1", "true")


def is_selected(joined: str, code: str) -> bool:
    """Whether a code is among codes joined by spaces. A blank code is selected only in a blank answer."""
    code = code.strip(BLANKS)
    return code in codes_of(joined) if code else not joined.strip(BLANKS)


def selected_at(joined: str, place: float) -> str:
    codes = codes_of(joined)
    return codes[int(place)] if 0 <= place < len(codes) else ""


TEXT_FUNCTIONS: dict[str, Callable[..., Inner]] = {
    "base64-decode": lambda text: decoded(text),
    "boolean-from-string": boolean_from_string,
    "contains": lambda text, part: part in text,
    "count-selected": lambda joined: float(len(codes_of(joined))),
    "ends-with": lambda text, part: text.endswith(part),
    "is-selected": is_selected,
    "normalize-space": normalized,
    "selected": is_selected,
    "starts-with": lambda text, part: text.startswith(part),
    "string": lambda text: text,
    "string-length": lambda text: float(len(text)),
    "substring-after": after,
    "substring-before": before,
    "translate": translate,
}


# Bytes


def in_bytes(text: str) -> bytes:
    """As UTF-8; half a surrogate pair becomes the replacement character, as in a browser."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text).encode()


def algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise Failure(
            "digest() does not know %(name)s", "it knows: %(known)s", name=name[:40], known=", ".join(ALGORITHMS)
        )
    return ALGORITHMS[name]


def encoding(name: str) -> str:
    if name.lower() not in ENCODINGS:
        raise Failure(
            "digest() cannot write %(name)s", "it writes: %(known)s", name=name[:40], known=", ".join(ENCODINGS)
        )
    return name.lower()


def digest(text: str, name: str, form: str = "base64") -> str:
    found = hashlib.new(algorithm(name), in_bytes(text), usedforsecurity=False).digest()
    return found.hex() if encoding(form) == "hex" else base64.b64encode(found).decode()


def decoded(text: str) -> str:
    """From base64 of UTF-8; blank when it is none."""
    if not BASE64.match(text):
        return ""
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except binascii.Error:
        return ""


# Chance: the same for the same seed and place, so that a recomputation changes nothing, and page and server agree


def chance(seed: str, place: int) -> bytes:
    return hashlib.sha256(in_bytes(f"{seed}:{place}")).digest()


def random_number(seed: str, place: int) -> float:
    return (int.from_bytes(chance(seed, place)[:7], "big") >> 3) / 2**53


def uuid(seed: str, place: int) -> str:
    found = bytearray(chance(seed, place)[:16])
    found[6], found[8] = found[6] & 15 | 64, found[8] & 63 | 128
    text = found.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def token(seed: str, place: int, length: float) -> str:
    """A text of capital letters and digits."""
    if not 0 <= length <= LONGEST_TOKEN:
        raise Failure("uuid() has a length out of range", "from 0 to %(most)s are allowed", most=str(LONGEST_TOKEN))
    text, part = "", 0
    while len(text) < int(length):
        text += "".join(SIGNS[byte % 36] for byte in chance(f"{seed}:{part}", place))
        part += 1
    return text[: int(length)]


# Dates


def date_of(value: Inner, offset: int, *, timed: bool) -> Inner:
    """date() and date-time(): blank and NaN stay what they are."""
    if isinstance(value, Moment):
        return value if timed else Moment(value.milliseconds // DAY * DAY, value.offset)
    if isinstance(value, bool):
        raise Failure("true and false are no dates", "write a text such as '2026-11-25', or a number of days")
    if isinstance(value, str):
        moment = written(value, offset)
        if value and moment is None:
            raise Failure("%(text)s is no date", "write it as 2026-11-25 or 2026-11-25T09:30:00", text=repr(value[:40]))
        return value if moment is None else moment
    if value != value:
        return value
    in_range(value)
    if timed:
        return Moment(math.floor(value * DAY + 0.5), offset)
    return Moment(math.trunc(value) * DAY, offset)


def in_range(number: float) -> None:
    if not abs(number) <= MOST_DAYS:
        raise Failure("the date is out of range", "dates reach %(most)s days from 1970", most=str(MOST_DAYS))


def decimal_date_time(value: Inner, offset: int) -> Inner:
    """Days since 1970 on the local clock, so that it agrees with dates as numbers: date() turns it back."""
    moment = value if isinstance(value, float) else date_of(value, offset, timed=True)
    if isinstance(moment, Moment):
        return moment.days
    if isinstance(moment, float) and moment == moment:
        in_range(moment)
    return moment


def decimal_time(value: Inner, offset: int) -> Inner:
    """The part of the local day that has passed."""
    if isinstance(value, bool):
        raise Failure("true and false are no times", "write a text such as '09:30:00'")
    if isinstance(value, float):
        if value == value:
            in_range(value)
        return value - math.floor(value) if value == value else value
    if value == "":
        return value
    moment = written(value, offset) if isinstance(value, str) else value
    if moment is not None:
        return moment.milliseconds % DAY / DAY
    passed = time_of_day(value, offset) if isinstance(value, str) else None
    return NAN if passed is None else passed / DAY


def check_format(form: str) -> None:
    """Refuse what format-date() cannot write."""
    for escape in re.findall(r"%(.?)", form, re.DOTALL):
        if not escape or escape not in FORMATS:
            raise Failure(
                "format-date() cannot write %(escape)s", "it writes: %(known)s",
                escape=f"%{escape}", known=" ".join(f"%{known}" for known in FORMATS),
            )  # fmt: skip


def formatted(value: Inner, form: str, offset: int) -> str:
    """format-date() and format-date-time(); blank for what is no date."""
    check_format(form)
    try:
        moment = date_of(value, offset, timed=True)
    except Failure:
        return ""
    if not isinstance(moment, Moment):
        return ""
    day, rest = divmod(moment.milliseconds, DAY)
    year, month, date = civil(day)
    time = clock(rest)
    padded = year_text(year)
    parts = {
        "Y": padded, "y": padded[-2:], "m": f"{month:02}", "n": str(month), "b": MONTHS[month - 1], "d": f"{date:02}",
        "e": str(date), "H": time[:2], "h": str(int(time[:2])), "M": time[3:5], "S": time[6:8], "3": time[9:],
        "a": WEEKDAYS[(day + 4) % 7], "W": str(_week(day)), "%": "%",
    }  # fmt: skip
    return re.sub("%(.)", lambda match: parts[match[1]], form, flags=re.DOTALL)


def _week(day: int) -> int:
    """The week of the year after ISO 8601."""
    thursday = day - (day + 3) % 7 + 3
    year = civil(thursday)[0]
    return (thursday - days(year, 1, 1)) // 7 + 1


# Places: `latitude longitude altitude accuracy`, several of them parted by ;


def points(texts: list[str]) -> list[tuple[float, float]] | None:
    """Latitude and longitude of every point, or None when one is none."""
    found = []
    for text in texts:
        for point in text.strip(BLANKS).removesuffix(";").split(";"):
            parts = codes_of(point)
            numbers = [number_of(part) for part in parts[:2]]
            if len(numbers) < 2 or not (abs(numbers[0]) <= 90 and abs(numbers[1]) <= 180):
                return None
            found.append((numbers[0], numbers[1]))
    return found


def distance(texts: list[str]) -> float:
    """Metres along points; to the centimetre, which hides the last digits in which machines differ."""
    known = points(texts)
    if known is None:
        return NAN
    total = 0.0
    for (north, east), (south, west) in itertools.pairwise(known):
        a, b, away = math.radians(north), math.radians(south), math.radians(east - west)
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(away)
        total += math.acos(max(-1.0, min(1.0, cosine))) * EARTH
    return round_to(total, 2)


def area(text: str) -> float:
    """Square metres within points, on a sphere."""
    known = points([text])
    if known is None:
        return NAN
    total = 0.0
    if len(known) > 2:
        for (north, east), (south, west) in zip(known, known[1:] + known[:1], strict=True):
            total += math.radians(west - east) * (2 + math.sin(math.radians(north)) + math.sin(math.radians(south)))
    return round_to(abs(total * EARTH * EARTH / 2), 2)


def geofence(point: str, fence: str) -> bool:
    """Whether a point is within a closed shape."""
    where, known = points([point]), points([fence])
    if where is None or known is None:
        raise Failure(
            "%(text)s is no place", "write latitude and longitude, as in '31.2 121.5'",
            text=repr((point if where is None else fence)[:40]),
        )  # fmt: skip
    if len(known) < 2 or known[0] != known[-1]:
        return False
    (north, east), inside = where[0], False
    for (a, b), (c, d) in itertools.pairwise(known):
        if (c > north) != (a > north) and east < (b - d) * (north - c) / (a - c) + d:
            inside = not inside
    return inside
