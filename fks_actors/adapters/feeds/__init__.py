"""Where bars come from: a recording, an exchange, or a market that is made up and says so. One port: `port.Feed`."""
