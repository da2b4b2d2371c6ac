//! The one algorithm: a list of nodes, whose top is replaced by compare-exchange (R. K. Treiber, "Systems programming: coping
//! with parallelism", IBM RJ 5118, 1986), over any kind of reclamation.
//!
//! # Invariants
//!
//! 1. A node is owned by the thread that has acquired it until a push publishes it, and by the thread whose pop takes it away
//!    from then on. The head's modification order decides which thread that is.
//! 2. A node's link and value are written by its owner only, before it is published.
//! 3. The head is changed by read-modify-writes only. So each change continues the release sequence of every push before it,
//!    and a load of the head with Acquire sees every node of the list as its pusher has left it.
//! 4. A compare-exchange of the head from a word that was protected succeeds only if its top node has been neither popped nor
//!    pushed since (the policy's third promise). So the link that was read is still that of the top node.
//! 5. A word that was only loaded may come back: it says nothing of the node, whose memory may have been used again. Such a
//!    word is proposed to a compare-exchange, and nothing that it names is looked into: a push links its node to whatever has
//!    that name when the compare-exchange succeeds, and `pop_all` goes by the word that the compare-exchange returns.

use core::marker::PhantomData;
use core::mem::needs_drop;
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::contention::Contention;
use super::policy::{Head, Policy};
use crate::backend::atomic::{Acquire, Relaxed, Release};
use crate::backend::hint;

type Word<T, P> = <<P as Policy<T>>::Head as Head>::Word;

/// A stack of `T`, whose nodes `P` manages.
pub(super) struct Treiber<T, P: Policy<T>> {
    policy: P,
    owns: PhantomData<T>,
}

// SAFETY: a value goes in from one thread and comes out in another, and no reference to one inside is ever handed out.
// What a policy has beside values is shared as invariant 1 says.
unsafe impl<T: Send, P: Policy<T>> Send for Treiber<T, P> {}
// SAFETY: as above.
unsafe impl<T: Send, P: Policy<T>> Sync for Treiber<T, P> {}

// An operation calls nothing of a user's while it changes anything: a value is moved in before, and dropped after it was moved out.
impl<T, P: Policy<T>> UnwindSafe for Treiber<T, P> {}
impl<T, P: Policy<T>> RefUnwindSafe for Treiber<T, P> {}

impl<T, P: Policy<T>> Treiber<T, P> {
    pub(super) const fn new(policy: P) -> Self {
        Treiber {
            policy,
            owns: PhantomData,
        }
    }

    pub(super) fn policy(&self) -> &P {
        &self.policy
    }

    /// Puts `value` on top, or gives it back if there is no memory for a node.
    #[inline(always)]
    pub(super) fn push(&self, value: T) -> Result<(), T> {
        let node = self.policy.acquire(value)?;
        // SAFETY: acquired above, and not published yet.
        if let Err(now) = unsafe { self.try_push(node) } {
            // SAFETY: it was not published.
            unsafe { self.push_contended(node, now) };
        }
        Ok(())
    }

    /// Publishes a node; if that fails, says what the head holds.
    ///
    /// # Safety
    ///
    /// The caller owns the node.
    #[inline(always)]
    unsafe fn try_push(&self, node: P::Node) -> Result<(), Word<T, P>> {
        let head = self.policy.head();
        // Relaxed: proposes a word to the compare-exchange; nothing that it names is looked into.
        let top = head.load(Relaxed);
        // SAFETY: the caller's promise.
        unsafe { self.policy.set_link(node, top) };
        // Release: synchronizes with the Acquire load in `pop` and `pop_all`, so that the popping
        // thread sees the value and the link.
        // model: stack::tagged_loses_nothing, stack::epoch_loses_nothing
        head.compare_exchange(top, P::pushed(top, node), Release, Relaxed)
            .map(drop)
    }

    /// # Safety
    ///
    /// As for `try_push`.
    #[cold]
    #[inline(never)]
    unsafe fn push_contended(&self, node: P::Node, mut now: Word<T, P>) {
        let mut contention = Contention::new();
        loop {
            contention = contention.back_off(self.policy.head(), now);
            // SAFETY: the caller's promise; it was not published.
            match unsafe { self.try_push(node) } {
                Ok(()) => return,
                Err(changed) => now = changed,
            }
        }
    }

    // Inlined: on x86 the compare-exchange waits for all stores before it, and a call saves half a dozen registers.
    /// Takes the value on top.
    #[inline(always)]
    pub(super) fn pop(&self) -> Option<T> {
        match self.try_pop() {
            Ok(value) => value,
            Err(now) => self.pop_contended(now),
        }
    }

    /// Takes the value on top, if there is one; if that fails, says what the head holds.
    #[inline(always)]
    fn try_pop(&self) -> Result<Option<T>, Word<T, P>> {
        let mut guard = self.policy.enter();
        let top = self.policy.protect(&mut guard);
        let Some(node) = self.policy.node(top) else {
            return Ok(None);
        };
        // SAFETY: protected above.
        let link = unsafe { self.policy.link(node) };
        // Relaxed: what the node holds was acquired when it was protected; and no thread looks into
        // a node because of what this writes, but because of the push that had published it
        // (invariant 3). One RMW, which decides whose the node is.
        // model: stack::tagged_loses_nothing
        self.policy
            .head()
            .compare_exchange(top, P::popped(top, link), Relaxed, Relaxed)?;
        // SAFETY: this thread has taken the node away (invariants 1 and 4), and takes the value out once.
        let value = unsafe { self.policy.take_value(node) };
        // SAFETY: as above, and it does not use the node from here on.
        unsafe { self.policy.retire(&mut guard, node) };
        Ok(Some(value))
    }

    #[cold]
    #[inline(never)]
    fn pop_contended(&self, mut now: Word<T, P>) -> Option<T> {
        let mut contention = Contention::new();
        loop {
            // Without a guard: what a thread protects while it waits is kept for nothing.
            contention = contention.back_off(self.policy.head(), now);
            match self.try_pop() {
                Ok(value) => return value,
                Err(changed) => now = changed,
            }
        }
    }

    /// Takes all that is there, at one instant.
    pub(super) fn pop_all(&self) -> Chain<'_, T, P> {
        let head = self.policy.head();
        let mut contention = Contention::new();
        loop {
            // Relaxed: proposes a word to the compare-exchange; it is not protected (invariant 5).
            let top = head.load(Relaxed);
            if P::is_empty(top) {
                return Chain {
                    stack: self,
                    next: None,
                };
            }
            // Acquire: synchronizes with the Release in `push`, for every node of the chain
            // (invariant 3), also if the top was popped and its memory pushed again since the load.
            // One RMW, which decides whose the chain is.
            // model: stack::tagged_pop_all_takes_all, stack::pop_all_sees_what_came_back
            match head.compare_exchange(top, P::emptied(top), Acquire, Relaxed) {
                Ok(taken) => {
                    return Chain {
                        stack: self,
                        next: self.policy.node(taken),
                    };
                }
                Err(now) => contention = contention.back_off(head, now),
            }
        }
    }

    /// Whether there was nothing a moment ago.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: an answer about one word, stale when it returns.
        P::is_empty(self.policy.head().load(Relaxed))
    }

    /// Takes the value on top, when no other thread uses the stack. What it gives back is not used again by this stack.
    pub(super) fn pop_alone(&mut self) -> Option<T> {
        // Relaxed: whatever made this thread the only one has ordered the pushes.
        let top = self.policy.head().load(Relaxed);
        let node = self.policy.node(top)?;
        // SAFETY: no other thread uses this stack, so this one owns every node in it.
        let link = unsafe { self.policy.link(node) };
        // Relaxed: as above.
        self.policy.head().store(P::popped(top, link), Relaxed);
        // SAFETY: as above; it is in the stack no more, so its value is taken out once.
        let value = unsafe { self.policy.take_value(node) };
        // SAFETY: as above, and this thread does not use the node from here on.
        unsafe { self.policy.release(node) };
        Some(value)
    }
}

impl<T, P: Policy<T>> Drop for Treiber<T, P> {
    fn drop(&mut self) {
        /// Goes on where a value's own `drop` panics.
        struct Rest<'stack, T, P: Policy<T>>(&'stack mut Treiber<T, P>);
        impl<T, P: Policy<T>> Drop for Rest<'_, T, P> {
            fn drop(&mut self) {
                while self.0.pop_alone().is_some() {}
            }
        }
        // Nodes that are freed together, with nothing in them to be dropped, need not be looked at.
        if hint::is_abandoned() || (P::FREES_TOGETHER && !needs_drop::<T>()) {
            return;
        }
        let rest = Rest(self);
        while rest.0.pop_alone().is_some() {}
    }
}

/// What `pop_all` has taken: nodes of this thread, and their values.
pub(super) struct Chain<'stack, T, P: Policy<T>> {
    stack: &'stack Treiber<T, P>,
    next: Option<P::Node>,
}

// SAFETY: it owns the values that are left, and gives each to the thread that has the chain. The nodes go back to the stack,
// which is shared (`T: Send`).
unsafe impl<T: Send, P: Policy<T>> Send for Chain<'_, T, P> {}
// SAFETY: shared, it does nothing.
unsafe impl<T: Send, P: Policy<T>> Sync for Chain<'_, T, P> {}

impl<T, P: Policy<T>> UnwindSafe for Chain<'_, T, P> {}
impl<T, P: Policy<T>> RefUnwindSafe for Chain<'_, T, P> {}

impl<T, P: Policy<T>> Chain<'_, T, P> {
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }
}

impl<T, P: Policy<T>> Iterator for Chain<'_, T, P> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let node = self.next?;
        let policy = self.stack.policy();
        // SAFETY: the chain's nodes are this thread's since they were taken away.
        let link = unsafe { policy.link(node) };
        self.next = policy.below(link);
        // SAFETY: as above, and the chain leaves each behind once.
        let value = unsafe { policy.take_value(node) };
        // SAFETY: as above.
        unsafe { policy.retire(&mut policy.enter(), node) };
        Some(value)
    }
}

impl<T, P: Policy<T>> Drop for Chain<'_, T, P> {
    fn drop(&mut self) {
        /// Goes on where a value's own `drop` panics.
        struct Rest<'chain, 'stack, T, P: Policy<T>>(&'chain mut Chain<'stack, T, P>);
        impl<T, P: Policy<T>> Drop for Rest<'_, '_, T, P> {
            fn drop(&mut self) {
                self.0.for_each(drop);
            }
        }
        if hint::is_abandoned() {
            return;
        }
        let rest = Rest(self);
        rest.0.for_each(drop);
    }
}
