"""Judges what was measured of a night by what is usual: significance, effect, and their correction.

Effects are on Cohen's scale, on which 0.2 is small, 0.5 medium and 0.8 large, and do not grow with the rows:
d for means and places, h for shares, w for distributions, and the logarithm of the ratio for counts. Source:
Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988.
"""
