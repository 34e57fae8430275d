"""How long a sonification takes, against the published chain."""
