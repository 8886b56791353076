//! Why a file did not come.

use std::io;
use std::path::PathBuf;

use ureq::http::StatusCode;

/// What ended a download.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No name, no route, no answer, before anything was received.
    #[error("{address} cannot be reached: {reason}")]
    Unreachable {
        /// As asked for.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The server answered that it will not.
    #[error("{address} answered {status}, expected the file")]
    Refused {
        /// As asked for.
        address: String,
        /// Its answer.
        status: StatusCode,
    },
    /// The server wants to know who asks.
    #[error(
        "{address} answered {status}: it gives the file only to who has signed in there, and often \
         agreed to a licence; do that in a browser and save the file"
    )]
    Gated {
        /// As asked for.
        address: String,
        /// Its answer.
        status: StatusCode,
    },
    /// Something between here and the file answered with a page for people.
    #[error(
        "{address} answered with a web page, expected a weights file: is there a login page in between?"
    )]
    WebPage {
        /// As asked for.
        address: String,
    },
    /// More than is accepted.
    #[error("{address} is longer than the {limit} bytes accepted")]
    TooLong {
        /// As asked for.
        address: String,
        /// In bytes.
        limit: u64,
    },
    /// The connection failed, and kept failing.
    #[error("gave up after {attempts} attempts without a new byte: {reason}; what arrived is kept")]
    GaveUp {
        /// How many.
        attempts: u32,
        /// The last failure.
        reason: String,
    },
    /// The disk.
    #[error("{}: {reason}; what arrived is kept", path.display())]
    Disk {
        /// The file being written.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Somebody else is at it.
    #[error("another pellucid is downloading to {}", .0.display())]
    Busy(PathBuf),
    /// Ctrl-C.
    #[error("stopped; the same command goes on from here")]
    Stopped,
}
