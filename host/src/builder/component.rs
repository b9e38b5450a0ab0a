//! The component just compiled, held against its manifest before anybody installs it: what the registry would refuse
//! at load is told here, where it can still be changed.

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::error::BuildError;
use crate::registry::Manifest;

pub(super) fn check(bytes: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
    let refused = |error: wasmtime::Error| BuildError::Component(vec![format!("it is no component: {error:#}")]);
    let engine = Engine::new(&Config::new()).map_err(refused)?;
    let component = Component::new(&engine, bytes).map_err(refused)?;
    let kind = component.component_type();
    let imports: Vec<&str> = kind.imports(&engine).map(|(name, _)| name).collect();
    let exports: Vec<&str> = kind.exports(&engine).map(|(name, _)| name).collect();
    let inert = |name: &str| name.starts_with("wasi:");
    manifest.check_component(imports, exports, inert).map_err(BuildError::Component)
}
