"""Models that score a text: a lexicon, a small head over sentence embeddings, FinBERT."""
