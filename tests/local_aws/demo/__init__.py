"""`make demo`: the realtime example deployed to a local cloud, called, scaled, attacked and badly updated, live."""
