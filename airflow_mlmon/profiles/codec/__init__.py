"""Binary format of stored profiles."""
