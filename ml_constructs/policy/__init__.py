"""Policy review of synthesised templates; imports no construct."""
