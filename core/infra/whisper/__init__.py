"""Speech models: names, files, downloads, the pool that keeps them in memory, and the engine that runs them."""
