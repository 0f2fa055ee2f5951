"""What is told to those who sent documents: events, and the webhooks that carry them."""
