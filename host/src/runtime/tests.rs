//! The room as its callers see it, with guests of a few instructions each: refusals at load, and guests that loop,
//! recurse, eat memory, flood the log and reach for what they may not have.
//!
//! A guest is a core module in the text format, made a component against the contract itself, so that what is tested is
//! the contract and not an imitation.

mod cancel;
mod limits;
mod load;
mod reach;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup};

use super::{Allowed, CallContext, CallLimits, Component, Runtime, RuntimeLimits};
use crate::clock::Clock;
use crate::config::EgressConfig;
use crate::egress::Egress;
use crate::model::{Access, Directory, Export, Gate, Import, Value};

/// The memory and allocator every guest with lists and strings exports. Nothing is ever freed.
const MEMORY: &str = r#"
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
"#;

/// `probe.suggest` for guests that are only about `check`.
const NO_SUGGESTIONS: &str = r#"
    (func (export "hawser:connector/probe@0.1.0#suggest") (param i32 i32) (result i32)
        (i32.store8 (i32.const 1024) (i32.const 0))
        (i32.store offset=4 (i32.const 1024) (i32.const 0))
        (i32.store offset=8 (i32.const 1024) (i32.const 0))
        (i32.const 1024))
"#;

/// `probe.check` that says nothing was found, after doing something.
fn check_after(work: &str) -> String {
    format!(
        r#"(func (export "hawser:connector/probe@0.1.0#check") (param i32) (result i32)
            {work}
            (i32.store8 (i32.const 1024) (i32.const 0))
            (i32.store offset=4 (i32.const 1024) (i32.const 0))
            (i32.store offset=8 (i32.const 1024) (i32.const 0))
            (i32.const 1024))"#
    )
}

/// A guest that exports `probe` and does some work in `check`.
fn prober(imports: &str, work: &str) -> String {
    format!("(module {imports} {MEMORY} {NO_SUGGESTIONS} {})", check_after(work))
}

/// A component that exports `probe` and nothing else; another number makes another one.
pub(crate) fn numbered(number: u32) -> Vec<u8> {
    component("export hawser:connector/probe@0.1.0;", &prober("", &format!("(drop (i32.const {number}))")))
}

/// A component of a core module against a world of ours.
fn component(world: &str, module: &str) -> Vec<u8> {
    component_of(world, "", module)
}

/// The same with another package its world may name.
fn component_of(world: &str, foreign: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = include_str!("../../../wit/v0.1/connector.wit");
    resolve.push_group(UnresolvedPackageGroup::parse(Path::new("connector.wit"), contract).unwrap()).unwrap();
    if !foreign.is_empty() {
        resolve.push_group(UnresolvedPackageGroup::parse(Path::new("foreign.wit"), foreign).unwrap()).unwrap();
    }
    let text = format!("package test:guest; world guest {{ {world} }}");
    let package = resolve.push_group(UnresolvedPackageGroup::parse(Path::new("guest.wit"), &text).unwrap()).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut bytes = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&bytes).unwrap().validate(true).encode().unwrap()
}

/// A gate that opens nothing.
fn egress() -> Egress {
    Egress::new(EgressConfig::default())
}

/// One runtime for all tests: each reserves address space for its whole pool.
pub(crate) fn runtime() -> Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(RuntimeLimits::default(), egress(), Clock::system()).unwrap()).clone()
}

fn allowed(imports: &[Import], exports: &[Export]) -> Allowed {
    Allowed { imports: imports.iter().copied().collect(), exports: exports.iter().copied().collect() }
}

/// A loaded guest that exports `probe`, with these imports in its manifest.
fn loaded(imports: &[Import], module: &str) -> Component {
    let world: String =
        imports.iter().map(|import| format!("import hawser:connector/{}@0.1.0;", import.as_str())).collect();
    let bytes = component(&format!("{world} export hawser:connector/probe@0.1.0;"), module);
    runtime().load(&bytes, &allowed(imports, &[Export::Probe])).unwrap()
}

/// A context of a connection of its own that permits nothing.
fn context(connection: &str) -> CallContext {
    CallContext {
        request: "test-request".parse().unwrap(),
        idempotency_key: None,
        connection: connection.parse().unwrap(),
        connector: "test/guest".parse().unwrap(),
        version: semver::Version::new(1, 0, 0),
        options: Arc::default(),
        development: true,
        permissions: Arc::default(),
        directories: Arc::default(),
        routes: Arc::default(),
        web: Arc::default(),
        credentials: Arc::default(),
        limits: CallLimits { call: Duration::from_secs(20), ..CallLimits::default() },
        deadline: Timestamp::MAX,
        gate: Gate::default(),
    }
}

/// The same with a directory `data`.
fn with_directory(connection: &str, path: &Path, access: Access) -> CallContext {
    let directory = Directory { path: path.to_owned(), access };
    let directories = BTreeMap::from([("data".parse().unwrap(), directory)]);
    CallContext { directories: Arc::new(directories), ..context(connection) }
}

/// The same with an option.
fn with_option(connection: &str, name: &str, value: &str) -> CallContext {
    let options = BTreeMap::from([(name.parse().unwrap(), vec![Value::Text(value.into())])]);
    CallContext { options: Arc::new(options), ..context(connection) }
}
