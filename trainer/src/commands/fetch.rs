//! `pellucid fetch`: published weights into the cache.

use anyhow::Result;

use crate::download::Patience;
use crate::fetch::{Request, fetch};
use crate::{cache, output};

/// Which weights.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid fetch googlenet\n  \
    pellucid fetch dinov2-vit-s-14\n  \
    pellucid fetch googlenet --from https://mirror.example.org/bvlc_googlenet.caffemodel\n\n\
    Where an address does not answer, the next one known is tried. An interrupted download goes on\n\
    with the same command. The cache is $PELLUCID_CACHE, else the system's cache folder;\n\
    `pellucid doctor` shows it.")]
pub struct Args {
    /// Its name: googlenet, inception-v1, vit-tiny-patch16-224, clip-vit-b-32 .., or what its publishers call it;
    /// `pellucid layers --models` lists them
    model: String,

    /// Another address to take the file from; a file of the published name must have its hash
    #[arg(long, value_name = "URL")]
    from: Option<String>,

    /// Download also when the weights are here already
    #[arg(long)]
    force: bool,

    /// One line of JSON instead of the path
    #[arg(long)]
    json: bool,
}

/// Fetches, and prints where the weights are.
pub fn run(args: Args) -> Result<()> {
    let model = shared::models::info(&args.model)?.name;
    let target = cache::weights_file(model)?;
    let request = Request { model: model.to_owned(), from: args.from, force: args.force, target };
    let fetched = fetch(&request, &Patience::default())?;
    if fetched.source_sha256.is_none() {
        eprintln!("{} is here already; --force downloads it again", request.model);
    }
    if args.json {
        return output::json_line(&fetched);
    }
    output::line(&fetched.path.display().to_string())
}
