"""Names and values that try to break out of a page."""

from __future__ import annotations

SCRIPT = "</script><script>window.hacked=1</script>"
HOSTILE = {
    "script": SCRIPT,
    "image": "<img src=x onerror=window.hacked=1>",
    "quotes": '" onmouseover="window.hacked=1" x=\'',
    "template": "{{ 7 * 7 }}{% raw %}${7 * 7}",
    "comment": "--><svg onload=window.hacked=1>]]>",
    "right-to-left": "\u202e\u05d0\u05d1\u05d2 abc",
    "emoji": "🛩️👩‍✈️ é",
    "math": "$\\frac{1}{0}$ $x_",
    "control": "a\x00b\x07c\ud800",
    "long": "x" * 10_000,
    "empty": "",
}
