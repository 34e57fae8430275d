"""Training data: manifests of labelled audio, makers and readers of data sets."""
