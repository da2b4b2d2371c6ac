//! What a panic says: the engine learns it before the thread unwinds.

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;

use super::entry::act;
use super::suspension::Step;

/// From now on, the engine learns every panic's message before the hook that was there is called.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            begin_unwinding(info);
            before(info);
        }));
    });
}

fn begin_unwinding(info: &PanicHookInfo<'_>) {
    act(|s| {
        s.begin_unwinding(message(info.payload()));
        Step::Done(())
    });
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "(no message)".to_owned())
}
