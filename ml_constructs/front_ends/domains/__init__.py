"""Names for APIs, in one region or several."""
