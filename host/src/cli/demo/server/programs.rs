//! The programs that the servers are, and Debian's packages of them.

use std::path::{Path, PathBuf};

use super::ServerError;

/// Where packages put programs. The servers' are often not in the `PATH` of those who are not root.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What one kind of server needs on the machine.
#[derive(Clone, Copy, Debug)]
pub struct Kit {
    /// Who needs it, as the message begins.
    who: &'static str,
    /// A program's name, or a file's path, and the package it is in.
    needs: &'static [(&'static str, &'static str)],
}

/// For [`super::slapd`].
pub const LDAP: Kit = Kit {
    who: "`--target ldap`",
    needs: &[("slapd", "slapd"), ("slapadd", "slapd"), ("ldapsearch", "ldap-utils"), ("openssl", "openssl")],
};

/// For [`super::samba`].
pub const AD: Kit = Kit {
    who: "`--target ad`",
    needs: &[
        ("samba", "samba-ad-dc"),
        ("samba-tool", "samba-common-bin"),
        ("/usr/share/samba/setup", "samba-ad-provision"),
        ("winbindd", "winbind"),
        ("ldapsearch", "ldap-utils"),
        ("openssl", "openssl"),
    ],
};

/// For [`super::ds389`].
pub const DS389: Kit = Kit {
    who: "389 Directory Server",
    needs: &[
        ("ns-slapd", "389-ds-base"),
        ("dscreate", "python3-lib389"),
        ("ldapsearch", "ldap-utils"),
        ("openssl", "openssl"),
    ],
};

/// For [`super::scim2`]; who has no Python installs it with its `venv`.
pub const SCIM: Kit =
    Kit { who: "`--target scim`", needs: &[("python3", "python3-venv"), ("curl", "curl"), ("openssl", "openssl")] };

impl Kit {
    /// What somebody needs: programs' names or files' paths, each with the package it is in.
    pub const fn new(who: &'static str, needs: &'static [(&'static str, &'static str)]) -> Self {
        Self { who, needs }
    }

    /// Insists that everything is there.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn require(&self) -> Result<(), ServerError> {
        let packages = self.missing(|name| find(name).is_some());
        if packages.is_empty() {
            return Ok(());
        }
        let (who, listed) = (self.who, packages.join(", "));
        let install = packages.join(" ");
        Err(ServerError::Missing(format!(
            "{who} needs {listed}; on Debian: apt-get install --no-install-recommends {install}"
        )))
    }

    /// The packages of what is not there.
    fn missing(&self, is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let absent = self.needs.iter().filter(|(name, _)| !is_there(name));
        let mut packages: Vec<_> = absent.map(|(_, package)| *package).collect();
        packages.dedup();
        packages
    }
}

/// Where a program is.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    FOLDERS.into_iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_package_is_named_once_and_what_is_there_is_not() {
        assert_eq!(LDAP.missing(|name| name == "openssl"), ["slapd", "ldap-utils"]);
        assert_eq!(AD.missing(|name| name != "/usr/share/samba/setup"), ["samba-ad-provision"]);
        assert!(DS389.missing(|_| true).is_empty());
    }

    #[test]
    fn the_message_says_who_needs_what_and_how_to_get_it() {
        let kit = Kit { who: "`--target x`", needs: &[("no-such-program", "a"), ("/no/such/file", "b")] };
        let told = kit.require().unwrap_err().to_string();
        assert_eq!(told, "`--target x` needs a, b; on Debian: apt-get install --no-install-recommends a b");
    }
}
