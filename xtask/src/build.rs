//! The static site: bundle, page and engine, optimised, in one folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bundle::{Bundles, Wish};
use crate::cli::{Build, Content, Network};
use crate::compress::Coding;
use crate::process::Background;
use crate::stamp::{self, Fingerprint};
use crate::workspace::Workspace;
use crate::{assets, compress, offline, optimize, process, tools};

/// A file that only a site of ours has: such a folder may be replaced.
const MARK: &str = "worker_loader.js";

/// The engine's program.
const ENGINE: &str = "worker_bg.wasm";

/// Where networks lie, below `public` and below the site.
const BUNDLES: &str = "bundles";

/// Addresses that work wherever the site is put.
const RELATIVE: &str = "./";

/// `cargo xtask build`.
///
/// Weights that are not part of the repository go into the site only when they are asked for: they
/// may lie on this machine and still not be the builder's to publish.
pub fn run(workspace: &Workspace, arguments: &Build) -> Result<()> {
    // Where the person called from, not where the checkout is.
    let out = std::path::absolute(&arguments.out)
        .with_context(|| format!("finding {}", arguments.out.display()))?;
    refuse_foreign(&out)?;
    let weights = arguments.weights.as_deref().map(std::path::absolute).transpose()?;
    let wish = match arguments.with {
        None => Wish::Shipped,
        Some(Network::Googlenet) => Wish::Required(weights),
    };
    let bundles = Bundles::gather(workspace, &wish)?;
    let page = page(workspace, &arguments.public_url, !arguments.no_optimize)?;
    let compressed = !arguments.no_optimize;
    Site { folder: out.clone(), page, bundles, compressed }.make(workspace)?;
    print_sizes(&out, arguments.sizes)
}

/// The site for `test`, in its usual place, with the weights that are at hand.
pub fn usual_site(workspace: &Workspace, content: &Content) -> Result<PathBuf> {
    let site = Site::usual(workspace, content)?;
    site.make(workspace)?;
    Ok(site.folder)
}

/// A static site and what it is made of.
pub struct Site {
    /// Where it is.
    pub folder: PathBuf,
    /// Page and engine, in a folder of their own.
    pub page: PathBuf,
    /// The networks.
    pub bundles: Bundles,
    /// Whether compressed copies lie beside its files.
    pub compressed: bool,
}

impl Site {
    /// What the usual site is made of, with the weights that are at hand.
    pub fn usual(workspace: &Workspace, content: &Content) -> Result<Self> {
        let folder = workspace.site();
        refuse_foreign(&folder)?;
        let weights = content.weights.as_deref().map(std::path::absolute).transpose()?;
        let bundles = Bundles::gather(workspace, &Wish::AtHand(weights))?;
        let page = page(workspace, RELATIVE, content.optimize)?;
        Ok(Self { folder, page, bundles, compressed: content.optimize })
    }

    /// Makes it; does nothing where everything it is made of is as it was.
    pub fn make(&self, workspace: &Workspace) -> Result<()> {
        let out = &self.folder;
        let fingerprint = self.fingerprint()?;
        let stamp = self.stamp(workspace);
        if out.join(MARK).is_file() && stamp::is_current(&stamp, &fingerprint) {
            println!("the site in {} is up to date", out.display());
            return Ok(());
        }
        let unfinished = with_suffix(out, ".part");
        remove(&unfinished)?;
        copy_folder(&self.page, &unfinished)?;
        self.bundles.put(&unfinished.join(BUNDLES))?;
        self.compress(workspace, &unfinished)?;
        remove(out)?;
        fs::rename(&unfinished, out)
            .with_context(|| format!("renaming {}", unfinished.display()))?;
        stamp::set(&stamp, &fingerprint)?;
        println!("the site is in {}", out.display());
        Ok(())
    }

    /// Puts other networks into it while it is served.
    pub fn change_bundles(&mut self, workspace: &Workspace, bundles: Bundles) -> Result<()> {
        bundles.put(&self.folder.join(BUNDLES))?;
        self.compress(workspace, &self.folder)?;
        self.bundles = bundles;
        stamp::set(&self.stamp(workspace), &self.fingerprint()?)
    }

    fn compress(&self, workspace: &Workspace, folder: &Path) -> Result<()> {
        if self.compressed { compress::folder(workspace, folder) } else { Ok(()) }
    }

    fn fingerprint(&self) -> Result<String> {
        let mixed = Fingerprint::default().with_path(&self.page)?.with(&self.folder);
        let mixed = mixed.with(self.compressed);
        Ok(self.bundles.mix_into(mixed)?.finish())
    }

    fn stamp(&self, workspace: &Workspace) -> PathBuf {
        let name = Fingerprint::default().with(&self.folder).finish();
        workspace.workshop().join(format!("site-{name}.stamp"))
    }
}

/// Page and engine as Trunk makes them, optimised.
fn page(workspace: &Workspace, public_url: &str, optimized: bool) -> Result<PathBuf> {
    fs::create_dir_all(workspace.workshop())
        .with_context(|| format!("making {}", workspace.workshop().display()))?;
    let settings = Fingerprint::default().with(public_url).with(optimized).finish();
    let folder = workspace.workshop().join(format!("page-{settings}"));
    let stamp = workspace.workshop().join(format!("page-{settings}.stamp"));
    let mut inputs = Fingerprint::default();
    for path in [
        "app/src",
        "app/Cargo.toml",
        "shared/src",
        "shared/Cargo.toml",
        "index.html",
        "Trunk.toml",
        "Cargo.toml",
        "Cargo.lock",
        ".cargo",
        "rust-toolchain.toml",
    ] {
        inputs = inputs.with(path).with_path(&workspace.root.join(path))?;
    }
    // Bundles do not go through Trunk: a new one needs no new page.
    let public = workspace.root.join("public");
    for path in stamp::files_below(&public)? {
        if !path.starts_with(public.join(BUNDLES)) {
            // By its place in the checkout: several may share a target folder.
            inputs = inputs.with(path.strip_prefix(&public).unwrap_or(&path)).with_path(&path)?;
        }
    }
    let fingerprint = inputs.finish();
    if folder.join(MARK).is_file() && stamp::is_current(&stamp, &fingerprint) {
        return Ok(folder);
    }
    // Trunk asks for the crates of default features only, and the engine has more.
    process::run(workspace.cargo().args(["fetch", "--locked"]))?;
    let tools = tools::for_page_in_background(workspace, optimized)?;
    compile(workspace)?;
    tools.map_or(Ok(()), Background::wait)?;
    remove(&folder)?;
    let mut trunk = workspace.tool("trunk");
    trunk.args(["build", "--release", "--offline", "--public-url", public_url, "--dist"]);
    // Trunk takes NO_COLOR=1, which many machines set, for a wrong value of a flag.
    trunk.arg(&folder).env_remove("NO_COLOR");
    process::run(&mut trunk)?;
    refuse_constructors_in_calls(&stamp::read(&folder.join(ENGINE))?)?;
    assets::place(&folder, &workspace.root)?;
    if optimized {
        optimize::folder(workspace, &folder)?;
    }
    offline::write(&folder, &public.join(offline::WORKER))?;
    stamp::set(&stamp, &fingerprint)?;
    Ok(folder)
}

/// Compiles page and engine as Trunk will, beside the tools that it needs for the rest.
fn compile(workspace: &Workspace) -> Result<()> {
    for program in [&["--bin", "page"][..], &["--bin", "worker", "--features", "webgpu"]] {
        let mut command = workspace.cargo();
        command.args(["build", "--release", "--locked", "--target", tools::WASM]);
        command.args(["--manifest-path", "app/Cargo.toml"]).args(program);
        process::run(&mut command)?;
    }
    Ok(())
}

/// Refuses an engine that the linker made to run its constructors in every call from JavaScript:
/// on a GPU it is tens of times slower, on a software GPU nobody would notice.
fn refuse_constructors_in_calls(engine: &[u8]) -> Result<()> {
    // How the linker names such functions, before the names are optimized away.
    const WRAPPER: &[u8] = b".command_export";
    if engine.windows(WRAPPER.len()).any(|name| name == WRAPPER) {
        bail!("{ENGINE} runs constructors in every call; see shared/src/device/webgpu.rs");
    }
    Ok(())
}

/// Refuses to replace a folder that holds anything but a site of ours.
fn refuse_foreign(out: &Path) -> Result<()> {
    if !out.exists() || out.join(MARK).is_file() {
        return Ok(());
    }
    let mut entries = fs::read_dir(out).with_context(|| format!("listing {}", out.display()))?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty and not a site made by this command; name a new folder",
            out.display()
        );
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for file in stamp::files_below(from)? {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        fs::copy(&file, &target)
            .with_context(|| format!("copying {} to {}", file.display(), target.display()))?;
    }
    Ok(())
}

/// How large each file is, largest first.
fn print_sizes(site: &Path, measured: bool) -> Result<()> {
    let (mut files, mut copies) = (Vec::new(), 0);
    for file in stamp::files_below(site)? {
        let bytes = file.metadata().with_context(|| format!("reading {}", file.display()))?.len();
        if compress::is_copy(&file) {
            copies += bytes;
        } else {
            files.push((bytes, file));
        }
    }
    files.sort();
    for (bytes, file) in files.iter().rev().filter(|(bytes, _)| *bytes >= 10_000) {
        let name = file.strip_prefix(site).unwrap_or(file).display();
        if measured || Coding::Brotli.copy_of(file).is_file() {
            let small = compress::brotli_size(file)?;
            println!("{:>8} kB {:>8} kB in brotli  {name}", bytes / 1000, small / 1000);
        } else {
            println!("{:>8} kB  {name}", bytes / 1000);
        }
    }
    let total: u64 = files.iter().map(|(bytes, _)| bytes).sum();
    println!("{:>8} kB  in all, and {} kB of compressed copies", total / 1000, copies / 1000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("xtask-build-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_folder_with_somebody_elses_files_is_not_replaced() {
        let folder = folder("foreign");
        assert!(refuse_foreign(&folder).is_ok(), "an empty folder may be filled");
        fs::write(folder.join("thesis.tex"), "years of work").unwrap();
        let error = refuse_foreign(&folder).unwrap_err();
        assert!(error.to_string().contains("not empty"), "{error}");
        fs::write(folder.join(MARK), "").unwrap();
        assert!(refuse_foreign(&folder).is_ok(), "a site may be replaced");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_engine_whose_calls_run_constructors_is_refused() {
        assert!(refuse_constructors_in_calls(b"..__externref_table_alloc..").is_ok());
        let error = refuse_constructors_in_calls(b"..__externref_table_alloc.command_export..");
        assert!(error.unwrap_err().to_string().contains("constructors"));
    }

    #[test]
    fn a_copied_folder_has_every_file_at_every_depth() {
        let from = folder("from");
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/c.txt"), "deep").unwrap();
        let to = with_suffix(&from, ".copy");
        copy_folder(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/b/c.txt")).unwrap(), "deep");
        fs::remove_dir_all(from).unwrap();
        fs::remove_dir_all(to).unwrap();
    }
}
