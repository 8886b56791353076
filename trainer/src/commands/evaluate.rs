//! `pellucid evaluate`: what dictionaries are worth.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use shared::readout::dictionary::{Dictionary, Pursuit};

use super::arguments::{DeviceArgs, WeightsArgs, open_store};
use crate::dictionary::{self, Opened};
use crate::evaluate;
use crate::evaluate::choice::{choose, figure};
use crate::evaluate::embeddings::Embeddings;
use crate::evaluate::floor;
use crate::evaluate::other_seed::{self, beside, is_other_seed};
use crate::evaluate::recovered::recovered;
use crate::evaluate::truth::Truths;
use crate::evaluate::worth::Evaluation;
use crate::failure::WrongCall;
use crate::model::LoadedModel;
use crate::shards::Store;
use crate::synthetic::NAME;
use crate::{device, output};

/// Which dictionaries, on what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pellucid evaluate dictionaries/ store/\n  \
    pellucid evaluate dictionaries/k-32_seed-0 held-out/ --embedding pooled/ --json\n\n\
    Writes evaluation.json and latents.jsonl beside each dictionary; `pellucid features` shows what is\n\
    in them. Stability needs another seed: one that is named as well, or that lies beside it. How well\n\
    the network goes on from the reconstruction needs its weights and all tokens of the layer; where\n\
    one is missing, that is said and left out. docs/dictionaries.md says what the numbers mean.")]
pub struct Args {
    /// Folders of dictionaries, or folders of such folders
    #[arg(value_name = "DICTIONARY", required = true)]
    dictionaries: Vec<PathBuf>,

    /// The store to judge them on; it should not be the one that they were trained on
    #[arg(value_name = "STORE", required = true)]
    store: PathBuf,

    /// The layer, where a dictionary does not know its own
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,

    /// A store of the same pictures with a token of each, of another network: what tells how alike
    /// pictures are
    #[arg(long, value_name = "STORE")]
    embedding: Option<PathBuf>,

    /// A PNG file for error against L0, a point a dictionary
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// Takes latents greedily, at most so many of an activation, instead of by the dictionary's own
    /// encoder; nothing is written beside the dictionary then
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65536))]
    matching_pursuit: Option<u32>,

    /// Leaves out how well the network goes on
    #[arg(long)]
    no_network: bool,

    /// Leaves out k-means, which takes as long as two dictionaries
    #[arg(long)]
    no_k_means: bool,

    #[command(flatten)]
    weights: WeightsArgs,

    /// One line of JSON for each dictionary
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

/// What was found. A stable interface: scripts read it.
#[derive(Serialize)]
struct Found<'a> {
    dictionary: PathBuf,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

/// Judges, writes, and prints.
pub fn run(args: Args) -> Result<()> {
    let mut folders = Vec::new();
    for path in &args.dictionaries {
        folders.extend(dictionary::find(path)?);
    }
    let opened = folders.iter().map(|folder| dictionary::open(folder));
    let opened = opened.collect::<Result<Vec<Opened>>>()?;
    let store = open_store(&args.store)?;
    let embeddings =
        args.embedding.as_deref().map(|path| Embeddings::read(&open_store(path)?, &store));
    let embeddings = embeddings.transpose()?;
    // No network answered what is drawn from known features.
    let is_drawn = store.made_with()[0] == NAME;
    let network = if args.no_network || is_drawn { None } else { network(&args, &store)? };
    let mut evaluations = Vec::new();
    let mut centroids = BTreeMap::new();
    for one in &opened {
        let layer = match (&args.layer, one.made.layer.as_str()) {
            (Some(layer), _) => layer,
            (None, "") => {
                let folder = one.folder.display();
                let wrong =
                    format!("{folder} does not say of which layer it is: name it with --layer");
                return Err(WrongCall(wrong).into());
            }
            (None, layer) => layer,
        };
        let dictionary = match (args.matching_pursuit, one.is_doubtful) {
            (Some(k), _) => &pursuing(&one.dictionary, k),
            (None, true) => &settled(one, &store, layer)?,
            (None, false) => &one.dictionary,
        };
        let latents = dictionary.config().latents;
        if let (false, Entry::Vacant(entry)) = (args.no_k_means, centroids.entry((layer, latents)))
        {
            entry.insert(floor::centroids(&store, layer, latents)?);
        }
        let centroids = centroids.get(&(layer, latents));
        let found = evaluate::evaluate(dictionary, &store, layer, embeddings.as_ref(), centroids)?;
        let (mut evaluation, mut latents) = found;
        if let Some((loaded, device)) = &network {
            match recovered(dictionary, &store, layer, loaded, device) {
                Ok(found) => {
                    [evaluation.loss_recovered, evaluation.accuracy_recovered] = found.shares();
                    evaluation.recovered = Some(found);
                }
                Err(error) => eprintln!("how well the network goes on is left out: {error:#}"),
            }
        }
        let named = opened.iter().find(|other| is_other_seed(one, other));
        let beside = if named.is_none() { beside(one) } else { None };
        if let Some(other) = named.or(beside.as_ref()) {
            other_seed::note(one, other, &mut evaluation, &mut latents);
        }
        if args.matching_pursuit.is_none() {
            evaluate::write(&one.folder, &evaluation, &latents)?;
        }
        let found = Found { dictionary: one.folder.clone(), evaluation: &evaluation };
        if args.json {
            output::json_line(&found)?
        } else {
            report(&found)?
        }
        evaluations.push(evaluation);
    }
    compare(&args, &opened, &evaluations)
}

/// Says which of several dictionaries to take, and draws them beside each other.
fn compare(args: &Args, opened: &[Opened], evaluations: &[Evaluation]) -> Result<()> {
    if let Some(choice) = choose(evaluations).filter(|_| 1 < opened.len()) {
        let folder = opened[choice.index].folder.display();
        eprintln!("to be preferred: {folder} ({})", choice.reason);
    }
    if let Some(path) = &args.figure {
        let name =
            |one: &Opened| one.folder.file_name().unwrap_or_default().to_string_lossy().into();
        let names: Vec<String> = opened.iter().map(name).collect();
        figure(&names, evaluations).write(path)?;
        eprintln!("{}", path.display());
    }
    Ok(())
}

/// An older dictionary of saev's, the way that explains the store better, which is said.
fn settled(one: &Opened, store: &Store, layer: &str) -> Result<Dictionary> {
    let ways = [false, true].map(|centred| one.dictionary.clone().with_centring(centred));
    let errors =
        [evaluate::glance(&ways[0], store, layer)?, evaluate::glance(&ways[1], store, layer)?];
    let is_centred = errors[1] < errors[0];
    eprintln!(
        "{}: an older saev may have taken off the decoder's bias first; normalized MSE is {:.4} \
         without, {:.4} with: taking it {}",
        one.folder.display(),
        errors[0],
        errors[1],
        if is_centred { "off" } else { "as today's saev does" }
    );
    let [plain, centred] = ways;
    Ok(if is_centred { centred } else { plain })
}

/// The same decoder, encoded greedily. Rows are made as long as each other first: else a long one
/// would be taken for a good one.
fn pursuing(dictionary: &Dictionary, k: u32) -> Dictionary {
    let pursuit = Pursuit { rounds: k as usize, residual: 0.0, until_repeated: false };
    // What is greedy takes off the bias that it adds.
    dictionary.clone().with_centring(true).with_unit_rows().with_pursuit(pursuit)
}

/// The network that the store was recorded with, if it can be had.
fn network(
    args: &Args,
    store: &Store,
) -> Result<Option<(LoadedModel, shared::burn::tensor::Device)>> {
    let [model, sha256] = store.made_with();
    let device = device::open(args.device.device.into())?;
    let left_out = |why: String| eprintln!("how well the network goes on is left out: {why}");
    match LoadedModel::load(model, args.weights.weights.as_deref(), &device) {
        Ok(loaded) if loaded.sha256 == sha256 => return Ok(Some((loaded, device))),
        Ok(_) => left_out(
            "these are other weights than those that the store was recorded with".to_owned(),
        ),
        // Weights that were named must be there.
        Err(error) if args.weights.weights.is_some() => return Err(error),
        Err(error) => left_out(format!("{error:#}")),
    }
    Ok(None)
}

fn report(found: &Found<'_>) -> Result<()> {
    let Evaluation { normalized_mse, l0, dead_share, pca_normalized_mse, cosine, .. } =
        found.evaluation;
    let of_centroids = found.evaluation.k_means_normalized_mse;
    let of_centroids = of_centroids.map(|error| format!(", k-means: {error:.4}"));
    output::line(&format!("{}:", found.dictionary.display()))?;
    output::line(&format!(
        "  normalized MSE {normalized_mse:.4} (principal components: {pca_normalized_mse:.4}{}), \
         cosine {cosine:.4}, L0 {l0:.2}",
        of_centroids.unwrap_or_default()
    ))?;
    let Evaluation { dense_share, rare_share, .. } = found.evaluation;
    let [dead, dense, rare] = [dead_share, dense_share, rare_share].map(|share| 100.0 * share);
    output::line(&format!("  latents: {dead:.1} % dead, {rare:.1} % rare, {dense:.1} % dense"))?;
    if let Some(truth) = &found.evaluation.truth {
        let Truths { f1, precision, recall, uniqueness, shrinkage, true_l0, .. } = truth;
        let mcc = truth.mcc.map(|mcc| format!(", MCC {mcc:.4}")).unwrap_or_default();
        output::line(&format!(
            "  known features: F1 {f1:.4} (precision {precision:.4}, recall {recall:.4}){mcc}, \
             uniqueness {uniqueness:.4}, shrinkage {shrinkage:.4}, true L0 {true_l0:.2}"
        ))?;
    }
    let optional = [
        ("loss recovered", found.evaluation.loss_recovered),
        ("accuracy recovered", found.evaluation.accuracy_recovered),
        ("stability", found.evaluation.stability),
        ("purity", found.evaluation.purity),
        ("coherence", found.evaluation.coherence),
        ("monosemanticity", found.evaluation.monosemanticity),
    ];
    let told = optional.iter().filter_map(|(name, value)| Some(format!("{name} {:.4}", (*value)?)));
    let told: Vec<String> = told.collect();
    if told.is_empty() { Ok(()) } else { output::line(&format!("  {}", told.join(", "))) }
}
