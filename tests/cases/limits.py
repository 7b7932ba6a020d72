"""What an engine cannot get right, and why: engine -> (table, case) -> the reason.

The tests of these must fail: an entry that has become wrong is found.
"""

LIMITS = {
    "cntk": {
        ("special", "signbit of zeros"): "1 / -0.0 is a large positive number there",
        ("nn", "sparsemax of infinities"): "its relu multiplies, and 0 times infinity is NaN",
    },
}
