//! A request's one voice: whatever happens to its work, it ends exactly once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::protocol::{
    Envelope, Event, Failure, FailureKind, Pace, Progress, Question, Reply, RequestId, Stepped,
};
use crate::watch::Watch;

/// How a request ends other than well.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It was stopped.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// All requests that have not ended.
pub struct Requests {
    emit: Box<dyn Fn(Envelope<Reply>)>,
    open: RefCell<BTreeMap<RequestId, Rc<OpenRequest>>>,
}

/// What others have said about a request since it was asked.
#[derive(Default)]
struct OpenRequest {
    orders: Watch<Orders>,
    /// Whether a picture is under way that the window has not handled yet.
    picture_unseen: Cell<bool>,
}

/// What a dream is to do.
#[derive(Clone, Copy, Default)]
struct Orders {
    stopped: bool,
    paused: bool,
    /// Steps to make although paused.
    owed: usize,
}

/// What a dream does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A step.
    Step,
    /// Nothing, until told otherwise.
    Wait,
    /// It ends.
    Stop,
}

/// The right, and the duty, to answer one request, with what its question is answered with. An end
/// can only be said by [`Voice::end`], or by dropping it.
pub struct Voice<A> {
    requests: Rc<Requests>,
    request: Rc<OpenRequest>,
    id: RequestId,
    ended: bool,
    says: PhantomData<fn(A)>,
}

impl Requests {
    /// Nothing is open.
    pub fn new(emit: Box<dyn Fn(Envelope<Reply>)>) -> Self {
        Self { emit, open: RefCell::default() }
    }

    /// A request begins; nothing, if one of this id has not ended.
    pub fn open<Q: Question>(
        requests: &Rc<Self>,
        id: RequestId,
        _question: &Q,
    ) -> Option<Voice<Q::Answer>> {
        let mut open = requests.open.borrow_mut();
        if open.contains_key(&id) {
            return None;
        }
        let request = Rc::new(OpenRequest::default());
        open.insert(id, request.clone());
        Some(Voice { requests: requests.clone(), request, id, ended: false, says: PhantomData })
    }

    /// Stops a request, if it is open.
    pub fn stop(&self, id: RequestId) {
        if let Some(request) = self.find(id) {
            request.orders.change(|orders| orders.stopped = true);
        }
    }

    /// Sets a dream's pace.
    ///
    /// # Errors
    /// No such dream is open.
    pub fn steer(&self, id: RequestId, pace: Pace) -> Result<(), Ending> {
        let request = self.find(id).ok_or_else(|| {
            Failure::new(
                FailureKind::Input,
                "There is no such dream any more.",
                "It has ended.",
                "Start it again.",
            )
        })?;
        request.orders.change(|orders| match pace {
            Pace::Run => *orders = Orders { paused: false, owed: 0, ..*orders },
            Pace::Pause => *orders = Orders { paused: true, owed: 0, ..*orders },
            Pace::Once => *orders = Orders { paused: true, owed: orders.owed + 1, ..*orders },
        });
        Ok(())
    }

    /// The window has handled the latest picture of this request.
    pub fn seen(&self, id: RequestId) {
        if let Some(request) = self.find(id) {
            request.picture_unseen.set(false);
        }
    }

    fn find(&self, id: RequestId) -> Option<Rc<OpenRequest>> {
        self.open.borrow().get(&id).cloned()
    }
}

impl<A: From<Progress> + Into<Event>> Voice<A> {
    /// Bytes so far.
    pub fn progress(&self, what: &str, done: u64, total: Option<u64>, cached: bool) {
        self.say(Progress { what: what.to_owned(), done, total, cached }.into(), Vec::new());
    }
}

impl Voice<Stepped> {
    /// A step was made; with or without its pictures.
    pub fn stepped(&self, stepped: Stepped, pictures: Option<Vec<u8>>) {
        self.request.picture_unseen.set(self.request.picture_unseen.get() || pictures.is_some());
        self.say(stepped, pictures.into_iter().collect());
    }
}

impl<A: Into<Event>> Voice<A> {
    /// Says something, with the buffers that belong to it.
    pub fn say(&self, answer: A, buffers: Vec<Vec<u8>>) {
        self.emit(answer.into(), buffers);
    }
}

impl<A> Voice<A> {
    /// Ends the request.
    pub fn end(mut self, ending: Result<(), Ending>) {
        self.end_with(match ending {
            Ok(()) => Event::Done,
            Err(Ending::Cancelled) => Event::Cancelled,
            Err(Ending::Failed(failure)) => Event::Failed(failure),
        });
    }

    /// Whether the window is ready for another picture.
    pub fn wants_picture(&self) -> bool {
        !self.request.picture_unseen.get()
    }

    /// Before the first order comes.
    pub fn start_paused(&self, paused: bool) {
        self.request.orders.change(|orders| orders.paused = paused);
    }

    /// What is to be done now, as far as anybody has said.
    pub fn next(&self) -> Next {
        self.request.orders.look(|orders| match orders {
            Orders { stopped: true, .. } => Next::Stop,
            Orders { paused: true, owed: 0, .. } => Next::Wait,
            _ => Next::Step,
        })
    }

    /// One step of those owed is about to be made.
    pub fn step_begins(&self) {
        self.request.orders.change(|orders| orders.owed = orders.owed.saturating_sub(1));
    }

    /// Waits while there is nothing to do.
    pub async fn until_wanted(&self) {
        let wanted = |orders: &Orders| orders.stopped || !orders.paused || 0 < orders.owed;
        self.request.orders.until(wanted).await;
    }

    /// Ends early if the request was stopped.
    pub fn check_stopped(&self) -> Result<(), Ending> {
        if self.next() == Next::Stop { Err(Ending::Cancelled) } else { Ok(()) }
    }

    /// Drives `work`, and drops it when the request is stopped.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Ending> {
        let mut work = pin!(work);
        let mut stop = pin!(self.request.orders.until(|orders| orders.stopped));
        poll_fn(|context| {
            if stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Ending::Cancelled));
            }
            work.as_mut().poll(context).map(Ok)
        })
        .await
    }

    fn end_with(&mut self, event: Event) {
        if !self.ended {
            self.ended = true;
            self.requests.open.borrow_mut().remove(&self.id);
            self.emit(event, Vec::new());
        }
    }

    fn emit(&self, event: Event, buffers: Vec<Vec<u8>>) {
        (self.requests.emit)(Envelope { message: Reply { id: self.id, event }, buffers });
    }
}

impl<A> Drop for Voice<A> {
    fn drop(&mut self) {
        self.end_with(Event::Failed(Failure::new(
            FailureKind::Internal,
            "This was left unfinished.",
            "The engine dropped its work.",
            "Try again; if it happens once more, report the details.",
        )));
    }
}
