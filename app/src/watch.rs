//! A value that others can wait for.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A value on one thread, and those who wait for it to become something.
#[derive(Default)]
pub struct Watch<T> {
    value: RefCell<T>,
    waiting: RefCell<Vec<Waker>>,
}

impl<T> Watch<T> {
    /// Changes the value and wakes everybody.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.value.borrow_mut());
        for waker in self.waiting.take() {
            waker.wake();
        }
        result
    }

    /// Looks at the value.
    pub fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value.borrow())
    }

    /// Waits until the value is as wished.
    pub async fn until(&self, wish: impl Fn(&T) -> bool) {
        poll_fn(|context| {
            if self.look(&wish) {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::executor::LocalPool;
    use futures::task::LocalSpawnExt;

    use super::*;

    #[test]
    fn everybody_who_waits_is_woken() {
        let watch = Rc::new(Watch::<i32>::default());
        let mut pool = LocalPool::new();
        let waits: Vec<_> = (1..=3)
            .map(|goal| {
                let watch = watch.clone();
                let wait = async move { watch.until(|&value| goal <= value).await };
                pool.spawner().spawn_local_with_handle(wait).unwrap()
            })
            .collect();
        pool.run_until_stalled();
        watch.change(|value| *value = 3);
        for wait in waits {
            pool.run_until(wait);
        }
    }
}
