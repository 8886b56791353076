//! Activations whose features are known: a store as `pellucid record` writes one, and the truth
//! beside it.

pub mod design;
pub mod draw;
pub mod features;
mod normal;
pub mod truth;

use std::sync::mpsc;

use anyhow::{Result, anyhow};
use shared::format::shards::{Array, Description, Dtype, Layout, Named, Titled, TokenKind};
use shared::image::Resampling;
use shared::preprocess::{ChannelOrder, Preprocessing, Resize};

use crate::failure::WrongCall;
use crate::hash;
use crate::interrupt;
use crate::progress::{Counted, Progress};
use crate::record::writer::{Rows, Writer};
use crate::shards::shelf::{SHARDS, STORE, Shelf};
use crate::shards::{description, finished};
use design::Design;
use draw::Draw;
use features::Features;
use truth::{TRUTH, features_file, uses_file, uses_path};

/// What such a store says that its model and its layer are.
pub const NAME: &str = "synthetic";

/// What is drawn.
pub struct Drawing<'a> {
    /// From what.
    pub design: &'a Design,
    /// Which examples: another number gives others of the same features.
    pub draw: u64,
    /// How many.
    pub examples: u64,
    /// How numbers are stored.
    pub dtype: Dtype,
    /// Examples in a shard.
    pub examples_per_shard: u64,
    /// Where to.
    pub shelf: &'a dyn Shelf,
}

/// What is in the store then.
#[derive(Debug)]
pub struct Drawn {
    /// What it is.
    pub description: Description,
    /// Features of an activation, in the mean.
    pub l0: f64,
}

impl Drawing<'_> {
    /// Draws what an earlier run of the same job has not drawn.
    ///
    /// # Errors
    /// The store is that of another job, a value has no room in the numbers that are stored, the
    /// disk is full, or Ctrl-C was pressed.
    pub fn run(&self) -> Result<Drawn> {
        self.design.check()?;
        let features = Features::new(self.design);
        let file = features_file(self.design, &features)?;
        let (description, store_sha256) = self.agree(&hash::sha256(&file))?;
        self.shelf.create(TRUTH, &file)?;
        let layout = &description.layout;
        self.shelf.tidy(0..layout.shards())?;
        let files = self.shelf.list(SHARDS)?;
        let draw = Draw::new(self.design, &features, self.draw);
        let total = Some(layout.examples);
        let mut progress = Progress::new(NAME, total, Counted::Things("activations"));
        let mut uses = 0;
        for shard in 0..layout.shards() {
            interrupt::check()?;
            let examples = layout.shard_examples(shard);
            let codes = draw.codes(examples.clone());
            uses += codes.uses.len();
            if finished(self.shelf, &files, (&store_sha256, layout), shard).ok().flatten().is_none()
            {
                self.shelf.put(&uses_path(shard), &uses_file(&codes)?)?;
                let values = draw.activations(&codes);
                self.write(&store_sha256, layout, shard, &values)?;
            }
            progress.advance(examples.end - examples.start);
        }
        progress.clear();
        let l0 = uses as f64 / layout.examples as f64;
        Ok(Drawn { description, l0 })
    }

    /// The description of the store, which is written if there is none, and its SHA-256.
    fn agree(&self, truth_sha256: &str) -> Result<(Description, String)> {
        let named = Named {
            model: NAME.to_owned(),
            weights_sha256: truth_sha256.to_owned(),
            preprocessing: no_preprocessing(),
            pictures_sha256: hash::sha256(format!("{NAME} draw {}", self.draw).as_bytes()),
            titles_sha256: None,
        };
        let array = Array {
            layers: vec![NAME.to_owned()],
            channels: self.design.channels,
            tokens: 1,
            extra: 0,
            grid: None,
        };
        let layout = Layout {
            examples: self.examples,
            tokens: TokenKind::Pooled,
            dtype: self.dtype,
            examples_per_shard: self.examples_per_shard,
            arrays: vec![array],
        };
        layout.check().map_err(|reason| WrongCall(format!("the store {reason}")))?;
        let ours = Description { named, layout };
        let bytes = ours.to_json()?.into_bytes();
        if self.shelf.create(STORE, &bytes)? {
            return Ok((ours, hash::sha256(&bytes)));
        }
        let (theirs, sha256) = description(self.shelf)?;
        if ours != theirs {
            let name = self.shelf.name();
            let wrong = format!(
                "{name} holds activations of another job: go on with that job's command, or choose \
                 another --out"
            );
            return Err(WrongCall(wrong).into());
        }
        Ok((theirs, sha256))
    }

    /// Writes a shard as every store has them.
    fn write(&self, store_sha256: &str, layout: &Layout, shard: u64, values: &[f32]) -> Result<()> {
        let mut bytes = Vec::with_capacity(values.len() * self.dtype.width());
        self.dtype.encode(values, &mut bytes).map_err(|value| {
            anyhow!("{value:e} has no room in {}: choose another --dtype", self.dtype.name())
        })?;
        let titled = |number: u64| Titled { file: number.to_string(), label: String::new() };
        let pictures = layout.shard_examples(shard).map(titled).collect();
        let rows = Rows { shard, arrays: vec![bytes], pictures, unreadable: Vec::new() };
        let (give, take) = mpsc::channel();
        give.send(rows)?;
        drop(give);
        Writer { shelf: self.shelf, layout, store_sha256 }.run(take)?;
        Ok(())
    }
}

/// There are no pictures: one value, as it is.
fn no_preprocessing() -> Preprocessing {
    Preprocessing {
        order: ChannelOrder::Rgb,
        scale: [1.0; 3],
        offset: [0.0; 3],
        resize: Resize::ShorterSide(1),
        resampling: Resampling::Bilinear,
        crop: 1,
    }
}
