"""Words: values in, text out. Never decides, reads or writes."""
