"""One command, `sonotype`. Each sub-command reads its flags, calls a use case and renders."""
