//! Addresses of the loopback, one for each domain controller of this machine.
//!
//! An address is kept by a lock on a file in the cache folder, since those who are not root cannot find out by
//! listening whether port 636 is free.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::super::{ServerError, make_folder};

/// LDAP over TLS.
const PORT: u16 = 636;

/// An address that is kept until this is dropped.
pub(super) struct Address {
    pub(super) ip: Ipv4Addr,
    _kept: File,
}

impl Address {
    /// One that nobody has.
    pub(super) fn free(cache: &Path) -> Result<Self, ServerError> {
        let folder = cache.join("addresses");
        make_folder(&folder)?;
        for last in 2..=254 {
            let ip = Ipv4Addr::new(127, 0, 0, last);
            let path = folder.join(ip.to_string());
            let file = File::create(&path).map_err(ServerError::io("write", &path))?;
            if file.try_lock().is_ok() && !is_taken(ip) {
                return Ok(Self { ip, _kept: file });
            }
        }
        Err(ServerError::failed("finding an address of the loopback", "all are taken"))
    }
}

fn is_taken(ip: Ipv4Addr) -> bool {
    TcpListener::bind((ip, PORT)).is_err_and(|why| why.kind() == ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_to_one_at_a_time() {
        let cache = tempfile::tempdir().unwrap();
        let (one, other) = (Address::free(cache.path()).unwrap(), Address::free(cache.path()).unwrap());
        assert!(one.ip.is_loopback() && other.ip.is_loopback());
        assert_ne!(one.ip, other.ip);
        let freed = one.ip;
        drop(one);
        assert_eq!(Address::free(cache.path()).unwrap().ip, freed);
    }
}
