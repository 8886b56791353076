//! `pellucid export --single-file`: a site and bundles to one HTML file.

use std::path::PathBuf;

use anyhow::Result;
use indicatif::DecimalBytes;
use serde::Serialize;

use crate::single_file::{self, Talk};
use crate::{failure, output};

/// What goes into the file, and where it goes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the page with its engine and bundles into one HTML file that opens by double click
    #[arg(
        long,
        value_name = "FILE",
        requires = "site",
        conflicts_with_all = [
            "model", "weights", "without_weights", "precision", "gallery", "exemplars", "layers",
            "dreams", "from", "out", "list",
        ]
    )]
    pub single_file: Option<PathBuf>,

    /// The site that `cargo xtask build` wrote
    #[arg(long, value_name = "FOLDER", requires = "single_file")]
    site: Option<PathBuf>,

    /// A bundle to take along: its name in the site, or its folder; may be given more than once
    #[arg(long, value_name = "NAME", requires = "single_file")]
    bundle: Vec<String>,

    /// Queries the file leads through: it opens at the first, Page Down goes on
    #[arg(long, value_name = "QUERY", num_args = 1.., requires = "single_file")]
    views: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Written<'a> {
    path: &'a PathBuf,
    bytes: u64,
}

/// Writes the file, and prints how large it is.
pub fn run(args: &Args, path: &PathBuf, json: bool) -> Result<()> {
    let wrong = |what: &str| failure::WrongCall(what.to_owned());
    let site = args.site.clone().ok_or_else(|| wrong("--single-file needs --site FOLDER"))?;
    if args.bundle.is_empty() {
        return Err(wrong("--single-file needs --bundle NAME, such as googlenet").into());
    }
    let views = args.views.iter().map(|view| query(view)).collect();
    let bytes = single_file::write(&Talk { site, bundles: args.bundle.clone(), views }, path)?;
    if json {
        return output::json_line(&Written { path, bytes });
    }
    output::line(&format!("{:>9}  {}", DecimalBytes(bytes).to_string(), path.display()))
}

/// What follows the page's address: its query, its route or both. A whole address may be given.
fn query(view: &str) -> String {
    match view.find(['?', '#']) {
        Some(start) => view[start..].to_owned(),
        None => format!("?{view}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_may_be_given_as_a_whole_address() {
        for view in ["?objective=a:1", "objective=a:1", "https://a.example/p/?objective=a:1"] {
            assert_eq!(query(view), "?objective=a:1");
        }
        assert_eq!(query("https://a.example/p/#/googlenet/mixed4a"), "#/googlenet/mixed4a");
    }
}
