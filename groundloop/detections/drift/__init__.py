"""Whether what an endpoint sees and answers still resembles what its model was evaluated on."""
