//! What is refused before a byte of it runs, and in which words.

use super::{allowed, component, component_of, prober, runtime};
use crate::model::{ErrorKind, Export, Import};

fn refusal(bytes: &[u8], imports: &[Import], exports: &[Export]) -> String {
    let error = runtime().load(bytes, &allowed(imports, exports)).err().expect("it is refused");
    assert_eq!(error.kind, ErrorKind::ReleaseRefused);
    error.message
}

const PROBE: &str = "export hawser:connector/probe@0.1.0;";
const LOG: &str = r#"(import "hawser:connector/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))"#;

#[test]
fn garbage_core_modules_and_oversized_files_are_refused() {
    assert!(refusal(b"PK\x03\x04", &[], &[]).contains("no component"));
    assert!(refusal(&wat::parse_str("(module)").unwrap(), &[], &[]).contains("core module"));
    assert!(refusal(&vec![0; super::super::limits::COMPONENT_BYTES_MAX + 1], &[], &[]).contains("64 MiB"));
}

#[test]
fn an_interface_of_somebody_else_is_refused_by_name() {
    let foreign = "package evil:host; interface exec { run: func(); }";
    let module = prober(r#"(import "evil:host/exec" "run" (func))"#, "(call 0)");
    let bytes = component_of(&format!("import evil:host/exec; {PROBE}"), foreign, &module);
    let message = refusal(&bytes, Import::ALL, &[Export::Probe]);
    assert!(message.contains("evil:host/exec"), "{message}");
}

#[test]
fn wasi_that_reaches_the_outside_is_refused_and_inert_wasi_is_linked() {
    let http = "package wasi:http@0.2.6; interface outgoing-handler { handle: func(); }";
    let module = prober(r#"(import "wasi:http/outgoing-handler@0.2.6" "handle" (func))"#, "(call 0)");
    let bytes = component_of(&format!("import wasi:http/outgoing-handler@0.2.6; {PROBE}"), http, &module);
    assert!(refusal(&bytes, &[], &[Export::Probe]).contains("wasi:http/outgoing-handler@0.2.6"));

    let random = "package wasi:random@0.2.12; interface random { get-random-u64: func() -> u64; }";
    let module =
        prober(r#"(import "wasi:random/random@0.2.12" "get-random-u64" (func (result i64)))"#, "(drop (call 0))");
    let bytes = component_of(&format!("import wasi:random/random@0.2.12; {PROBE}"), random, &module);
    runtime().load(&bytes, &allowed(&[], &[Export::Probe])).unwrap();
}

#[test]
fn a_host_interface_the_manifest_does_not_ask_for_is_refused_with_the_remedy() {
    let work = "(call 0 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    let bytes = component(&format!("import hawser:connector/log@0.1.0; {PROBE}"), &prober(LOG, work));
    let message = refusal(&bytes, &[Import::Files], &[Export::Probe]);
    assert!(message.contains("hawser:connector/log@0.1.0") && message.contains("connector.toml"), "{message}");
    runtime().load(&bytes, &allowed(&[Import::Log], &[Export::Probe])).unwrap();
}

#[test]
fn reading_secrets_without_saying_so_in_the_manifest_is_refused_by_name() {
    let reveal = r#"(import "hawser:connector/reveal@0.1.0" "reveal" (func (param i32 i32)))"#;
    let module = prober(reveal, "(call 0 (i32.const 1) (i32.const 128))");
    let bytes = component(&format!("import hawser:connector/reveal@0.1.0; {PROBE}"), &module);
    let message = refusal(&bytes, &[Import::Credentials, Import::Files], &[Export::Probe]);
    assert!(message.contains("hawser:connector/reveal@0.1.0") && message.contains("connector.toml"), "{message}");
    runtime().load(&bytes, &allowed(&[Import::Credentials, Import::Reveal], &[Export::Probe])).unwrap();
}

#[test]
fn an_interface_the_contract_does_not_have_yet_is_refused_by_name() {
    let later = "package hawser:connector@0.1.9; interface sql { query: func(); }";
    let module = prober(r#"(import "hawser:connector/sql@0.1.9" "query" (func))"#, "(call 0)");
    let bytes = component_of(&format!("import hawser:connector/sql@0.1.9; {PROBE}"), later, &module);
    assert!(refusal(&bytes, Import::ALL, &[Export::Probe]).contains("hawser:connector/sql@0.1.9"));
}

#[test]
fn an_export_missing_or_not_in_the_manifest_is_refused_by_name() {
    let bytes = component(PROBE, &prober("", ""));
    let missing = refusal(&bytes, &[], &[Export::Probe, Export::Provision]);
    assert!(missing.contains("\"provision\"") && missing.contains("does not have it"), "{missing}");
    let extra = refusal(&bytes, &[], &[]);
    assert!(extra.contains("\"probe\"") && extra.contains("does not say so"), "{extra}");
    let bytes = component("export run: func();", r#"(module (func (export "run")))"#);
    assert!(refusal(&bytes, &[], &[]).contains("\"run\""));
}

#[test]
fn the_contract_of_another_version_is_refused_by_name() {
    let later = "package hawser:connector@0.2.0; interface teleport { go: func(); }";
    let module = prober(r#"(import "hawser:connector/teleport@0.2.0" "go" (func))"#, "(call 0)");
    let bytes = component_of(&format!("import hawser:connector/teleport@0.2.0; {PROBE}"), later, &module);
    assert!(refusal(&bytes, Import::ALL, &[Export::Probe]).contains("hawser:connector/teleport@0.2.0"));
}
