//! The bundles of a site: those of the repository, some with their weights where there are any.
//!
//! The repository ships the bundles of GoogLeNet and of a vision transformer without weights,
//! because those are not ours to pass on. Nothing here writes into the repository's folder; what is
//! added lies in the workshop.

mod index;
mod weights;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;

pub use weights::{Progress, Source, fetch};

/// The network that opens first; its weights do not ship.
pub const GOOGLENET: &str = "googlenet";

/// A vision transformer whose weights do not ship either.
pub const TRANSFORMER: &str = "vit-tiny-patch16-224";

/// The file that makes a folder a bundle. Written last: who reads it finds the rest.
const MANIFEST: &str = "bundle.json";

/// The list of bundles.
const INDEX: &str = "index.json";

/// Whether GoogLeNet's weights go into a site.
#[derive(Clone, Debug)]
pub enum Wish {
    /// No: what ships and no more.
    Shipped,
    /// If they are on this machine; otherwise it is a site without.
    AtHand(Option<PathBuf>),
    /// Yes, if need be after a download. The file is named, or looked for.
    Required(Option<PathBuf>),
}

/// What is to lie in a site's folder of bundles.
#[derive(Clone, Debug)]
pub struct Bundles {
    /// The repository's.
    shipped: PathBuf,
    /// Those with weights, to be taken instead of the repository's, by the network's name.
    with_weights: BTreeMap<&'static str, PathBuf>,
    /// Whether a site is to say that GoogLeNet's weights are on their way.
    pub weights_coming: bool,
}

impl Bundles {
    /// Looks for weights and makes the bundles with them, as wished. The wish is for GoogLeNet's;
    /// a transformer's are taken along where they are at hand, but not into what is published.
    pub fn gather(workspace: &Workspace, wish: &Wish) -> Result<Self> {
        let weights = match wish {
            Wish::Shipped => None,
            Wish::AtHand(named) => weights::at_hand(workspace, GOOGLENET, named.as_deref())?,
            Wish::Required(named) => {
                match weights::at_hand(workspace, GOOGLENET, named.as_deref())? {
                    Some(weights) => Some(weights),
                    None => {
                        println!("weights: none on this machine; downloading {GOOGLENET}'s");
                        build_pellucid(workspace)?;
                        Some(fetch(workspace, &Source::default(), Progress::Shown)?)
                    }
                }
            }
        };
        let mut with_weights = BTreeMap::new();
        let may_fail = matches!(wish, Wish::AtHand(None));
        if let Some(weights) = weights {
            with_weights.extend(made(workspace, GOOGLENET, &weights, may_fail)?);
        }
        if matches!(wish, Wish::AtHand(_))
            && let Some(weights) = weights::at_hand(workspace, TRANSFORMER, None)?
        {
            with_weights.extend(made(workspace, TRANSFORMER, &weights, true)?);
        }
        Ok(Self { with_weights, ..Self::shipped(workspace) })
    }

    /// The repository's and no more.
    pub fn shipped(workspace: &Workspace) -> Self {
        let shipped = workspace.root.join("public/bundles");
        Self { shipped, with_weights: BTreeMap::new(), weights_coming: false }
    }

    /// The same, with GoogLeNet's from this folder, or without its weights.
    pub fn with_googlenet(&self, folder: Option<PathBuf>) -> Self {
        let mut with_weights = self.with_weights.clone();
        with_weights.remove(GOOGLENET);
        with_weights.extend(folder.map(|folder| (GOOGLENET, folder)));
        Self { with_weights, weights_coming: false, ..self.clone() }
    }

    /// Whether GoogLeNet's weights are among them.
    pub fn have_weights(&self) -> bool {
        self.with_weights.contains_key(GOOGLENET)
    }

    /// Changes with every byte that goes into a site.
    pub fn mix_into(&self, fingerprint: Fingerprint) -> Result<Fingerprint> {
        let mut mixed = fingerprint.with(self.weights_coming).with_path(&self.shipped)?;
        for (network, folder) in &self.with_weights {
            mixed = mixed.with(network).with_path(folder)?;
        }
        Ok(mixed)
    }

    /// Brings a site's folder of bundles up to date; it may be served meanwhile.
    ///
    /// A file that is the same stays, one that is not is replaced whole, and descriptions come after
    /// what they describe.
    pub fn put(&self, folder: &Path) -> Result<()> {
        let mut files = Vec::new();
        for file in stamp::files_below(&self.shipped)? {
            let is_of = |network: &&str| file.starts_with(self.shipped.join(network));
            let replaced = self.with_weights.keys().any(is_of);
            if !replaced && file != self.shipped.join(INDEX) {
                let relative = file.strip_prefix(&self.shipped).unwrap_or(&file).to_owned();
                files.push((relative, file));
            }
        }
        for (network, made) in &self.with_weights {
            for file in stamp::files_below(made)? {
                let relative = file.strip_prefix(made).unwrap_or(&file);
                files.push((Path::new(network).join(relative), file));
            }
        }
        files.sort_by_key(|(relative, _)| relative.ends_with(MANIFEST));
        for (relative, file) in &files {
            put_file(&folder.join(relative), &stamp::read(file)?)?;
        }
        let has = |network: &str| {
            files.iter().any(|(file, _)| *file == Path::new(network).join(MANIFEST))
        };
        let shipped = self.shipped.join(INDEX);
        let shipped = shipped.is_file().then(|| stamp::read(&shipped)).transpose()?;
        let known: Vec<index::Known> = index::NETWORKS
            .into_iter()
            .filter(|(network, _)| has(network))
            .map(|(network, title)| {
                let coming = self.weights_coming && network == GOOGLENET;
                let weights = match self.with_weights.contains_key(network) {
                    true => index::Availability::Here,
                    false if coming => index::Availability::Coming,
                    false => index::Availability::Lacking,
                };
                index::Known { network, title, weights }
            })
            .collect();
        match index::text(shipped.as_deref(), &known)? {
            Some(text) => put_file(&folder.join(INDEX), text.as_bytes()),
            None => Ok(()),
        }
    }
}

/// Writes a file beside its place and lets it take that, unless it is there already.
pub fn put_file(target: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(target).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let writing = || format!("writing {}", target.display());
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).with_context(writing)?;
    }
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(".part");
    fs::write(&unfinished, bytes).with_context(writing)?;
    fs::rename(&unfinished, target).with_context(writing)
}

/// A network's bundle with these weights, made again only where something changed; nothing where
/// that fails and `may_fail`: a damaged file that nobody named is no reason to show nothing.
fn made(
    workspace: &Workspace,
    network: &'static str,
    weights: &Path,
    may_fail: bool,
) -> Result<Option<(&'static str, PathBuf)>> {
    let folder = made_folder(workspace, network);
    let fingerprint = fingerprint(workspace, network, weights)?;
    let is_current = stamp::is_current(&made_stamp(workspace, network), &fingerprint);
    if !folder.join(MANIFEST).is_file() || !is_current {
        build_pellucid(workspace)?;
        match export(workspace, network, weights) {
            Err(error) if may_fail => {
                println!("weights: {error:#}; going on without them");
                return Ok(None);
            }
            exported => exported.map(drop)?,
        }
    }
    Ok(Some((network, folder)))
}

/// Makes a network's bundle with these weights: the repository's and what it lacks.
pub fn export(workspace: &Workspace, network: &str, weights: &Path) -> Result<PathBuf> {
    let folder = made_folder(workspace, network);
    let mut command = workspace.tool(workspace.pellucid());
    command.args(["export", "--model", network, "--weights"]).arg(weights);
    let shipped = workspace.root.join("public/bundles").join(network);
    if shipped.join(MANIFEST).is_file() {
        command.arg("--from").arg(shipped);
    }
    command.arg("--out").arg(&folder);
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    }
    // One that an earlier version made cannot be read, and so would not be replaced.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    process::output(&mut command)?;
    let fingerprint = fingerprint(workspace, network, weights)?;
    stamp::set(&made_stamp(workspace, network), &fingerprint)?;
    Ok(folder)
}

fn made_folder(workspace: &Workspace, network: &str) -> PathBuf {
    workspace.workshop().join("bundles").join(network)
}

fn made_stamp(workspace: &Workspace, network: &str) -> PathBuf {
    workspace.workshop().join(format!("bundle-{network}"))
}

fn fingerprint(workspace: &Workspace, network: &str, weights: &Path) -> Result<String> {
    let mut fingerprint = Fingerprint::default().with_path(weights)?;
    let shipped = format!("public/bundles/{network}");
    for path in [&shipped, "trainer/src", "shared/src"] {
        fingerprint = fingerprint.with(path).with_path(&workspace.root.join(path))?;
    }
    Ok(fingerprint.finish())
}

/// Builds the native companion, with the features it has in the tests: what `--workspace`
/// selects. Alone it would get fewer, and the tensor stack would be compiled once more.
pub fn build_pellucid(workspace: &Workspace) -> Result<()> {
    let arguments =
        ["build", "--release", "--workspace", "--exclude", "xtask", "--bin", "pellucid"];
    process::run(workspace.cargo().args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository that ships GoogLeNet without weights and another network, and a bundle with.
    struct Repository {
        folder: PathBuf,
        bundles: Bundles,
    }

    impl Repository {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("xtask-bundle-{}-{name}", std::process::id()));
            let shipped = folder.join("public");
            let made = folder.join("made");
            for (file, text) in [
                (
                    "public/index.json",
                    r#"{"schema":[2,0],"bundles":[{"path":"googlenet","title":"G"}]}"#,
                ),
                ("public/googlenet/bundle.json", "without"),
                ("public/googlenet/labels.txt", "tench"),
                ("public/other/bundle.json", "other"),
                ("made/bundle.json", "with"),
                ("made/labels.txt", "tench"),
                ("made/weights.safetensors", "weights"),
            ] {
                fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
                fs::write(folder.join(file), text).unwrap();
            }
            let with_weights = BTreeMap::from([(GOOGLENET, made)]);
            Self { folder, bundles: Bundles { shipped, with_weights, weights_coming: false } }
        }

        fn without(&self) -> Bundles {
            self.bundles.with_googlenet(None)
        }

        fn read(&self, file: &str) -> String {
            fs::read_to_string(self.folder.join("site").join(file)).unwrap_or_default()
        }
    }

    impl Drop for Repository {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn weights_that_arrive_change_a_served_site_and_what_is_the_same_stays() {
        let repository = Repository::new("arrive");
        let site = repository.folder.join("site");
        let coming = Bundles { weights_coming: true, ..repository.without() };
        coming.put(&site).unwrap();
        assert_eq!(repository.read("googlenet/bundle.json"), "without");
        assert_eq!(repository.read("other/bundle.json"), "other");
        assert!(repository.read("index.json").contains("weights_coming"));
        assert!(repository.read("index.json").contains("\"weights\": false"));
        assert!(!site.join("googlenet/weights.safetensors").exists());
        let labels = fs::metadata(site.join("googlenet/labels.txt")).unwrap().modified().unwrap();

        repository.bundles.put(&site).unwrap();
        assert_eq!(repository.read("googlenet/bundle.json"), "with");
        assert_eq!(repository.read("googlenet/weights.safetensors"), "weights");
        assert!(!repository.read("index.json").contains("weights_coming"));
        assert!(repository.read("index.json").contains("\"weights\": true"));
        let same = fs::metadata(site.join("googlenet/labels.txt")).unwrap().modified().unwrap();
        assert_eq!(labels, same);
        let left = stamp::files_below(&site).unwrap();
        assert!(left.iter().all(|file| !file.to_string_lossy().ends_with(".part")), "{left:?}");
    }

    #[test]
    fn a_site_changes_with_the_weights_and_with_their_being_on_their_way() {
        let repository = Repository::new("fingerprint");
        let of = |bundles: &Bundles| bundles.mix_into(Fingerprint::default()).unwrap().finish();
        let coming = Bundles { weights_coming: true, ..repository.without() };
        let all = [of(&repository.bundles), of(&repository.without()), of(&coming)];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{all:?}");
    }
}
