"""Models of the Essentia project, read from their published files: frozen TensorFlow graphs and TF.js shards.

A graph is data here. Nothing of it is run: its nodes are held against the layouts that are known, the constants are
taken out, and whatever does not fit is refused. The reading is free of torch and of TensorFlow.
"""
