//! What a stack asks of a kind of reclamation.

use crate::backend::atomic::Ordering;

/// The word that names the top of a stack.
pub(super) trait Head {
    /// What it holds: the top node or none, and whatever tells two states with the same top node apart.
    type Word: Copy;

    #[track_caller]
    fn load(&self, ordering: Ordering) -> Self::Word;

    /// May fail spuriously.
    #[track_caller]
    fn compare_exchange(
        &self,
        current: Self::Word,
        new: Self::Word,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Self::Word, Self::Word>;

    /// For the only thread that uses the stack.
    #[track_caller]
    fn store(&self, word: Self::Word, ordering: Ordering);
}

/// Where nodes come from, and when they may be used again or freed.
///
/// # Safety
///
/// For each node that [`acquire`](Self::acquire) has returned and that was not retired:
///
/// 1. no other call of `acquire` returns it;
/// 2. [`link`](Self::link), [`set_link`](Self::set_link) and [`take_value`](Self::take_value) are about this node alone.
///
/// And for any node: 3. while a thread protects it, its memory stays a node's, and [`link`](Self::link) may be read; and a
/// compare-exchange from a word that [`protect`](Self::protect) has returned fails if its top node has been retired since
/// (or exactly a whole lap of tags ago, where words have tags). Nothing of this holds of a word that was only loaded.
pub(super) unsafe trait Policy<T> {
    /// The word at the top.
    type Head: Head;

    /// What keeps nodes from being reclaimed.
    type Guard<'policy>
    where
        Self: 'policy;

    /// Whether nodes are freed with the policy, so that [`release`](Self::release) does nothing.
    const FREES_TOGETHER: bool;

    /// The name of a node.
    type Node: Copy;

    /// The top.
    fn head(&self) -> &Self::Head;

    /// Whether `word` names no node.
    fn is_empty(word: <Self::Head as Head>::Word) -> bool;

    /// The node that `word` names, if any.
    fn node(&self, word: <Self::Head as Head>::Word) -> Option<Self::Node>;

    /// The word after `node` has been put on top of `word`.
    fn pushed(word: <Self::Head as Head>::Word, node: Self::Node) -> <Self::Head as Head>::Word;

    /// The word after the top node of `word`, with this link, has been taken away.
    fn popped(word: <Self::Head as Head>::Word, link: Self::Link) -> <Self::Head as Head>::Word;

    /// The word after all nodes have been taken away.
    fn emptied(word: <Self::Head as Head>::Word) -> <Self::Head as Head>::Word;

    /// What a node knows of the one below.
    type Link: Copy;

    /// The node that `link` names, if any.
    fn below(&self, link: Self::Link) -> Option<Self::Node>;

    /// A node of the caller's with that value in it, or the value back if there is no memory left.
    fn acquire(&self, value: T) -> Result<Self::Node, T>;

    /// Begins to use nodes of others.
    fn enter(&self) -> Self::Guard<'_>;

    /// What the head holds. Its top node is protected until the guard is dropped or protects another. To read the top, with
    /// Acquire: what was pushed by a Release is seen.
    fn protect(&self, guard: &mut Self::Guard<'_>) -> <Self::Head as Head>::Word;

    /// The link of a node.
    ///
    /// # Safety
    ///
    /// The caller owns the node or protects it.
    unsafe fn link(&self, node: Self::Node) -> Self::Link;

    /// Links a node to the top node of `word`.
    ///
    /// # Safety
    ///
    /// The caller owns the node.
    unsafe fn set_link(&self, node: Self::Node, word: <Self::Head as Head>::Word);

    /// Moves the value out of a node.
    ///
    /// # Safety
    ///
    /// The caller owns the node, and its value was not moved out before.
    unsafe fn take_value(&self, node: Self::Node) -> T;

    /// Gives a node back, once its value was moved out. Calls nothing of a user's.
    ///
    /// # Safety
    ///
    /// The caller owns the node, and uses it no more.
    unsafe fn retire(&self, guard: &mut Self::Guard<'_>, node: Self::Node);

    /// The same, when no other thread uses the stack any more.
    ///
    /// # Safety
    ///
    /// As for `retire`; and no other thread protects a node of this stack.
    unsafe fn release(&mut self, node: Self::Node);
}
