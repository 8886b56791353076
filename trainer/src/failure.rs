//! Which exit code an error deserves.

use std::process::ExitCode;

use anyhow::Error;
use shared::visualize::score::ScoreError;

/// The call was wrong: exit code 2, as the argument parser's own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongCall(pub String);

/// 2 for a call that names what does not exist or cannot work, 1 for a job that failed.
pub fn exit_code(error: &Error) -> ExitCode {
    if is_wrong_call(error) { ExitCode::from(2) } else { ExitCode::FAILURE }
}

fn is_wrong_call(error: &Error) -> bool {
    error.chain().any(|cause| {
        let named = cause.downcast_ref::<shared::Error>().is_some_and(|error| {
            matches!(
                error,
                shared::Error::UnknownModel { .. }
                    | shared::Error::UnknownLayer { .. }
                    | shared::Error::OutOfRange { .. }
                    | shared::Error::Setting { .. }
                    | shared::Error::Objective(_)
                    | shared::Error::Score(
                        ScoreError::NoClassToken { .. } | ScoreError::NoRegister { .. }
                    )
            )
        });
        named || cause.is::<WrongCall>()
    })
}

/// Whether whoever read our output stopped reading, as `head` does: no failure of ours.
pub fn is_closed_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_unknown_model_is_a_wrong_call_also_under_context() {
        let unknown = shared::models::info("alexnet").map(|_| ()).context("exporting");
        assert!(is_wrong_call(&unknown.unwrap_err()));
    }

    #[test]
    fn a_file_that_is_not_there_is_a_failed_job() {
        let missing = std::fs::read("no such file").map(|_| ()).context("reading");
        assert!(!is_wrong_call(&missing.unwrap_err()));
    }
}
