# SPDX-License-Identifier: GPL-2.0-only
"""One record: from its text to what the schemas and the model take for one.

A campaign may have ten thousand, so what is good is accepted by code that fastjsonschema makes
from the schema, and values by their words, of which there are few. What that does not accept
jsonschema looks at, which has the last word and the better words for it.
"""
from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Callable, Iterator

import fastjsonschema
import numpy as np
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .model import Boot, Count, Expectation, Histogram, Metric, Repetition

SCHEMA_DIR = Path(__file__).resolve().parents[2] / "results" / "schema"
SCHEMA_VERSION = 1
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
LARGEST = 2.0 ** 64
# Lists of pairs, and of values: checked by _is_plain() instead.
PAIRS = ("buckets", "by_cpu")
WORDS = {"metrics": itemgetter("name", "unit", "better", "status", "reason", "headline"),
         "counters": itemgetter("name", "scope", "status", "reason")}


def clean(text: str) -> str:
    """Drop terminal sequences and characters that do not print; blanks become spaces.

    >>> clean("a\\x1b[31mb\\tc\\x00")
    'ab c'
    """
    if text.isprintable():
        return text
    text = ANSI.sub("", text)
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)


def _scrub(value: Any) -> Any:
    """Apply clean() to every string in a JSON value, keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_scrub(v) for v in value]
    if isinstance(value, dict):
        return {clean(k): _scrub(v) for k, v in value.items()}
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not abs(number) <= LARGEST:
        raise ValueError(f"{text[:20]} is not a number that can be used")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite,
                            object_pairs_hook=_unique)


def parse(text: bytes) -> Any:
    """Parse one JSON text. Raises ValueError for anything but plain, finite, UTF-8 JSON."""
    try:
        data = _DECODER.decode(text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ValueError("a number of thousands of digits is not a number that can be used"
                             ) from None
        raise
    # Control characters come as escapes, or are no JSON.
    return data if text.isascii() and b"\\" not in text and b"\x7f" not in text else _scrub(data)


@lru_cache(maxsize=None)
def _schema(kind: str) -> dict[str, Any]:
    return json.loads((SCHEMA_DIR / f"{kind}.json").read_text())


@lru_cache(maxsize=None)
def _fast(kind: str) -> Callable[[Any], Any]:
    """Return a function that raises unless data fits the schema, but for what _is_plain() does."""
    schema = _older(_schema(kind))
    if kind == "repetition":
        schema["properties"].update({key: {"type": "array"} for key in WORDS})
    return fastjsonschema.compile({**schema, "$schema": _OLDER})


_OLDER = "http://json-schema.org/draft-07/schema"


def _older(schema: Any) -> Any:
    """Translate into the draft that fastjsonschema knows, less what it is slow at."""
    if isinstance(schema, list):
        return [_older(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: {"type": "array"} if key in PAIRS else _older(part)
            for key, part in schema.items()}


@lru_cache(maxsize=None)
def _slow(kind: str) -> Draft202012Validator:
    return Draft202012Validator(_schema(kind))


def check(kind: str, data: Any) -> None:
    """Raise ValueError unless data is a record of this kind and of a version that we read."""
    version = data.get("schema") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema version {version}, this tlbreport reads {SCHEMA_VERSION}")
    try:
        _fast(kind)(data)
        if kind != "repetition" or _is_plain(data):
            return
    except fastjsonschema.JsonSchemaException:
        pass
    error = best_match(_slow(kind).iter_errors(data))
    if error:
        where = "/".join(str(p) for p in error.absolute_path)
        raise ValueError(f"not a {kind} record: {where or 'record'}: {error.message[:120]}")


def _is_plain(record: dict[str, Any]) -> bool:
    """Tell whether values and lists of pairs are as the schema wants; if in doubt, no."""
    if not all(_are_values(key, record.get(key, ())) for key in WORDS):
        return False
    histograms = [h["buckets"] for h in chain(_histograms(record), _traced(record))]
    by_cpu = [c["by_cpu"] for c in record.get("counters", ()) if "by_cpu" in c]
    return all(_are_pairs(p, 0, 1) for p in histograms) and all(_are_pairs(p, 0, 0) for p in by_cpu)


def _are_values(key: str, values: list[Any]) -> bool:
    """Tell whether all are values as the schema wants. Raises ValueError for one too large.

    Of two values that differ in the number alone, one need be shown to the schema.
    """
    words_of, known = WORDS[key], _known[key]
    try:
        for value in values:
            number = value["value"]
            words = words_of(value), type(number), type(value.get("headline"))
            if words not in known:
                if not _value_schema(key).is_valid(value):
                    return False
                known.add(words)
            if number is not None and abs(number) > LARGEST:
                raise ValueError(f"{value['name']}: {number:.3g} is not a number that can be used")
    except (KeyError, TypeError, AttributeError):
        return False
    return True


_known: dict[str, set[Any]] = {key: set() for key in WORDS}


@lru_cache(maxsize=None)
def _value_schema(key: str) -> Draft202012Validator:
    return Draft202012Validator(_schema("repetition")["properties"][key]["items"])


def _are_pairs(pairs: list[Any], least_low: int, least_nr: int) -> bool:
    """Tell whether all are pairs of whole numbers that are not below the least."""
    if not pairs:
        return True
    if set(map(type, pairs)) != {list} or set(map(len, pairs)) != {2}:
        return False
    if set(map(type, chain.from_iterable(pairs))) != {int}:
        return False
    lows, numbers = zip(*pairs)
    return min(lows) >= least_low and min(numbers) >= least_nr


def _histograms(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the histograms of all passes."""
    for half in filter(None, record.get("passes", {}).values()):
        for part in (half, *half.get("roles", {}).values(), *half.get("values", {}).values()):
            if "histogram" in part:
                yield part["histogram"]


def _traced(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shootdown = record.get("shootdown") or {}
    for name in ("responders", "pages", "latency", "first_queue"):
        if shootdown.get(name):
            yield shootdown[name]


def adds_up(record: dict[str, Any]) -> bool:
    """Tell whether buckets ascend to the maximum and hold count ops, overflow in or out."""
    return all(map(_adds_up, _histograms(record)))


def _adds_up(histogram: dict[str, Any]) -> bool:
    lows = [low for low, _ in histogram["buckets"]]
    total = sum(nr for _, nr in histogram["buckets"])
    ascend = lows == sorted(set(lows))
    inside = not lows or lows[0] <= histogram["min"] and lows[-1] <= histogram["max"]
    return (ascend and inside and histogram["min"] <= histogram["max"] and total < 2 ** 63
            and histogram["count"] - total in (0, histogram["overflow"]))


# --- to the model ---


_shared: dict[Any, Any] = {}


def _once(value: Any) -> Any:
    """Return the same object for equal values: ten thousand records say the same words."""
    return _shared.setdefault(value, value)


def boot(record: dict[str, Any], repetitions: list[Repetition],
         ends: list[dict[str, Any]]) -> Boot:
    """Return the model of a slot's records."""
    unset = [f"profile {record['profile']}: {c['name']} stays {c['before']}: {c['reason']}"
             for c in record["changes"] if c["reason"]]
    later = [text for end in ends for text in end["caveats"]]
    return Boot(record["tlbbench"], record["audit"], record["build"], record["audit_sha256"],
                record["profile"], (*record["caveats"], *unset, *later),
                tuple(repetitions))


def repetition(record: dict[str, Any], with_counters: bool) -> Repetition:
    """Return the model of a repetition; its counters, which are many, are only shown."""
    ok = record["state"] == "ok"
    timed = record.get("passes", {}).get("timed") if ok else None
    return Repetition(
        case=_once(record["case"]), workload=_once(record["workload"]),
        number=record["repetition"], state=_once(record["state"]),
        reasons=tuple(record["reasons"]), caveats=_once(tuple(record["caveats"])),
        soundness=_once(record["soundness"]), settings=_settings(record),
        ipis=tuple(map(tuple, (record.get("shootdown") or {}).get("cpu_to_cpu", []))),
        timed=_histogram(timed["histogram"]) if timed else None,
        roles={_once(name): _histogram(part["histogram"])
               for name, part in timed.get("roles", {}).items()} if timed else {},
        elapsed_ns=timed.get("elapsed_ns", 0) if timed else 0,
        metrics={_once(m["name"]): _metric(m) for m in record["metrics"]} if ok else {},
        counters=tuple(map(_counter, record["counters"])) if ok and with_counters else ())


def _settings(record: dict[str, Any]) -> dict[str, str]:
    settings = {**record.get("params", {}), **record.get("harness", {})}
    key = tuple(settings.items())
    return _shared.setdefault(key, {k: str(v) for k, v in key})


def expectation(data: dict[str, Any]) -> Expectation:
    """Return the model of an expectation of the plan."""
    names = {"start": "from", "end": "to"}
    values = (data[names.get(k, k)] for k in Expectation.__dataclass_fields__)
    return Expectation(*(tuple(v) if isinstance(v, list) else v for v in values))


def _histogram(data: dict[str, Any]) -> Histogram:
    pairs = np.array(data["buckets"], dtype=np.int64).reshape(-1, 2)
    return Histogram(_once(data["unit"]), data["count"], data["overflow"], pairs, data["min"],
                     data["max"], data["sum"])


def _metric(data: dict[str, Any]) -> Metric:
    name, unit, better, status, reason, is_headline = _once(WORDS["metrics"](data))
    return Metric(name, unit, better, status, data["value"], reason, is_headline)


def _counter(data: dict[str, Any]) -> Count:
    name, scope, status, reason = _once(WORDS["counters"](data))
    return Count(name, scope, status, data["value"], reason,
                 tuple(map(tuple, data.get("by_cpu", ()))))
