//! The Action and every workflow pass the linters.
