//! Errors of formulas and of downloads in the page's three sentences: what, why, what next.

use shared::Error;
use shared::weights::WeightsError;

use crate::files::download::FetchError;
use crate::protocol::{Failure, FailureKind};

/// A failure of the request at hand.
pub fn of(error: Error) -> Failure {
    let why = error.to_string();
    let (kind, what, next) = match error {
        Error::Objective(_) => {
            (FailureKind::Input, "This objective cannot be read.", "Correct it at that column.")
        }
        Error::UnknownLayer { .. } | Error::OutOfRange { .. } => {
            (FailureKind::Input, "This model has no such unit.", "Choose one that exists.")
        }
        Error::Score(_) | Error::NotCaught { .. } => (
            FailureKind::Input,
            "This objective has no value for this model.",
            "Correct what it names.",
        ),
        Error::Setting { .. } => {
            (FailureKind::Input, "A setting cannot work.", "Change it and start again.")
        }
        Error::NotFinite { .. } => (
            FailureKind::Input,
            "The picture ran off to infinity.",
            "Start again with a smaller learning rate.",
        ),
        Error::PictureSize { .. } => {
            (FailureKind::Picture, "This picture cannot be used.", "Choose another picture.")
        }
        Error::Weights(_) | Error::Format { .. } | Error::UnknownModel { .. } => (
            FailureKind::Corrupted,
            "The model's files cannot be used.",
            "Load it again, or choose another model.",
        ),
        Error::OutOfMemory { .. } => (
            FailureKind::OutOfMemory,
            "The device has no memory left for this.",
            "Choose a smaller size or batch.",
        ),
        Error::Device { .. } => {
            (FailureKind::Internal, "The device failed.", "Try again, or switch to the processor.")
        }
    };
    Failure::new(kind, what, why, next)
}

/// A download that did not come.
pub fn of_download(what: &str, address: &str, error: &FetchError) -> Failure {
    let next = match error {
        FetchError::Unreachable(_) => "Check the network connection, then try again.",
        FetchError::Status(404 | 410) => "Check the address.",
        FetchError::Status(_) => "Wait a little, then try again.",
        FetchError::Interrupted { .. } | FetchError::TooShort { .. } => "Try again.",
        FetchError::TooLong(_) => "Ask whoever serves these files to publish the bundle again.",
    };
    let why = format!("{address}: {error}.");
    Failure::new(FailureKind::Download, format!("The {what} could not be downloaded."), why, next)
}

/// A download that is not what it should be.
pub fn of_corruption(what: &str, address: &str, error: &Error) -> Failure {
    Failure::new(
        FailureKind::Corrupted,
        format!("The {what} that came are damaged and were not used."),
        format!("{error} (from {address})."),
        "Try again; if it happens once more, the files on the server are wrong.",
    )
}

/// A bundle that cannot be opened, and what it is called.
pub fn of_bundle(name: &str, error: Error) -> Failure {
    let failure = of(error);
    match failure.kind {
        FailureKind::Corrupted => Failure::new(
            FailureKind::Corrupted,
            format!("{name} cannot be opened."),
            failure.why,
            "Choose another bundle, or have whoever made this one export it again.",
        ),
        _ => failure,
    }
}

/// Weights of the visitor's own that are not those of the network called `title`.
pub fn of_own_weights(title: &str, error: Error) -> Failure {
    match error {
        Error::Weights(WeightsError::Foreign(foreign)) => Failure::new(
            FailureKind::Corrupted,
            format!("These are not weights for {title}: {foreign}."),
            "Weights come as a safetensors file, as what PyTorch saved (.pth), or as a .caffemodel.",
            format!("To have them, {}.", foreign.next()),
        ),
        Error::Weights(_) => Failure::new(
            FailureKind::Corrupted,
            format!("These are not weights for {title}."),
            error.to_string(),
            "Choose a .safetensors, .pth or .caffemodel file of this network.",
        ),
        other => of(other),
    }
}

/// A file of the visitor's that is no dictionary.
pub fn of_dictionary(error: Error) -> Failure {
    Failure::new(
        FailureKind::Corrupted,
        "This is no dictionary that can be read here.",
        error.to_string(),
        "Choose a .zip that was saved here, or one of cfg.json and sae_weights.safetensors.",
    )
}

/// Values that no sound network gives.
pub fn no_numbers() -> Failure {
    of(Error::Device {
        device: "compute".to_owned(),
        reason: "the network's answer holds values that are no numbers".to_owned(),
    })
}
