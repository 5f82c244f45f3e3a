"""Ready worlds: data makers, tools, policies and simulated customers. The first is `scenarios.hotel`."""
