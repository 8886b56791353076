//! Requests in, events out; no browser.
//!
//! [`Engine::receive`] hears a request and gives back the work it means, as a future for the
//! caller to drive beside the others. What only steers other requests is done when it is heard.
//! Between two steps a dream lets everybody else go first, so that `Stop` means stop at the next
//! step and several dreams climb in turn.

mod answer;
mod bundle;
mod dream;
pub mod host;
mod load;
mod look;
mod order;
mod picture;
mod respond;
mod unpack;
mod watch;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use shared::burn::tensor::Device;

use self::answer::{Answer, Ending, Jobs};
use self::host::Host;
use self::load::Loaded;
use self::order::Queue;
use self::unpack::Dropped;
use crate::failure;
use crate::protocol::{
    Ask, DeviceReport, Envelope, Failure, FailureKind, Reply, Request, RequestId,
};

/// Work that a request means, to be driven to its end.
pub type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Does what the window asks. Clones are the same engine.
pub struct Engine<H> {
    core: Rc<Core<H>>,
}

/// What all requests share.
struct Core<H> {
    host: H,
    jobs: Rc<Jobs>,
    queue: Rc<Queue>,
    device: RefCell<Option<Open>>,
    model: RefCell<Option<Rc<Loaded>>>,
    dropped: Dropped,
}

/// The device in use.
#[derive(Clone)]
struct Open {
    device: Device,
    report: DeviceReport,
}

impl<H: Host> Engine<H> {
    /// An engine with neither device nor model yet, which says everything to `emit`.
    pub fn new(emit: impl Fn(Envelope<Reply>) + 'static, host: H) -> Self {
        let core = Core {
            host,
            jobs: Rc::new(Jobs::new(Box::new(emit))),
            queue: Rc::default(),
            device: RefCell::default(),
            model: RefCell::default(),
            dropped: Dropped::default(),
        };
        Self { core: Rc::new(core) }
    }

    /// Hears a request. What comes back, if anything, is the work left to do; dropping it
    /// unfinished fails the request.
    ///
    /// A request whose id is still in use is ignored: it cannot be told from the one before it.
    pub fn receive(&self, envelope: Envelope<Request>) -> Option<Work> {
        let Envelope { message: Request { id, ask }, buffers } = envelope;
        let answer = Jobs::open(&self.core.jobs, id)?;
        let core = self.core.clone();
        match ask {
            Ask::Stop { target } => {
                core.jobs.stop(target);
                answer.end(Ok(()));
                None
            }
            Ask::Steer { dream, pace } => {
                answer.end(core.jobs.steer(dream, pace));
                None
            }
            Ask::LoseDevice => {
                answer.end(core.host.lose_device().map_err(Ending::Failed));
                None
            }
            Ask::OpenDevice(choice) => {
                let turn = self.core.queue.turn();
                Some(finish(answer, async move |answer| {
                    answer.unless_stopped(turn.comes()).await?;
                    load::open_device(&core, answer, choice).await
                }))
            }
            Ask::LoadModel { bundle_url } => {
                let turn = self.core.queue.turn();
                Some(finish(answer, async move |answer| {
                    load::load_model(&core, answer, &bundle_url, &turn).await
                }))
            }
            Ask::TakeWeights { bundle_url } => {
                let turn = self.core.queue.turn();
                Some(finish(answer, async move |answer| {
                    load::take_weights(&core, answer, &bundle_url, buffers, &turn).await
                }))
            }
            Ask::LoadKept { bundle_url, sha256 } => {
                let turn = self.core.queue.turn();
                Some(finish(answer, async move |answer| {
                    load::load_kept(&core, answer, &bundle_url, sha256, &turn).await
                }))
            }
            Ask::Unpack { name } => Some(finish(answer, async move |answer| {
                unpack::unpack(&core, answer, &name, buffers)
            })),
            Ask::FetchPart { bundle_url, part, what } => {
                Some(finish(answer, async move |answer| {
                    bundle::fetch_part(&core, answer, &bundle_url, &part, &what).await
                }))
            }
            Ask::Respond { layer, channel, pictures } => {
                let place = self.core.queue.place();
                Some(finish(answer, async move |answer| {
                    answer.unless_stopped(place.comes()).await?;
                    respond::respond(&core, answer, &layer, channel, pictures, buffers).await
                }))
            }
            Ask::Classify { picture, layer, channels } => {
                let place = self.core.queue.place();
                Some(finish(answer, async move |answer| {
                    answer.unless_stopped(place.comes()).await?;
                    look::classify(&core, answer, picture, buffers, &layer, channels).await
                }))
            }
            Ask::Dream { objective, settings, seed, steps, paused } => {
                let place = self.core.queue.place();
                answer.start_paused(paused);
                Some(finish(answer, async move |answer| {
                    answer.unless_stopped(place.comes()).await?;
                    let wish = dream::Wish { objective, settings, seed, steps };
                    dream::dream(&core, answer, wish).await
                }))
            }
        }
    }

    /// The window has handled the latest picture of this dream.
    pub fn seen(&self, dream: RequestId) {
        self.core.jobs.seen(dream);
    }
}

/// Work that ends its request in one way or another.
fn finish(answer: Answer, work: impl AsyncFnOnce(&Answer) -> Result<(), Ending> + 'static) -> Work {
    Box::pin(async move {
        let ending = work(&answer).await;
        answer.end(ending);
    })
}

impl<H: Host> Core<H> {
    /// The device in use.
    fn open(&self) -> Result<Open, Failure> {
        self.device.borrow().clone().ok_or_else(|| {
            Failure::new(
                FailureKind::NotReady,
                "There is no device to compute on.",
                "None was opened, or it could not be opened.",
                "Choose a device.",
            )
        })
    }

    /// The model in use.
    fn loaded(&self) -> Result<Rc<Loaded>, Failure> {
        self.model.borrow().clone().ok_or_else(|| {
            Failure::new(
                FailureKind::NotReady,
                "There is no model yet.",
                "None was loaded, or it could not be loaded.",
                "Load a model first.",
            )
        })
    }

    /// What went wrong: with the device, if something did, else as the error says.
    fn blame(&self, loaded: &Loaded, error: shared::Error) -> Failure {
        self.healthy(loaded).err().unwrap_or_else(|| failure::of(error))
    }

    /// Refuses to believe anything computed on a device that is in trouble.
    fn healthy(&self, loaded: &Loaded) -> Result<(), Failure> {
        match self.host.device_trouble() {
            Some(trouble) if loaded.on_gpu() => Err(trouble),
            _ => Ok(()),
        }
    }
}
