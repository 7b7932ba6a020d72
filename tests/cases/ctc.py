"""Cases of kerasish.ops.ctc, over all ways in which labels may stand."""

import itertools

import numpy as np
from cases.case import Case, i32, normal

from kerasish import ops


def collapsed(way, blank):
    """The labels that a way through the classes tells."""
    runs = [c for c, _ in itertools.groupby(way)]
    return [c for c in runs if c != blank]


def loss(target, output, lengths, times, blank=0):
    """The sum over every way, one by one."""
    p = np.exp(output - np.log(np.exp(output).sum(-1, keepdims=True)))
    results = []
    for labels, q, n, t in zip(target, p, lengths, times, strict=True):
        ways = itertools.product(range(q.shape[1]), repeat=int(t))
        told = [w for w in ways if collapsed(w, blank) == list(labels[:n])]
        total = sum(np.prod([q[i, c] for i, c in enumerate(w)]) for w in told)
        results.append(-np.log(total) if total else np.inf)
    return np.array(results)


def decoded(x, lengths, merge=True, blank=0):
    labels, scores = np.full((1, *x.shape[:2]), -1, "int32"), np.zeros((len(x), 1))
    for i, (rows, n) in enumerate(zip(x, lengths, strict=True)):
        way = list(rows[:n].argmax(-1))
        found = collapsed(way, blank) if merge else [c for c in way if c != blank]
        labels[0, i, : len(found)] = found
        scores[i] = -rows[:n].max(-1).sum()
    return labels, scores


def likeliest(logits, lengths, blank, count):
    """The labels with the largest sums over all ways that tell them."""
    batch, times, classes = logits.shape
    labels, scores = np.full((count, batch, times), -1, "int32"), np.zeros((batch, count))
    scaled = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    for i, (rows, n) in enumerate(zip(scaled, lengths, strict=True)):
        found = {}
        for way in itertools.product(range(classes), repeat=int(n)):
            told = tuple(collapsed(way, blank))
            found.setdefault(told, []).append(sum(rows[t, c] for t, c in enumerate(way)))
        totals = {told: np.logaddexp.reduce(ways) for told, ways in found.items()}
        for k, told in enumerate(sorted(totals, key=totals.get, reverse=True)[:count]):
            labels[k, i, : len(told)] = told
            scores[i, k] = totals[told]
    return labels, scores.astype(logits.dtype)


TARGET = i32([1, 2, 2], [1, 1, 0], [2, 0, 0], [0, 0, 0])
LENGTHS, TIMES = i32(3, 2, 1, 0), i32(5, 4, 3, 2)

CASES = [
    Case("ctc_loss", ops.ctc_loss, (TARGET, normal(4, 5, 3), LENGTHS, TIMES), loss, batch=()),
    Case(
        "ctc_loss by another blank",
        lambda t, x, n, m: ops.ctc_loss(t, x, n, m, mask_index=2),
        (i32([0, 1], [1, 1]), normal(2, 4, 3), i32(2, 2), i32(4, 3)),
        lambda t, x, n, m: loss(t, x, n, m, 2),
        batch=(0, 1, 2, 3),
    ),
    Case(
        "ctc_loss of what does not fit",
        ops.ctc_loss,
        (i32([1, 1]), normal(1, 2, 3), i32(2), i32(2)),
        loss,
        grad=False,
    ),
    Case(
        "ctc_loss by the last class",
        lambda t, x, n, m: ops.ctc_loss(t, x, n, m, mask_index=-1),
        (i32([0, 1], [1, 1]), normal(2, 4, 3), i32(2, 2), i32(4, 3)),
        lambda t, x, n, m: loss(t, x, n, m, 2),
        batch=(0, 1, 2, 3),
    ),
    Case(
        "ctc_loss of no labels",
        ops.ctc_loss,
        (np.zeros((2, 0), "int32"), normal(2, 3, 2), i32(0, 0), i32(3, 1)),
        loss,
    ),
    Case(
        "ctc_loss in no time",
        ops.ctc_loss,
        (i32([1], [1]), normal(2, 3, 2), i32(0, 1), i32(0, 0)),
        loss,
        grad=False,
    ),
    Case(
        "ctc_loss in 16 bits",
        ops.ctc_loss,
        (TARGET, normal(4, 5, 3).astype("float16"), LENGTHS, TIMES),
        lambda t, x, n, m: loss(t, x.astype("float64"), n, m).astype("float16"),
        grad=False,
        tolerance=1e-3,
        dtype="float16",
    ),
    Case(
        "ctc_decode by the last class",
        lambda x, n: ops.ctc_decode(x, n, mask_index=-1),
        (normal(3, 6, 3), i32(6, 4, 1)),
        lambda x, n: decoded(x, n, True, 2),
        batch=(0, 1),
    ),
    Case("ctc_decode", ops.ctc_decode, (normal(3, 6, 3), i32(6, 4, 1)), decoded, batch=(0, 1)),
    Case(
        "ctc_decode unmerged",
        lambda x, n: ops.ctc_decode(x, n, merge_repeated=False, mask_index=1),
        (normal(3, 6, 3), i32(6, 4, 1)),
        lambda x, n: decoded(x, n, False, 1),
        batch=(0, 1),
    ),
    *(
        Case(
            f"ctc_decode beams, {blank} blank",
            lambda x, n, blank=blank: ops.ctc_decode(
                x, n, "beam_search", beam_width=40, top_paths=3, mask_index=blank
            ),
            (normal(3, 3, 3), i32(3, 2, 3)),
            lambda x, n, blank=blank: likeliest(x, n, blank, 3),
            batch=(0, 1),
            grad=False,
        )
        for blank in (0, 2)
    ),
]
