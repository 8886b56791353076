//! Requests in, events out; no browser.
//!
//! [`Engine::receive`] hears a request and gives back the work it means, as a future for the
//! caller to drive beside the others. What only steers other requests is done when it is heard.
//! Between two steps a dream lets everybody else go first, so that `Stop` means stop at the next
//! step and several dreams climb in turn.

mod activations;
mod attend;
mod bundle;
mod core;
mod dream;
mod dropped;
mod gather;
pub mod host;
mod latents;
mod learn;
mod load;
mod loaded;
mod look;
mod order;
mod picture;
mod respond;
mod unpack;
mod voice;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use self::core::Core;
use self::host::Host;
use self::voice::{Ending, Requests, Voice};
use crate::protocol::{Ask, Envelope, Question, Reply, Request, RequestId};

/// Work that a request means, to be driven to its end.
pub type Work = Pin<Box<dyn Future<Output = ()>>>;

/// Does what the window asks. Clones are the same engine.
pub struct Engine<H> {
    core: Rc<Core<H>>,
}

impl<H: Host> Engine<H> {
    /// An engine with neither device nor model yet, which says everything to `emit`.
    pub fn new(emit: impl Fn(Envelope<Reply>) + 'static, host: H) -> Self {
        Self { core: Rc::new(Core::new(emit, host)) }
    }

    /// Hears a request. What comes back, if anything, is the work left to do; dropping it
    /// unfinished fails the request.
    ///
    /// A request whose id is still in use is ignored: it cannot be told from the one before it.
    pub fn receive(&self, envelope: Envelope<Request>) -> Option<Work> {
        let Envelope { message: Request { id, ask }, buffers } = envelope;
        let core = self.core.clone();
        match ask {
            Ask::Stop(asked) => {
                let voice = self.voice(id, &asked)?;
                core.requests.stop(asked.target);
                voice.end(Ok(()));
                None
            }
            Ask::Steer(asked) => {
                let voice = self.voice(id, &asked)?;
                voice.end(core.requests.steer(asked.dream, asked.pace));
                None
            }
            Ask::LoseDevice(asked) => {
                let voice = self.voice(id, &asked)?;
                voice.end(core.host.lose_device().map_err(Ending::Failed));
                None
            }
            Ask::OpenDevice(asked) => {
                let (voice, turn) = (self.voice(id, &asked)?, core.queue.turn());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(turn.comes()).await?;
                    load::open_device(&core, voice, asked).await
                }))
            }
            Ask::LoadModel(asked) => {
                let (voice, turn) = (self.voice(id, &asked)?, core.queue.turn());
                Some(finish(voice, async move |voice| {
                    load::load_model(&core, voice, asked, &turn).await
                }))
            }
            Ask::TakeWeights(asked) => {
                let (voice, turn) = (self.voice(id, &asked)?, core.queue.turn());
                Some(finish(voice, async move |voice| {
                    load::take_weights(&core, voice, asked, buffers, &turn).await
                }))
            }
            Ask::LoadKept(asked) => {
                let (voice, turn) = (self.voice(id, &asked)?, core.queue.turn());
                Some(finish(voice, async move |voice| {
                    load::load_kept(&core, voice, asked, &turn).await
                }))
            }
            Ask::Unpack(asked) => {
                let voice = self.voice(id, &asked)?;
                Some(finish(voice, async move |voice| unpack::unpack(&core, voice, asked, buffers)))
            }
            Ask::FetchPart(asked) => {
                let voice = self.voice(id, &asked)?;
                Some(finish(voice, async move |voice| {
                    bundle::fetch_part(&core, voice, asked).await
                }))
            }
            Ask::Respond(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    respond::respond(&core, voice, asked, buffers).await
                }))
            }
            Ask::Classify(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    look::classify(&core, voice, asked, buffers).await
                }))
            }
            Ask::Attend(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    attend::attend(&core, voice, asked, buffers).await
                }))
            }
            Ask::Gather(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    gather::gather(&core, voice, asked, buffers).await
                }))
            }
            Ask::Learn(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    learn::learn(&core, voice, asked).await
                }))
            }
            Ask::Recall(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    learn::recall(&core, voice, asked, buffers).await
                }))
            }
            Ask::Dream(asked) => {
                let (voice, ticket) = (self.voice(id, &asked)?, core.queue.ticket());
                voice.start_paused(asked.paused);
                Some(finish(voice, async move |voice| {
                    voice.unless_stopped(ticket.comes()).await?;
                    dream::dream(&core, voice, asked).await
                }))
            }
        }
    }

    /// The window has handled the latest picture of this dream.
    pub fn seen(&self, dream: RequestId) {
        self.core.requests.seen(dream);
    }

    /// The voice in which a question is answered; none, if another of this id has not ended.
    fn voice<Q: Question>(&self, id: RequestId, question: &Q) -> Option<Voice<Q::Answer>> {
        Requests::open(&self.core.requests, id, question)
    }
}

/// Work that ends its request in one way or another.
fn finish<A: 'static>(
    voice: Voice<A>,
    work: impl AsyncFnOnce(&Voice<A>) -> Result<(), Ending> + 'static,
) -> Work {
    Box::pin(async move {
        let ending = work(&voice).await;
        voice.end(ending);
    })
}
