"""How good the recommended rate and its range are, measured on sweeps that were trained densely as well."""
