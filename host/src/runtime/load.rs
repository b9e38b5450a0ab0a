//! From bytes to a component that can be called: compiled, its interfaces held against the manifest, linked.
//!
//! | the component | is refused, by name |
//! |---|---|
//! | imports a host interface the manifest does not ask for | `hawser:connector/files@0.1.0` |
//! | imports anything but the host's interfaces and inert WASI | `wasi:http/outgoing-handler@0.2.6` |
//! | exports an interface the manifest does not name, or lacks one it names | `provision` |
//! | is a core module, is too large, needs features that are off | |

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component as Compiled, Linker};

use super::code::Code;
use super::engine;
use super::interfaces::{Allowed, Interfaces};
use super::limits::{COMPONENT_BYTES_MAX, MIB};
use super::state::State;
use super::v0_1::{self, Exports};
use super::wasi;
use crate::model::interface::{CONTRACT_PACKAGE, CONTRACT_VERSION};
use crate::model::{Error, ErrorKind, Export, Import, Result};

/// How a core module begins; a component's next byte is 0x0d.
const CORE_MODULE: &[u8] = b"\0asm\x01";
/// The interface of shared words; it has no functions, and everything uses it.
const WORDS: &str = "model";

/// A component ready to be instantiated.
pub(super) struct Loaded {
    pub(super) pre: wasmtime::component::InstancePre<State>,
    pub(super) exports: Arc<Exports>,
    pub(super) exported: Vec<Export>,
    pub(super) interfaces: Interfaces,
}

/// Compiles a component to code that [`Code`] and [`super::Runtime::load_code`] take. Blocks for some hundred
/// milliseconds, and for as long and with as much memory as a hostile component makes it: to be called in a confined
/// process only.
///
/// # Errors
/// `release-refused` if the bytes are no component or too many.
pub fn precompile(bytes: &[u8]) -> Result<Vec<u8>> {
    check_form(bytes)?;
    engine::compiler()?.precompile_component(bytes).map_err(|error| no_component(&error))
}

/// Compiles a component and reads its interfaces off it.
pub(super) fn compile(engine: &Engine, bytes: &[u8]) -> Result<(Compiled, Interfaces)> {
    check_form(bytes)?;
    let compiled = Compiled::from_binary(engine, bytes).map_err(|error| no_component(&error))?;
    let interfaces = interfaces(engine, &compiled);
    Ok((compiled, interfaces))
}

/// What can be told of a component without parsing it.
fn check_form(bytes: &[u8]) -> Result<()> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        let mib = COMPONENT_BYTES_MAX / MIB;
        return Err(refused(format!("the component has {} bytes; at most {mib} MiB are loaded", bytes.len())));
    }
    if bytes.starts_with(CORE_MODULE) {
        return Err(refused(
            "this is a core module, not a component; build it for wasm32-wasip2, or with `hawser build`",
        ));
    }
    Ok(())
}

fn no_component(error: &wasmtime::Error) -> Error {
    refused(format!("this is no component the host can run: {}", error.root_cause())).with_detail(format!("{error:#}"))
}

/// Compiles, checks and links a component.
pub(super) fn load(base: &Linker<State>, bytes: &[u8], allowed: &Allowed) -> Result<Loaded> {
    let (compiled, interfaces) = compile(base.engine(), bytes)?;
    link(base, &compiled, interfaces, allowed)
}

/// Checks and links a component that was compiled before.
pub(super) fn load_code(base: &Linker<State>, code: &Code, allowed: &Allowed) -> Result<Loaded> {
    let compiled = code.component(base.engine())?;
    let interfaces = interfaces(base.engine(), &compiled);
    link(base, &compiled, interfaces, allowed)
}

/// What every component is linked with: inert WASI. Made once, because it is most of the work of linking.
pub(super) fn base(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let linked = wasmtime_wasi::p2::add_to_linker_async(&mut linker);
    linked.map_err(|error| Error::internal(format!("linking: {error:#}")))?;
    Ok(linker)
}

fn link(base: &Linker<State>, compiled: &Compiled, interfaces: Interfaces, allowed: &Allowed) -> Result<Loaded> {
    let exported = exported(&interfaces.exports)?;
    check_imports(&interfaces.imports, allowed)?;
    check_exports(&exported, allowed)?;
    let misfit = |error: wasmtime::Error| {
        refused(format!("it does not fit the contract {CONTRACT_VERSION}: {}", error.root_cause()))
            .with_detail(format!("{error:#}"))
    };
    let linker = linker(base, allowed).map_err(|error| Error::internal(format!("linking: {error:#}")))?;
    let pre = linker.instantiate_pre(compiled).map_err(misfit)?;
    let exports = Arc::new(Exports::of(&pre, &exported).map_err(misfit)?);
    Ok(Loaded { pre, exports, exported, interfaces })
}

fn interfaces(engine: &Engine, compiled: &Compiled) -> Interfaces {
    let ty = compiled.component_type();
    let names = |name: &str| name.to_owned();
    // What is imported as a type only, an interface without functions included, needs nothing.
    let imports = ty.imports(engine).filter(|(_, import)| !matches!(import.ty, ComponentItem::Type(_)));
    Interfaces {
        imports: imports.map(|(name, _)| names(name)).collect(),
        exports: ty.exports(engine).map(|(name, _)| names(name)).collect(),
    }
}

fn check_imports(imports: &[String], allowed: &Allowed) -> Result<()> {
    for import in imports.iter().filter(|import| !wasi::is_inert(import)) {
        match contract_interface(import) {
            Some(WORDS) => {}
            Some(name) => check_import(import, name, allowed)?,
            None => {
                return Err(refused(format!(
                    "it imports {import:?}, which this host does not offer; connectors reach the outside through \
                     {CONTRACT_PACKAGE}'s interfaces only"
                )));
            }
        }
    }
    Ok(())
}

fn check_import(full: &str, name: &str, allowed: &Allowed) -> Result<()> {
    let Some(import) = Import::named(name) else {
        return Err(refused(format!("it imports {full:?}, which contract {CONTRACT_VERSION} does not offer")));
    };
    if allowed.imports.contains(&import) {
        return Ok(());
    }
    Err(refused(format!(
        "it imports {full:?}, but its manifest does not ask for it: add {name:?} to `imports` in [interfaces] of \
         connector.toml, or do not use it"
    )))
}

fn exported(exports: &[String]) -> Result<Vec<Export>> {
    let known = |full: &String| {
        let export = contract_interface(full).and_then(Export::named);
        export.ok_or_else(|| {
            refused(format!("it exports {full:?}, which is no interface of contract {CONTRACT_VERSION}"))
        })
    };
    exports.iter().map(known).collect()
}

fn check_exports(exported: &[Export], allowed: &Allowed) -> Result<()> {
    if let Some(extra) = exported.iter().find(|export| !allowed.exports.contains(export)) {
        return Err(refused(format!(
            "it exports {:?}, but its manifest does not say so: add it to `exports` in [interfaces] of connector.toml, or \
             do not implement it",
            extra.as_str()
        )));
    }
    match allowed.exports.iter().find(|export| !exported.contains(export)) {
        None => Ok(()),
        Some(missing) => Err(refused(format!(
            "its manifest names the export {:?}, but the component does not have it: implement it, or remove it from \
             `exports` in [interfaces] of connector.toml",
            missing.as_str()
        ))),
    }
}

/// The name of an interface of the contract's version: `hawser:connector/files@0.1.3` is `files`.
fn contract_interface(full: &str) -> Option<&str> {
    let (name, version) = full.strip_prefix(CONTRACT_PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    let rest = version.strip_prefix(CONTRACT_VERSION)?;
    rest.starts_with('.').then_some(name)
}

fn linker(base: &Linker<State>, allowed: &Allowed) -> wasmtime::Result<Linker<State>> {
    let mut linker = base.clone();
    for import in &allowed.imports {
        v0_1::link(&mut linker, *import)?;
    }
    Ok(linker)
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ReleaseRefused, message)
}
