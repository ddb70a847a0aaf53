"""Review queues of this pipeline's models and labels: what they are made from, and where their labels go."""
