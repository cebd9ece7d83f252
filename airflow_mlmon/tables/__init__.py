"""Tables: files of any format as Arrow, read strictly."""
