"""Labels: reading and checking Ground Truth manifests, splitting them, and what training requires of them."""
