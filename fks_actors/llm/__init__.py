"""Language models, without a client: what is asked, what an answer must be, who is asked at what cost."""
