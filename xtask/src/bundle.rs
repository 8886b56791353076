//! The bundles of a site: those of the repository, GoogLeNet's with its weights where there are any.
//!
//! The repository ships GoogLeNet's bundle without weights, because they are not ours to pass on.
//! Nothing here writes into the repository's folder; what is added lies in the workshop.

mod index;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;

pub use weights::{Progress, Source, fetch};

/// The network whose weights do not ship.
pub const GOOGLENET: &str = "googlenet";

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
    /// GoogLeNet's with weights, to be taken instead of the repository's.
    with_weights: Option<PathBuf>,
    /// Whether a site is to say that GoogLeNet's weights are on their way.
    pub weights_coming: bool,
}

impl Bundles {
    /// Looks for weights and makes GoogLeNet's bundle with them, as wished.
    pub fn gather(workspace: &Workspace, wish: &Wish) -> Result<Self> {
        let weights = match wish {
            Wish::Shipped => None,
            Wish::AtHand(named) => weights::at_hand(workspace, named.as_deref())?,
            Wish::Required(named) => match weights::at_hand(workspace, named.as_deref())? {
                Some(weights) => Some(weights),
                None => {
                    println!("weights: none on this machine; downloading {GOOGLENET}'s");
                    build_pellucid(workspace)?;
                    Some(fetch(workspace, &Source::default(), Progress::Shown)?)
                }
            },
        };
        let Some(weights) = weights else { return Ok(Self::of(workspace, None)) };
        let folder = made_folder(workspace);
        let is_current =
            stamp::is_current(&made_stamp(workspace), &fingerprint(workspace, &weights)?);
        if !folder.join(MANIFEST).is_file() || !is_current {
            build_pellucid(workspace)?;
            match (export(workspace, &weights), wish) {
                // A damaged file that nobody named is no reason to show nothing.
                (Err(error), Wish::AtHand(None)) => {
                    println!("weights: {error:#}; going on without them");
                    return Ok(Self::of(workspace, None));
                }
                (exported, _) => exported.map(drop)?,
            }
        }
        Ok(Self::of(workspace, Some(folder)))
    }

    /// The repository's, and GoogLeNet's from another folder if one is given.
    pub fn of(workspace: &Workspace, with_weights: Option<PathBuf>) -> Self {
        let shipped = workspace.root.join("public/bundles");
        Self { shipped, with_weights, weights_coming: false }
    }

    /// Whether GoogLeNet's weights are among them.
    pub fn have_weights(&self) -> bool {
        self.with_weights.is_some()
    }

    /// Changes with every byte that goes into a site.
    pub fn mix_into(&self, fingerprint: Fingerprint) -> Result<Fingerprint> {
        let mixed = fingerprint.with(self.weights_coming).with_path(&self.shipped)?;
        match &self.with_weights {
            Some(folder) => mixed.with(true).with_path(folder),
            None => Ok(mixed.with(false)),
        }
    }

    /// Brings a site's folder of bundles up to date; it may be served meanwhile.
    ///
    /// A file that is the same stays, one that is not is replaced whole, and descriptions come after
    /// what they describe.
    pub fn put(&self, folder: &Path) -> Result<()> {
        let googlenet = self.shipped.join(GOOGLENET);
        let mut files = Vec::new();
        for file in stamp::files_below(&self.shipped)? {
            let replaced = self.with_weights.is_some() && file.starts_with(&googlenet);
            if !replaced && file != self.shipped.join(INDEX) {
                let relative = file.strip_prefix(&self.shipped).unwrap_or(&file).to_owned();
                files.push((relative, file));
            }
        }
        if let Some(made) = &self.with_weights {
            for file in stamp::files_below(made)? {
                let relative = file.strip_prefix(made).unwrap_or(&file);
                files.push((Path::new(GOOGLENET).join(relative), file));
            }
        }
        files.sort_by_key(|(relative, _)| relative.ends_with(MANIFEST));
        for (relative, file) in &files {
            put_file(&folder.join(relative), &stamp::read(file)?)?;
        }
        let has_googlenet =
            files.iter().any(|(file, _)| *file == Path::new(GOOGLENET).join(MANIFEST));
        let shipped = self.shipped.join(INDEX);
        let shipped = shipped.is_file().then(|| stamp::read(&shipped)).transpose()?;
        let googlenet = has_googlenet.then_some(match (&self.with_weights, self.weights_coming) {
            (Some(_), _) => index::Availability::Here,
            (None, true) => index::Availability::Coming,
            (None, false) => index::Availability::Lacking,
        });
        match index::text(shipped.as_deref(), googlenet)? {
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

/// Makes GoogLeNet's bundle with these weights: the repository's and what it lacks.
pub fn export(workspace: &Workspace, weights: &Path) -> Result<PathBuf> {
    let folder = made_folder(workspace);
    let mut command = workspace.tool(workspace.pellucid());
    command.args(["export", "--model", GOOGLENET, "--weights"]).arg(weights);
    let shipped = workspace.root.join("public/bundles").join(GOOGLENET);
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
    stamp::set(&made_stamp(workspace), &fingerprint(workspace, weights)?)?;
    Ok(folder)
}

fn made_folder(workspace: &Workspace) -> PathBuf {
    workspace.workshop().join("bundles").join(GOOGLENET)
}

fn made_stamp(workspace: &Workspace) -> PathBuf {
    workspace.workshop().join(format!("bundle-{GOOGLENET}"))
}

fn fingerprint(workspace: &Workspace, weights: &Path) -> Result<String> {
    let mut fingerprint = Fingerprint::default().with_path(weights)?;
    for path in ["public/bundles/googlenet", "trainer/src", "shared/src"] {
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
            let with_weights = Some(made);
            Self { folder, bundles: Bundles { shipped, with_weights, weights_coming: false } }
        }

        fn without(&self) -> Bundles {
            Bundles { with_weights: None, ..self.bundles.clone() }
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
