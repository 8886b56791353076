//! From pictures to a bundle that the page opens: the steps of the other verbs, one after the other,
//! in one folder.
//!
//! Every step goes on where it was stopped and says what is there already, so all of them do.

mod bundle;
mod dreams;
mod gallery;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use shared::burn::tensor::Device;
use shared::format::exemplars::Statistic;
use shared::format::shards::{Dtype, TokenKind};
use shared::tap::LayerInfo;

use crate::dictionary::{self, Opened};
use crate::evaluate::choice::choose;
use crate::evaluate::recovered::recovered;
use crate::evaluate::worth::{Evaluation, Latent};
use crate::evaluate::{self, other_seed};
use crate::exemplars::Search;
use crate::exemplars::label::Labels;
use crate::failure::WrongCall;
use crate::features::{By, Choice};
use crate::job::Job;
use crate::model::LoadedModel;
use crate::pictures::listing::Listing;
use crate::pictures::source::Source;
use crate::record::Recording;
use crate::record::partition::Partition;
use crate::shards::Store;
use crate::shards::shelf::Folder;
use crate::train::sweep::Run;
use crate::train::{Sweep, Trained};
use crate::{interrupt, output};

pub use self::bundle::{bundles_of, make_bundle};

/// What an exploration's folder is known by: the job whose results it holds.
const JOB: &str = "explore.json";

/// Exemplars of a latent, as many as the page shows side by side.
const TOP: usize = 9;

/// Pictures in a shard: a kill loses at most so many.
const SHARD: u64 = 512;

/// Pictures computed together.
const BATCH: usize = 8;

/// Bytes of activations that are shuffled at a time.
const BUFFER: u64 = 256 << 20;

/// How many steps there are.
const STEPS: usize = 7;

/// What is explored, and how.
pub struct Exploration<'a> {
    /// The layer whose answers are taken apart.
    pub layer: &'a LayerInfo,
    /// Where the pictures are.
    pub sources: Vec<Source>,
    /// What they are called.
    pub labels: Labels,
    /// What is trained, `key=value` as [`crate::train::sweep::runs`] takes it.
    pub training: &'a [String],
    /// The same, multiplied out.
    pub runs: &'a [Run],
    /// Pictures that the page shows.
    pub gallery: usize,
    /// Latents that are dreamed.
    pub dreams: usize,
    /// Of latents whose frequency has a decimal logarithm in here.
    pub log_frequency: [f64; 2],
    /// The folder for all of it.
    pub out: &'a Path,
}

/// What came of it. A stable interface: scripts read it.
#[derive(Clone, Debug, Serialize)]
pub struct Explored {
    /// The folder of bundles, with its list.
    pub bundles: PathBuf,
    /// The bundle's name in it, which is the model's.
    pub model: String,
    /// The dictionary that was preferred.
    pub dictionary: PathBuf,
    /// What its latents are called: `block8/sae-2k`.
    pub layer: String,
    /// Those that were dreamed.
    pub dreamed: Vec<usize>,
    /// Pictures that it was trained on.
    pub pictures: u64,
    /// Others, which could not be read.
    pub unreadable: u64,
}

impl Exploration<'_> {
    /// Does what an earlier call has not done.
    ///
    /// # Errors
    /// As each step's: pictures or weights that are not those of the folder's job, no picture at all, a
    /// full disk, or Ctrl-C.
    pub fn run(
        &self,
        mut loaded: LoadedModel,
        device: &Device,
        training_devices: &[Device],
    ) -> Result<Explored> {
        let info = loaded.model.info().clone();
        let listing = Listing::of(self.sources.clone())?;
        self.agree(&loaded, &listing)?;
        let layer = self.layer.name.as_str();

        step(1, &format!("what {layer} answers to {} pictures", listing.pictures))?;
        let store = self.record(&listing, &loaded, device)?;
        step(2, &format!("training {} dictionaries", self.runs.len()))?;
        let dictionaries = self.train(&store, training_devices)?;
        step(3, "what they are worth")?;
        let (opened, latents) = self.evaluate(dictionaries, &store, &loaded, device)?;

        let name = dictionary::usual_name(opened.dictionary.config().latents);
        let named = format!("{layer}/{name}={}", opened.folder.display());
        loaded.readouts = dictionary::readouts(&named, &info, device)?;
        let of_latents = dictionary::named(&named, &info)?.layer;

        step(4, "a gallery of your pictures")?;
        let photographs = self.out.join("gallery");
        let cutting = gallery::Cutting {
            sources: &self.sources,
            labels: &self.labels,
            preprocessing: &info.preprocessing,
            most: self.gallery,
            folder: &photographs,
        };
        cutting.run(&store.examples().collect())?;
        step(5, "which of them excite each latent")?;
        let exemplars = self.out.join("exemplars");
        let search = Search {
            layers: &[of_latents.clone(), self.layer.clone()],
            source: &Source::new(&photographs)?,
            statistic: Statistic::Max,
            top: TOP,
            batch: BATCH,
            out: &exemplars,
        };
        search.run(&loaded, device)?;
        let dreamed = self.to_be_dreamed(&latents);
        step(6, &format!("what {} latents look for", dreamed.len()))?;
        let pictures_of_dreams = self.out.join("dreams");
        dreams::make(&of_latents.name, &dreamed, &pictures_of_dreams, &loaded, device)?;
        step(7, "the bundle that the page opens")?;
        let bundles = self.out.join("bundles");
        let gathering = bundle::Gathering {
            model: info.name,
            weights: &loaded.weights,
            gallery: &photographs,
            exemplars: &exemplars,
            dreams: &pictures_of_dreams,
            dictionary: named,
            layer: &of_latents.name,
            parent: layer,
            dreamed: &dreamed,
        };
        gathering.run(&bundles)?;
        let pictures = store.examples().count() as u64;
        Ok(Explored {
            bundles,
            model: info.name.to_owned(),
            dictionary: opened.folder,
            layer: of_latents.name,
            dreamed,
            pictures,
            unreadable: listing.pictures - pictures,
        })
    }

    /// Notes what the folder is for; a folder that is for something else is left alone.
    fn agree(&self, loaded: &LoadedModel, listing: &Listing) -> Result<()> {
        let job = Job::new("explore", loaded.model.info().name, &loaded.sha256)
            .over(listing.data())
            .asset("titles of the pictures", self.labels.sha256())
            .option("layer", &self.layer.name)?
            .option("training", &self.training.join(" "))?
            .option("--gallery", &self.gallery)?;
        let path = self.out.join(JOB);
        let text = serde_json::to_string_pretty(&job)?;
        if output::create_whole(&path, |out| Ok(writeln!(out, "{text}")?))? {
            return Ok(());
        }
        let reading = || format!("reading {}", path.display());
        let bytes = fs::read(&path).with_context(reading)?;
        let theirs: Job = serde_json::from_slice(&bytes).with_context(reading)?;
        if let Some(difference) = job.difference(&theirs) {
            return Err(WrongCall(format!(
                "{} holds another exploration ({difference}): go on with that one's command, or \
                 choose another --out",
                self.out.display()
            ))
            .into());
        }
        Ok(())
    }

    fn record(&self, listing: &Listing, loaded: &LoadedModel, device: &Device) -> Result<Store> {
        let folder = self.out.join("store");
        let recording = Recording {
            layers: std::slice::from_ref(self.layer),
            listing,
            labels: &self.labels,
            tokens: TokenKind::Patches,
            dtype: Dtype::F16,
            examples_per_shard: SHARD,
            partition: Partition::WHOLE,
            batch: BATCH,
            shelf: &Folder(folder.clone()),
        };
        recording.run(loaded, device)?;
        let store = Store::open(&folder)?;
        if store.examples().next().is_none() {
            bail!("none of the {} pictures could be read", listing.pictures);
        }
        Ok(store)
    }

    fn train(&self, store: &Store, devices: &[Device]) -> Result<Vec<PathBuf>> {
        let out = self.out.join("dictionaries");
        let sweep = Sweep {
            supply: store,
            runs: self.runs,
            partition: Partition::WHOLE,
            out: &out,
            devices,
            buffer: BUFFER,
        };
        let trained = sweep.run()?;
        for Trained { run, folder, last } in &trained {
            match last {
                Ok(None) => eprintln!("{}: there already", folder.display()),
                Ok(Some(_)) => {}
                Err(why) => bail!("{}: {why}", run.name),
            }
        }
        Ok(trained.into_iter().map(|trained| trained.folder).collect())
    }

    /// Judges the dictionaries, and takes the one to be preferred.
    fn evaluate(
        &self,
        folders: Vec<PathBuf>,
        store: &Store,
        loaded: &LoadedModel,
        device: &Device,
    ) -> Result<(Opened, Vec<Latent>)> {
        let opened = folders.iter().map(|folder| dictionary::open(folder));
        let mut opened = opened.collect::<Result<Vec<Opened>>>()?;
        let mut found = Vec::new();
        for one in &opened {
            let there = evaluate::read(&one.folder).ok();
            if let Some(there) = there.filter(|(known, _)| known.store_sha256 == store.sha256()) {
                eprintln!("{}: judged already", one.folder.display());
                found.push(there);
                continue;
            }
            let (mut evaluation, mut latents) =
                evaluate::evaluate(&one.dictionary, store, &self.layer.name, None, None)?;
            match recovered(&one.dictionary, store, &self.layer.name, loaded, device) {
                Ok(recovered) => {
                    [evaluation.loss_recovered, evaluation.accuracy_recovered] = recovered.shares();
                    evaluation.recovered = Some(recovered);
                }
                Err(error) => {
                    interrupt::check()?;
                    eprintln!("how well the network goes on is left out: {error:#}");
                }
            }
            if let Some(other) = opened.iter().find(|other| other_seed::is_other_seed(one, other)) {
                other_seed::note(one, other, &mut evaluation, &mut latents);
            }
            evaluate::write(&one.folder, &evaluation, &latents)?;
            found.push((evaluation, latents));
        }
        let evaluations: Vec<Evaluation> = found.iter().map(|(known, _)| known.clone()).collect();
        let index = choose(&evaluations).context("nothing was trained")?.index;
        let Evaluation { normalized_mse, l0, dead_share, .. } = &evaluations[index];
        eprintln!(
            "{}: normalized MSE {normalized_mse:.4}, L0 {l0:.2}, {:.1} % dead latents",
            opened[index].folder.display(),
            100.0 * dead_share
        );
        Ok((opened.swap_remove(index), found.swap_remove(index).1))
    }

    /// The most stable latents that fire neither nearly always nor nearly never, by their numbers.
    fn to_be_dreamed(&self, latents: &[Latent]) -> Vec<usize> {
        let choice = Choice { log_frequency: Some(self.log_frequency), ..Choice::default() };
        let chosen = choice.of(latents, By::Stability);
        let mut numbers: Vec<usize> =
            chosen.iter().take(self.dreams).map(|latent| latent.latent).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Says which step begins, unless Ctrl-C was pressed.
fn step(number: usize, what: &str) -> Result<()> {
    interrupt::check()?;
    eprintln!("step {number} of {STEPS}: {what}");
    Ok(())
}
