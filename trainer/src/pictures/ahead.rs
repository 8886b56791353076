//! Pictures decoded on threads of their own, ahead of whoever computes with them, in order.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow};
use shared::image::Picture;

use super::decode;
use super::found::Content;
use super::source::Source;

/// Pictures decoded ahead of one that is computed with. Two hide decoding behind inference; more
/// would only cost memory.
pub const FEW: usize = 2;

/// Pictures that a worker has ready at most, however large the batches: a channel makes room for all
/// at once.
const MOST_AHEAD: usize = 256;

/// A picture of a source.
pub struct Decoded<T> {
    /// As [`super::found::Found::name`].
    pub name: String,
    /// Decoded and prepared, or what kept it from being so.
    pub picture: Result<T>,
}

/// A picture on its way to whoever decodes it, or what ends the source.
type Read = Result<(String, Content)>;

/// Pictures in the order of their sources; an error ends it.
pub struct Ahead<T> {
    outputs: Vec<Receiver<Result<Decoded<T>>>>,
    turn: usize,
}

impl<T> Iterator for Ahead<T> {
    type Item = Result<Decoded<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        // After the end it stays at the end: another worker's next picture has another number.
        let next = self.outputs[self.turn].recv().ok()?;
        self.turn = (self.turn + 1) % self.outputs.len();
        Some(next)
    }
}

/// Decodes the pictures of sources from number `from`, about `ahead` before they are asked for, each
/// passed through `prepare` on the thread that decodes it.
pub fn decode_ahead<T: Send + 'static>(
    sources: Vec<Source>,
    from: u64,
    ahead: usize,
    prepare: impl Fn(Picture) -> Result<T> + Send + Sync + 'static,
) -> Ahead<T> {
    // Half the cores: enough for a fast GPU, and the processor's own inference wants the rest.
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let workers = workers.min(ahead.max(1));
    let prepare = Arc::new(prepare);
    let mut inputs: Vec<SyncSender<Read>> = Vec::new();
    let mut outputs = Vec::new();
    for _ in 0..workers {
        let (give, take) = sync_channel::<Read>(1);
        let (send, receive) = sync_channel(ahead.div_ceil(workers).min(MOST_AHEAD));
        let prepare = prepare.clone();
        thread::spawn(move || {
            for found in take {
                let decoded = found.map(|(name, content)| {
                    let picture = unless_it_panics(&name, || {
                        prepare(decode::content(&name, content)?).with_context(|| name.clone())
                    });
                    Decoded { name, picture }
                });
                if send.send(decoded).is_err() {
                    // Nobody waits for the rest.
                    return;
                }
            }
        });
        inputs.push(give);
        outputs.push(receive);
    }
    thread::spawn(move || feed(&sources, from, &inputs));
    Ahead { outputs, turn: 0 }
}

/// A decoder that panics has met a damaged file, and one file does not end a pass over millions.
fn unless_it_panics<T>(name: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(anyhow!("{name}: the decoder gave up on it")))
}

/// Hands the pictures round, one to each worker in turn.
fn feed(sources: &[Source], from: u64, inputs: &[SyncSender<Read>]) {
    let mut number = 0;
    let mut turn = 0;
    let mut stopped = false;
    for source in sources {
        let walked = source.walk(&mut |found| {
            number += 1;
            if number <= from {
                return Ok(ControlFlow::Continue(()));
            }
            stopped = inputs[turn].send(Ok((found.name.clone(), found.content()))).is_err();
            turn = (turn + 1) % inputs.len();
            Ok(if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        if let Err(error) = walked {
            // Whoever reads stops at the error; if nobody reads any more, nobody misses it.
            let _ = inputs[turn].send(Err(error));
            return;
        }
        if stopped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Nine pictures of widths 1 to 9, the fourth broken.
    fn nine() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for width in 1..=9 {
            let path = folder.path().join(format!("{width}.png"));
            image::RgbImage::new(width, 1).save(&path).unwrap();
        }
        fs::write(folder.path().join("4.png"), "prose").unwrap();
        folder
    }

    fn widths(from: u64, ahead: usize) -> Vec<Option<usize>> {
        let folder = nine();
        let source = Source::new(folder.path()).unwrap();
        decode_ahead(vec![source], from, ahead, Ok)
            .map(|decoded| decoded.unwrap().picture.ok().map(|picture| picture.width()))
            .collect()
    }

    #[test]
    fn pictures_come_in_order_however_many_are_decoded_at_once() {
        let mut expected: Vec<Option<usize>> = (1..=9).map(Some).collect();
        expected[3] = None;
        for ahead in [1, 2, 3, 16] {
            assert_eq!(widths(0, ahead), expected, "{ahead} ahead");
            assert_eq!(widths(5, ahead), expected[5..], "{ahead} ahead");
        }
    }

    #[test]
    fn a_picture_that_its_decoder_panics_on_is_one_that_cannot_be_read() {
        let folder = nine();
        let source = Source::new(folder.path()).unwrap();
        let fussy = |picture: Picture| {
            assert_ne!(picture.width(), 7, "not this one");
            Ok(picture)
        };
        let read: Vec<_> = decode_ahead(vec![source], 4, 2, fussy).map(Result::unwrap).collect();
        let bad: Vec<_> = read.iter().filter_map(|one| one.picture.as_ref().err()).collect();
        assert_eq!((read.len(), bad.len()), (5, 1));
        assert!(bad[0].to_string().contains("7.png"), "{}", bad[0]);
    }

    #[test]
    fn a_folder_that_went_away_ends_the_pictures_with_an_error() {
        let folder = nine();
        let source = Source::new(folder.path()).unwrap();
        drop(folder);
        let mut ahead = decode_ahead(vec![source], 0, 2, Ok);
        assert!(ahead.next().is_some_and(|first| first.is_err()));
    }
}
