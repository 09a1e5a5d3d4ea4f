//! What receivers take over from `global`.
//!
//! Alertmanager 0.34 fills in each integration once the whole file has been read, in the order of the
//! types that [`super::receivers::Receiver`] keeps, and refuses what is still missing then.

use super::block::{Blocks, Refusal, Show};
use super::global::Global;
use super::values::HttpUrl;

/// An integration that takes over what it lacks.
pub(super) trait Inherit: Default {
    /// Its type in errors: `missing NAME config`.
    const NAME: &'static str;

    /// Whether an element that is `null` is taken if the globals would do for an empty one.
    const MAY_BE_NULL: bool = false;

    /// Takes over what it lacks.
    ///
    /// # Errors
    /// What nobody has given.
    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal>;
}

/// Fills in all integrations of one type; the number of the element goes with an error.
pub(super) fn inherit_all<T: Inherit>(
    integrations: &mut Blocks<T>,
    global: &mut Global,
) -> Result<(), (usize, Refusal)> {
    for (index, integration) in integrations.all_mut().iter_mut().enumerate() {
        let result = match integration {
            Some(integration) => integration.inherit(global),
            None if T::MAY_BE_NULL => T::default().inherit(global),
            None => Err(format!("missing {} config", T::NAME).into()),
        };
        result.map_err(|refusal| (index, refusal))?;
    }
    Ok(())
}

/// The own value, or else that one.
pub(super) fn or<T: Show + Clone>(own: &mut T, other: &T) {
    if own.is_zero() {
        own.clone_from(other);
    }
}

/// The own URL or the global one, with a slash at its end. Alertmanager 0.34 shares the global one
/// with its receivers, so that it gets the slash as well. Gives whether there is one.
pub(super) fn api_url(own: &mut Option<HttpUrl>, global: &mut Option<HttpUrl>) -> bool {
    let with_slash = |url: &HttpUrl| HttpUrl(url.0.clone().with_final_slash());
    if own.is_none() {
        *global = global.as_ref().map(with_slash);
        own.clone_from(global);
    }
    *own = own.as_ref().map(with_slash);
    own.is_some()
}
