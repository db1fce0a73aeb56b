//! Prints an error with all its causes, for logs.

use std::error::Error;
use std::fmt;

/// Displays `error: cause: cause`; an error's own text does not repeat its source.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn causes_follow_the_error() {
        let error = Outer("x".parse::<i32>().unwrap_err());
        assert_eq!(ErrorChain(&error).to_string(), "outer: invalid digit found in string");
    }
}
