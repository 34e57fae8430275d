"""Models for other programs: ONNX with the front end inside, and the layout that Hugging Face knows."""
