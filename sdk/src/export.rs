//! `export!`: turns the traits a connector implements into the exports of its component.
//!
//! The adapter [`Exported`] is where generated types meet the traits; each room implements the generated trait of its
//! interface for it. Natively nothing is exported, but the same traits are demanded, so that a native check finds
//! what is missing.

use std::marker::PhantomData;

/// Carries the generated interfaces for the connector `T`.
pub struct Exported<T>(PhantomData<T>);

/// Exports a connector: its type, then every trait it implements.
///
/// ```
/// # use hawser_sdk::{Aspect, Connector, Finding, Probe, Result};
/// struct Roster;
/// impl Connector for Roster {
///     type Options = ();
///     fn open(_: ()) -> Result<Self> { Ok(Self) }
/// }
/// impl Probe for Roster {
///     fn check(&self, _: Aspect) -> Result<Vec<Finding>> { Ok(Vec::new()) }
/// }
/// hawser_sdk::export!(Roster: Probe);
/// ```
#[macro_export]
macro_rules! export {
    ($connector:ident: $($interface:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$connector>;
            $($crate::__export_interface!($interface Exported);)+
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn implements<T: $($crate::$interface +)+>() {}
            implements::<$connector>();
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_interface {
    (Probe $t:ident) => { $crate::__private::probe::export!($t with_types_in $crate::__private::probe); };
    (Schema $t:ident) => { $crate::__private::schema::export!($t with_types_in $crate::__private::schema); };
    (Source $t:ident) => { $crate::__private::source::export!($t with_types_in $crate::__private::source); };
    (Feed $t:ident) => { $crate::__private::feed::export!($t with_types_in $crate::__private::feed); };
    (Provision $t:ident) => { $crate::__private::provision::export!($t with_types_in $crate::__private::provision); };
    (Entitlements $t:ident) => {
        $crate::__private::entitlements::export!($t with_types_in $crate::__private::entitlements);
    };
    (Passwords $t:ident) => { $crate::__private::passwords::export!($t with_types_in $crate::__private::passwords); };
}
