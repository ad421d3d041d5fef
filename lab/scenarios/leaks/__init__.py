"""What lengths, connections and times tell of an encrypted chat, and what padding costs."""
