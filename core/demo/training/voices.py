"""Which eSpeak NG voices are trained on, which are kept for evaluation, and how a voice is drawn."""

import random

from core.demo.training.espeak import Voice

#: English accents; repeated names are drawn more often.
ACCENTS = (
    *("en-us",) * 5,
    *("en",) * 4,
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-029",
    "en-us-nyc",
    "en-gb-x-gbcwmd",
)

#: Speaker variants trained on; the empty one is the plain accent.
VARIANTS = (
    *("",) * 6,
    *("m1", "m2", "m3", "m5", "m6", "m7", "m8", "f1", "f2", "f4", "f5"),
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Hugo", "Jacky", "Lee", "Marco", "Mario"),
    *("Michael", "Mike", "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed"),
    *("gustave", "iven", "iven3", "john", "kaukovalta", "klatt2", "klatt4", "marcelo", "max", "michel", "miguel"),
    *("norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis"),
    *("victor", "zac"),
)

#: Speaker variants never trained on, under any accent.
HELD_OUT_VARIANTS = ("m4", "f3", "edward", "linda", "Gene")


def draw_voice(source: random.Random, held_out: bool = False) -> Voice:
    """Draw an accent, a speaker and a manner of speaking."""
    variant = source.choice(HELD_OUT_VARIANTS if held_out else VARIANTS)
    accent = source.choice(ACCENTS)
    return Voice(
        name=f"{accent}+{variant}" if variant else accent,
        rate=source.randint(120, 210),
        pitch=source.randint(20, 80),
        pitch_range=source.randint(20, 80),
        word_gap=source.choice((0, 0, 0, 0, 1, 2)),
    )
