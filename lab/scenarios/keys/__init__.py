"""Who can read a recorded session: nobody, the thief of the server's key, the holder of the key log."""
