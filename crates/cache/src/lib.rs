//! Keeps objects and blocks in memory and on disk. Knows neither HTTP nor any runtime.
