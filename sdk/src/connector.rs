//! What every connector has: options and a way to open.

use crate::error::Result;
use crate::options;
use serde::de::DeserializeOwned;

/// A connector of one kind of target.
///
/// The host makes a new instance for every call and every listing, so `open` runs often: keep it cheap, and do
/// expensive work where it is needed.
pub trait Connector: Sized + 'static {
    /// The options of `connector.toml` as a struct:
    /// `#[derive(serde::Deserialize)] #[serde(rename_all = "kebab-case", default)]`. An option without a value is
    /// left to serde's `default` or is `None`; one with `multiple = true` is a `Vec`. `()` if there are none.
    type Options: DeserializeOwned;

    /// Makes an instance from the connection's options.
    ///
    /// # Errors
    /// Usually [`Error::configuration`](crate::Error::configuration), when options that are fine one by one do not
    /// make sense together.
    fn open(options: Self::Options) -> Result<Self>;
}

/// Reads the options of the connection and opens the connector.
pub(crate) fn open<T: Connector>() -> Result<T> {
    T::open(options::read()?)
}
