"""What endpoints and components offer, owned or imported: names, grants, metrics."""
