//! A private CA, and the certificates that servers and clients get from it, made with the `openssl` program.
//!
//! P-256 keys, readable by their owner alone.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{ServerError, command, make_folder, read, write};

/// How long the CA and its certificates are good for.
const DAYS: &str = "30";
/// Nothing of the machine's own configuration gets into a certificate.
const CONFIG: &str = "[req]\ndistinguished_name = dn\n[dn]\n";

/// A CA in a folder of its own.
#[derive(Clone, Debug)]
pub struct Ca {
    folder: PathBuf,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Ca {
    /// Makes a CA in that folder, which is made too.
    ///
    /// # Errors
    /// `openssl` is missing or failed.
    pub fn create(folder: &Path) -> Result<Self, ServerError> {
        make_folder(folder)?;
        write(&folder.join("openssl.cnf"), CONFIG)?;
        let ca = Self { folder: folder.to_owned() };
        let extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
        ca.request("ca", "Private CA of a Hawser test bed", &extensions, &[])?;
        Ok(ca)
    }

    /// The CA's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The same as PEM text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn pem(&self) -> Result<String, ServerError> {
        read(&self.certificate())
    }

    /// A certificate for a server that is known by those names and addresses.
    ///
    /// # Errors
    /// `openssl` failed.
    pub fn server(&self, file: &str, names: &[&str]) -> Result<Leaf, ServerError> {
        let names = names.iter().map(|name| alternative(name)).collect::<Vec<_>>().join(",");
        self.leaf(file, file, &["extendedKeyUsage=serverAuth", &format!("subjectAltName={names}")])
    }

    /// A certificate for a client of that name (its common name, and its file's).
    ///
    /// # Errors
    /// `openssl` failed.
    pub fn client(&self, name: &str) -> Result<Leaf, ServerError> {
        self.leaf(name, name, &["extendedKeyUsage=clientAuth"])
    }

    fn leaf(&self, file: &str, common_name: &str, extensions: &[&str]) -> Result<Leaf, ServerError> {
        let usual = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
        let (ca, key) = (self.certificate(), self.folder.join("ca.key"));
        let signed = ["-CA".as_ref(), ca.as_os_str(), "-CAkey".as_ref(), key.as_os_str()];
        self.request(file, common_name, &[&usual[..], extensions].concat(), &signed)
    }

    fn request(
        &self,
        file: &str,
        common_name: &str,
        extensions: &[&str],
        more: &[&std::ffi::OsStr],
    ) -> Result<Leaf, ServerError> {
        let [certificate, key] = ["pem", "key"].map(|kind| self.folder.join(format!("{file}.{kind}")));
        let mut openssl = command::bounded("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"]);
        openssl.args(["-days", DAYS, "-subj", &format!("/CN={common_name}"), "-config"]);
        openssl.arg(self.folder.join("openssl.cnf")).arg("-out").arg(&certificate).arg("-keyout").arg(&key);
        openssl.args(more).args(extensions.iter().flat_map(|extension| ["-addext", extension]));
        command::output("openssl req", &mut openssl)?;
        Ok(Leaf { certificate, key })
    }
}

impl Leaf {
    /// The certificate as PEM text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn certificate_pem(&self) -> Result<String, ServerError> {
        read(&self.certificate)
    }

    /// The key as PEM text (PKCS#8).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn key_pem(&self) -> Result<String, ServerError> {
        read(&self.key)
    }
}

fn alternative(name: &str) -> String {
    let kind = if name.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    format!("{kind}:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(ca: &Ca, leaf: &Leaf, as_what: &[&str]) -> Result<String, ServerError> {
        let mut verify = command::bounded("openssl");
        verify.arg("verify").args(as_what).arg("-CAfile").arg(ca.certificate()).arg(&leaf.certificate);
        command::output("openssl verify", &mut verify)
    }

    #[test]
    fn certificates_are_good_for_their_names_and_purposes_only() {
        let folder = tempfile::tempdir().unwrap();
        let ca = Ca::create(&folder.path().join("ca")).unwrap();
        let server = ca.server("server", &["localhost", "127.0.0.1"]).unwrap();
        let client = ca.client("hawser").unwrap();
        verified(&ca, &server, &["-purpose", "sslserver", "-verify_ip", "127.0.0.1"]).unwrap();
        verified(&ca, &server, &["-purpose", "sslserver", "-verify_hostname", "localhost"]).unwrap();
        verified(&ca, &client, &["-purpose", "sslclient"]).unwrap();
        verified(&ca, &server, &["-verify_hostname", "elsewhere.test"]).unwrap_err();
        verified(&ca, &client, &["-purpose", "sslserver"]).unwrap_err();
        let other = Ca::create(&folder.path().join("other")).unwrap();
        verified(&other, &server, &[]).unwrap_err();
        assert!(server.key_pem().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
        assert!(server.certificate_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
