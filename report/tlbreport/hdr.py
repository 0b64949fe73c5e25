# SPDX-License-Identifier: GPL-2.0-only
"""HdrHistogram: its buckets, the V2 encoding of its logs, and its percentile text.

Three significant digits, values from 0 on: up to 2047 every value has a bucket, above that every
power of two is cut into 1024. A histogram is a dict {bucket: count}, so two are added bucket by
bucket. Numbers are calculated and printed as HdrHistogram's Java version does it, to the letter.
"""
from __future__ import annotations

import base64
import math
import struct
import zlib
from decimal import ROUND_HALF_UP, Decimal
from typing import Iterable, Iterator

DIGITS = 3
SUB_BITS = 11  # the fewest with 2^SUB_BITS >= 2 * 10^DIGITS
HALF_BITS = SUB_BITS - 1
# The low byte names the width of a count; 0x10 stands for a LEB128 number.
COOKIE_V2, COOKIE_V2_COMPRESSED = 0x1c849313, 0x1c849314
# Steps of the percentile text in each half of the distance that is left to 100 %.
TICKS = 5

Counts = dict[int, int]


def index(value: int) -> int:
    """Return the bucket of a value.

    >>> [index(v) for v in (0, 2047, 2048, 2049, 2050)]
    [0, 2047, 2048, 2048, 2049]
    """
    shift = max(0, value.bit_length() - SUB_BITS)
    return (shift << HALF_BITS) + (value >> shift)


def lowest(bucket: int) -> int:
    """Return the lowest value of a bucket."""
    shift = max(0, (bucket >> HALF_BITS) - 1)
    return (bucket - (shift << HALF_BITS)) << shift


def highest(bucket: int) -> int:
    """Return the highest value of a bucket, which is how HdrHistogram names it."""
    return lowest(bucket + 1) - 1


def _middle(bucket: int) -> int:
    return lowest(bucket) + ((lowest(bucket + 1) - lowest(bucket)) >> 1)


def counts(values: Iterable[tuple[int, int]]) -> Counts:
    """Return the histogram of (value, how many) pairs."""
    return add((index(value), nr) for value, nr in values)


def add(buckets: Iterable[tuple[int, int]]) -> Counts:
    """Return the histogram of (bucket, count) pairs, in ascending order."""
    result: Counts = {}
    for bucket, nr in buckets:
        result[bucket] = result.get(bucket, 0) + nr
    return dict(sorted(result.items()))


def _leb128(number: int) -> bytes:
    """Encode a number of less than 2^55: ZigZag, then 7 bits a byte, lowest first.

    >>> _leb128(-3).hex(), _leb128(300).hex()
    ('05', 'd804')
    """
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    result = bytearray()
    while rest > 0x7f:
        result.append(0x80 | rest & 0x7f)
        rest >>= 7
    return bytes(result) + bytes([rest])


def encode(histogram: Counts) -> str:
    """Return the compressed V2 form as it stands in a log, in base64."""
    payload, following = b"", 0
    for bucket, nr in histogram.items():
        if bucket != following:
            payload += _leb128(following - bucket)  # a run of empty ones, as a negative number
        payload += _leb128(nr)
        following = bucket + 1
    largest = max(2, highest(max(histogram, default=0)))
    plain = struct.pack(">iiiiqqd", COOKIE_V2, len(payload), 0, DIGITS, 1, largest, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">ii", COOKIE_V2_COMPRESSED, len(packed)) + packed).decode()


def _fixed(number: float, digits: int) -> str:
    """Print as Java does: halves of the shortest decimal text are rounded up."""
    return f"{Decimal(repr(float(number))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def percentiles(histogram: Counts) -> Iterator[tuple[int, float, int]]:
    """Yield (value, level in %, values up to there); steps get finer towards 100, which is last."""
    total, seen, level = sum(histogram.values()), 0, 0.0
    for bucket, nr in histogram.items():
        seen += nr
        while 100.0 * seen / total >= level:
            yield highest(bucket), level, seen
            if seen == total:
                yield highest(bucket), 100.0, seen
                return
            halves = int(math.log(100.0 / (100.0 - level)) / math.log(2)) + 1
            level += 100.0 / (TICKS * 2 ** halves)


def _mean_and_deviation(histogram: Counts) -> tuple[float, float]:
    """Return both as the middles of the buckets give them; added one by one, as Java does."""
    total = sum(histogram.values())
    added, squares = 0.0, 0.0
    for bucket, nr in histogram.items():
        added += float(_middle(bucket)) * nr
    mean = added / max(total, 1)
    for bucket, nr in histogram.items():
        squares += (_middle(bucket) - mean) * (_middle(bucket) - mean) * nr
    return mean, math.sqrt(squares / max(total, 1))


def percentile_text(histogram: Counts) -> str:
    """Return what outputPercentileDistribution() prints, with an output ratio of 1."""
    total = sum(histogram.values())
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for value, level, seen in percentiles(histogram):
        lines.append(f"{_fixed(value, DIGITS):>12} {_fixed(level / 100.0, 12)} {seen:>10}")
        if level != 100.0:
            lines[-1] += f" {_fixed(1 / (1.0 - level / 100.0), 2):>14}"
    largest = highest(max(histogram)) if histogram else 0
    buckets = max(1, largest.bit_length() - SUB_BITS + 1)
    mean, deviation = (_fixed(value, DIGITS) for value in _mean_and_deviation(histogram))
    return "\n".join(lines + [
        f"#[Mean    = {mean:>12}, StdDeviation   = {deviation:>12}]",
        f"#[Max     = {_fixed(largest, DIGITS):>12}, Total count    = {total:>12}]",
        f"#[Buckets = {buckets:>12}, SubBuckets     = {1 << SUB_BITS:>12}]", ""])
