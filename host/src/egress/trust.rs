//! Who is believed at the other end, and who the host says it is: TLS 1.2 or newer, verified against the name or address
//! that was dialled. There is no switch to turn that off.
//!
//! Where no roots are given it is the machine's that count, found as all programs of the machine find them
//! (`SSL_CERT_FILE`, `SSL_CERT_DIR`, else where the system keeps them). They are read once for all connections and kept
//! for [`MACHINE_ROOTS_KEPT`], since a hundred and more certificates are too much to read for each connection. They grow
//! old by time alone, because nothing else tells for sure that they changed: they may be a file, a folder of links or
//! both. So who adds a root or takes one away does not have to restart the host.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use super::limits::{MACHINE_ROOTS_KEPT, ROOTS_MAX};
use crate::model::{Error, FailureKind, Result, Secret};

/// Whose certificates are believed at a destination, and the key that proves who connects.
#[derive(Clone, Default)]
pub struct Trust(Option<Arc<ClientConfig>>);

impl Trust {
    /// `roots` are PEM certificates: only servers they vouch for are believed; without them, those the machine believes.
    /// `client` is a PEM chain with its private key.
    ///
    /// # Errors
    /// `configuration`, saying which part is wrong; nothing of a key is in the message.
    pub fn new(roots: Option<&str>, client: Option<&Secret>) -> Result<Self> {
        let config = config(roots.map_or_else(machine, given)?, client)?;
        Ok(Self(Some(config)))
    }

    /// What to shake hands with.
    ///
    /// # Errors
    /// As [`Self::new`], where the machine's own roots are to be believed.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>> {
        match &self.0 {
            Some(config) => Ok(Arc::clone(config)),
            None => MACHINE.config(Instant::now()),
        }
    }
}

/// The machine's roots, for all who believe those alone.
static MACHINE: Machine = Machine(Mutex::new(None));

/// A configuration that believes the machine's roots, and since when it does.
struct Machine(Mutex<Option<(Instant, Arc<ClientConfig>)>>);

impl Machine {
    fn config(&self, now: Instant) -> Result<Arc<ClientConfig>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = kept.as_ref().filter(|(since, _)| now.duration_since(*since) < MACHINE_ROOTS_KEPT) {
            return Ok(Arc::clone(config));
        }
        let config = config(machine()?, None)?;
        *kept = Some((now, Arc::clone(&config)));
        Ok(config)
    }
}

/// Says nothing of what is in it.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Trust(given)" } else { "Trust(machine)" })
    }
}

fn config(roots: RootCertStore, client: Option<&Secret>) -> Result<Arc<ClientConfig>> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider());
    let verifier = verifier.build().map_err(|why| wrong(format!("the roots cannot be used: {why}")))?;
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(|why| Error::internal(why.to_string()))?;
    let builder = builder.with_webpki_verifier(verifier);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let (chain, key) = identity(client)?;
            let fits = builder.with_client_auth_cert(chain, key);
            fits.map_err(|_| wrong("the client's key does not fit its certificate"))?
        }
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The roots the operator gave.
fn given(pem: &str) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|why| wrong(format!("the roots are no PEM certificates: {why}")))?;
        store.add(certificate).map_err(|why| wrong(format!("a root cannot be used: {why}")))?;
        if store.len() > ROOTS_MAX {
            return Err(wrong(format!("there are more than {ROOTS_MAX} roots")));
        }
    }
    if store.is_empty() { Err(wrong("the roots hold no certificate; give them in PEM")) } else { Ok(store) }
}

/// The roots of the machine.
fn machine() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        return Err(wrong(
            "this machine has no root certificates; install ca-certificates, or give the destination's own",
        ));
    }
    Ok(store)
}

fn identity(pem: &Secret) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()).collect();
    let chain = chain.map_err(|_| wrong("the client's certificate is no PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(pem.expose());
    let key = key.map_err(|_| wrong("the client's key is no PEM private key (PKCS #8, PKCS #1 or SEC1)"))?;
    if chain.is_empty() { Err(wrong("there is no client certificate before the key")) } else { Ok((chain, key)) }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::failure(FailureKind::Configuration, why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_machines_roots_are_read_once_for_all_and_again_when_they_are_old() {
        let (machine, start) = (Machine(Mutex::new(None)), Instant::now());
        let config = |after: Duration| machine.config(start + after).unwrap();
        let first = config(Duration::ZERO);
        let almost = MACHINE_ROOTS_KEPT - Duration::from_millis(1);
        assert!(Arc::ptr_eq(&first, &config(almost)));
        let second = config(MACHINE_ROOTS_KEPT);
        assert!(!Arc::ptr_eq(&first, &second), "a root that was taken away would count for ever");
        assert!(Arc::ptr_eq(&second, &config(MACHINE_ROOTS_KEPT + almost)));
    }
}
