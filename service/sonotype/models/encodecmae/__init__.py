"""EnCodecMAE and what PECMAE builds on it: codec, embedding, summary vector and the decoder that makes it heard.

Written from the papers' and checkpoints' facts (see docs/encodecmae.md): EnCodec (Défossez et al. 2022), EnCodecMAE
(Pepino, Riera, Ferrer 2023), PECMAE (Alonso-Jiménez et al. 2024). Names of modules are those of the published state
dicts, so that a checkpoint says by itself where each tensor belongs.
"""
