"""Why the other members failed: one plain sentence for each rate, and the curve that shows it.

Plain data in, plain data out; the output words and draws it.

    failures       which settings failed or fell short, and for how many seeds
    plain_words    the sentence of a verdict
    evidence       the curves that show it
"""
