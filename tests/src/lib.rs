//! Holds no code; the tests of the services together are in `e2e/` and `contract/`.
