"""Any vision model behind a vLLM or other OpenAI-compatible server."""
