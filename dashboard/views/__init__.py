"""One page each: filters, then queries, then components."""
