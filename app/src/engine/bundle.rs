//! Bundles and their parts: from the visitor's files, the cache or a host.

use shared::format::bundle::{Bundle, Part};

use super::core::Core;
use super::host::Host;
use super::voice::{Ending, Voice};
use crate::failure;
use crate::files;
use crate::protocol::{Event, FetchPart, Fetching, Progress};

/// Gives the window a part that it describes.
pub async fn fetch_part<H: Host>(
    core: &Core<H>,
    voice: &Voice<Fetching>,
    FetchPart { bundle_url, part: described, what }: FetchPart,
) -> Result<(), Ending> {
    described.validate().map_err(|error| failure::of_corruption(&what, &bundle_url, &error))?;
    let bytes = part(core, voice, &what, &bundle_url, &described).await?;
    voice.say(Fetching::Part, vec![bytes]);
    Ok(())
}

/// What is in the bundle at an address.
pub async fn read<H: Host, A>(
    core: &Core<H>,
    voice: &Voice<A>,
    bundle_url: &str,
) -> Result<Bundle, Ending> {
    if let Some(archive) = core.dropped.find(bundle_url) {
        return Ok(archive?.bundle().clone());
    }
    let described = files::description(core.host.files(), bundle_url);
    Ok(voice.unless_stopped(described).await??)
}

/// A part; never one that is not what the bundle says.
pub async fn part<H: Host, A: From<Progress> + Into<Event>>(
    core: &Core<H>,
    voice: &Voice<A>,
    what: &str,
    bundle_url: &str,
    part: &Part,
) -> Result<Vec<u8>, Ending> {
    let progress = |done, cached| voice.progress(what, done, Some(part.size), cached);
    fetched(core, voice, what, bundle_url, part, &progress).await
}

/// The same; `progress` hears of bytes that have come, and whether from the cache.
pub async fn fetched<H: Host, A>(
    core: &Core<H>,
    voice: &Voice<A>,
    what: &str,
    bundle_url: &str,
    part: &Part,
    progress: &dyn Fn(u64, bool),
) -> Result<Vec<u8>, Ending> {
    if let Some(archive) = core.dropped.find(bundle_url) {
        let unusable = |error| failure::of_bundle(&format!("The bundle's {what}"), error);
        let bytes = archive?.unpack(part).map_err(unusable)?;
        progress(part.size, true);
        return Ok(bytes);
    }
    let fetched = files::part(core.host.files(), what, bundle_url, part, progress);
    Ok(voice.unless_stopped(fetched).await??)
}
