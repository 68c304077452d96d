//! Results as they are printed.
