"""The minds: a view in, a ballot out; the debate that makes a verdict of the ballots."""
