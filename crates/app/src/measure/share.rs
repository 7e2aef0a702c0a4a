//! Who walks what is still to be walked?
//!
//! Each thread has its own stack and goes down before it goes on; a thread without work waits, and is given the oldest
//! half of what another has: that leads to the largest part of the tree, and keeps the fewest folders open. It does not
//! know what is walked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Work that can be cut.
pub(super) trait Part: Sized {
    /// Takes about half of it away; `None` where it is one thing only.
    fn split(&mut self) -> Option<Self>;
}

/// What is given away and not taken yet, and who waits for it.
#[derive(Debug)]
pub(super) struct Shared<P> {
    thread_count: usize,
    state: Mutex<State<P>>,
    changed: Condvar,
    /// How many wait and have nothing to take: read without the lock after every portion.
    hungry_count: AtomicUsize,
}

#[derive(Debug)]
struct State<P> {
    parts: Vec<P>,
    waiting_count: usize,
    is_over: bool,
}

impl<P: Part> Shared<P> {
    /// Begins with all the work there is.
    pub(super) fn new(thread_count: usize, part: P) -> Self {
        let state = State { parts: vec![part], waiting_count: 0, is_over: false };
        Self {
            thread_count,
            state: Mutex::new(state),
            changed: Condvar::new(),
            hungry_count: AtomicUsize::new(0),
        }
    }

    /// Whether a thread waits that nobody has given anything yet.
    pub(super) fn is_anybody_hungry(&self) -> bool {
        self.hungry_count.load(Ordering::Relaxed) > 0
    }

    /// Works until there is nothing left, neither here nor anywhere. `work` puts what it finds on the stack.
    pub(super) fn work(&self, mut work: impl FnMut(P, &mut VecDeque<P>)) {
        let _ending = Ending(self);
        let mut stack = VecDeque::new();
        while let Some(part) = self.take() {
            stack.push_back(part);
            while let Some(part) = stack.pop_back() {
                work(part, &mut stack);
                if self.is_anybody_hungry() {
                    self.give_half_of(&mut stack);
                }
            }
        }
    }

    /// Gives a part away at once.
    pub(super) fn give(&self, part: P) {
        let mut state = self.state();
        state.parts.push(part);
        self.count_hungry(&state);
        self.changed.notify_one();
    }

    fn give_half_of(&self, stack: &mut VecDeque<P>) {
        let half = stack.front_mut().and_then(P::split);
        match half {
            Some(half) => self.give(half),
            // The last thing is kept: we would only wait for it ourselves.
            None if stack.len() > 1 => stack.pop_front().into_iter().for_each(|part| self.give(part)),
            None => {}
        }
    }

    /// Takes a part, waits for one, or returns `None` once every thread waits.
    fn take(&self) -> Option<P> {
        let mut state = self.state();
        if state.parts.is_empty() {
            state.waiting_count += 1;
            state.is_over |= state.waiting_count == self.thread_count;
            self.count_hungry(&state);
            if state.is_over {
                self.changed.notify_all();
            }
            let still_waits = |state: &mut State<P>| state.parts.is_empty() && !state.is_over;
            state = self.changed.wait_while(state, still_waits).unwrap_or_else(PoisonError::into_inner);
            state.waiting_count -= 1;
        }
        let part = if state.is_over { None } else { state.parts.pop() };
        self.count_hungry(&state);
        part
    }

    fn count_hungry(&self, state: &State<P>) {
        let hungry_count = state.waiting_count.saturating_sub(state.parts.len());
        self.hungry_count.store(hungry_count, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the waiting of the others where a thread ends for a reason of its own, a panic: nobody waits for it for ever.
struct Ending<'a, P: Part>(&'a Shared<P>);

impl<P: Part> Drop for Ending<'_, P> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use rstest::rstest;

    use super::*;

    /// Numbers still to be summed up.
    struct Numbers(std::ops::Range<u64>);

    impl Part for Numbers {
        fn split(&mut self) -> Option<Self> {
            let middle = u64::midpoint(self.0.start, self.0.end);
            if middle == self.0.start {
                return None;
            }
            Some(Self(middle..std::mem::replace(&mut self.0.end, middle)))
        }
    }

    fn sum(threads: usize, mut work: impl FnMut(u64) + Clone + Send) -> u64 {
        let (shared, sum) = (Shared::new(threads, Numbers(0..10_000)), AtomicU64::new(0));
        let one = |work: &mut dyn FnMut(u64)| {
            shared.work(|Numbers(mut numbers), stack| {
                let Some(number) = numbers.next() else { return };
                stack.push_back(Numbers(numbers));
                work(number);
                sum.fetch_add(number, Ordering::Relaxed);
            });
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let mut work = work.clone();
                scope.spawn(move || one(&mut work));
            }
            one(&mut work);
        });
        sum.into_inner()
    }

    #[rstest]
    fn everything_is_worked_on_once_by_however_many(#[values(1, 2, 3, 8)] threads: usize) {
        for _ in 0..20 {
            assert_eq!(sum(threads, |_| ()), (0..10_000_u64).sum::<u64>());
        }
    }

    #[test]
    fn a_thread_that_panics_leaves_nobody_waiting() {
        for broken in [0, 5000, 9999] {
            let summed = || sum(2, |number| assert!(number != broken, "the test breaks here"));
            assert!(std::panic::catch_unwind(summed).is_err());
        }
    }
}
