"""Engines and arithmetic, in turns, against torch in float32."""
