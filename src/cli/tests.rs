//! Commands over a model of AWS.
