"""Front ends: samples to log-mel patches, as modules with their constants from the card."""
