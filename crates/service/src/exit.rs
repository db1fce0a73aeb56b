//! How a binary ends.

use std::process::ExitCode;

use crate::error_chain::ErrorChain;

/// Logs why a binary failed, with all causes, and answers its exit code: 0 or 1.
pub fn exit_code<E>(result: Result<(), E>) -> ExitCode
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = error.into();
            tracing::error!("{}", ErrorChain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_ends_with_a_code_other_than_zero() {
        assert_eq!(format!("{:?}", exit_code(Ok::<(), std::fmt::Error>(()))), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(format!("{:?}", exit_code(Err(std::fmt::Error))), format!("{:?}", ExitCode::FAILURE));
    }
}
