"""What a partition is compared with, and who decided that."""
