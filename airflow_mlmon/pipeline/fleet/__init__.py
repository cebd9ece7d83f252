"""All models together: their specs, their pages, and the morning message about them."""
