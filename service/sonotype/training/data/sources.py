"""Where the sounds come from: every source with its licence, its attribution and what it may be used for.

A source is used either for training and validation or for testing, never for both, so that the test measures how well
a model knows an instrument rather than a collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from sonotype.training.data.voices import Role


@dataclass(frozen=True, slots=True)
class Source:
    """One collection of sounds.

    Attributes:
        name: short name, as in the manifest.
        title: what it is called.
        role: `train` (training and validation) or `test`.
        licence: SPDX expression, or the licence's own name where SPDX has none.
        attribution: whom to name.
        home: where it is published.
        remark: what else to know about its terms or its origin.
    """

    name: str
    title: str
    role: Role
    licence: str
    attribution: str
    home: str
    remark: str = ""


SOURCES: tuple[Source, ...] = (
    Source(
        "fluidr3",
        "FluidR3 GM soundfont",
        "train",
        "MIT",
        "Frank Wen; Debian package by Toby Smithe",
        "https://packages.debian.org/bookworm/fluid-soundfont-gm",
        "Partly made of samples in the public domain.",
    ),
    Source(
        "tonejs",
        "tonejs-instruments",
        "train",
        "CC-BY-3.0",
        "Nicholaus P. Brosowsky (tonejs-instruments), from recordings of VSCO 2 CE, Karoryfer and others",
        "https://github.com/nbrosowsky/tonejs-instruments",
        "The npm packages themselves are MIT.",
    ),
    Source(
        "freepats",
        "Freepats GUS patches",
        "train",
        "GPL-2.0-or-later WITH freepats-composition-exception",
        "The Freepats project",
        "https://freepats.zenvoid.org",
        "The exception leaves music that is made with the patches free of the GPL.",
    ),
    Source(
        "muldjord",
        "Muldjord songs for Frets on Fire, guitar stems",
        "train",
        "CC-BY-SA-3.0",
        "El Senator, Muldjord (www.muldjord.com)",
        "https://packages.debian.org/bookworm/fretsonfire-songs-muldjord",
        "Real performances. Excerpts are adaptations: share them alike and keep the readme.txt of the package.",
    ),
    Source(
        "generaluser",
        "GeneralUser GS 1.471 soundfont",
        "test",
        "LicenseRef-GeneralUser-GS-2.0",
        "S. Christian Collins",
        "https://www.schristiancollins.com/generaluser",
        "Free use in music and software; the author is not certain of the origin of every sample.",
    ),
    Source(
        "musyngkite",
        "Musyng Kite soundfont, rendered to notes (midi-js-soundfonts)",
        "test",
        "CC-BY-SA-3.0",
        "Musyng Kite soundfont; rendered by Benjamin Gleitzman; npm package web-music-score-samples by Stefan B.",
        "https://github.com/gleitz/midi-js-soundfonts",
        "The npm package says MIT; the collection that it was taken from says CC-BY-SA-3.0.",
    ),
    Source(
        "salamander",
        "Salamander Grand Piano V3",
        "test",
        "CC-BY-3.0",
        "Alexander Holm",
        "https://archive.org/details/SalamanderGrandPianoV3",
    ),
    Source(
        "pytoneanalyzer",
        "PyToneAnalyzer single notes",
        "test",
        "MIT",
        "Duje Giljanović",
        "https://github.com/gilja/instruments_fourier_analysis",
        "One note of each instrument; who recorded them is not said.",
    ),
    Source(
        "sectoid",
        "Sectoid songs for Frets on Fire, guitar stems",
        "test",
        "MIT",
        "Carlos Viola Iborra",
        "https://packages.debian.org/bookworm/fretsonfire-songs-sectoid",
        "Real performances.",
    ),
)
BY_NAME = {source.name: source for source in SOURCES}
