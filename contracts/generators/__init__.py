"""Documents generated from the contracts: JSON Schema, AsyncAPI, the page of events; and the check of compatibility."""
