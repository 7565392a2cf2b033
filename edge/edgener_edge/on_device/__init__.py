"""Programs that run on the device: launchers, the unpacker, scripts of packages and guests, and probes."""
