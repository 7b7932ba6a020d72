"""All tables, by the ops file that they test."""

from cases import array, control, conv, elementwise, linalg, nn, optimize, random, reduce

TABLES = {
    "elementwise": elementwise.CASES,
    "reduce": reduce.CASES,
    "array": array.CASES,
    "linalg": linalg.CASES,
    "conv": conv.CASES,
    "nn": nn.CASES,
    "random": random.CASES,
    "control": control.CASES,
    "optimize": optimize.CASES,
}
