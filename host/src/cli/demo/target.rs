//! What the demo manages: files, or a directory or a service on a real server. One tour is told of all of them; here is
//! what a target tells the steps, so that no step asks which one it is.

use clap::ValueEnum;
use serde_json::{Map, Value as Json};

use super::super::fault::Fault;
use super::directory::{self, Directory};
use super::files;
use super::people::{Company, Person};
use super::server::samba::SambaDc;
use super::server::scim2::Scim2;
use super::server::{ServerError, programs};
use super::service::{self, Service};

/// Where a cloud tells its machines' secrets to whoever asks from inside.
pub(super) const METADATA: &str = "169.254.169.254";
/// [`Terms::outside`] of a connection to there.
pub(super) const REACHES_METADATA: [&str; 2] =
    ["A connection that reaches for a cloud's metadata service", "egress.metadata"];

/// What is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// CSV files in a folder
    Csv,
    /// An OpenLDAP server, started for the demo
    Ldap,
    /// A domain of Active Directory: a Samba domain controller, started for the demo
    Ad,
    /// A SCIM 2.0 service: scim2-server of PyPI, started for the demo
    Scim,
    /// The guide's worked example: people in CSV files, their accounts in OpenLDAP, mapped
    Mapping,
}

/// What is said and asked for in another way from target to target.
#[derive(Debug)]
pub(super) struct Terms {
    /// The connector's name, without its publisher, and its folder in `plugins/`.
    pub(super) connector: &'static str,
    /// What people and groups are in, as the title says it.
    pub(super) place: &'static str,
    /// The attributes of an account that hold these.
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) department: &'static str,
    /// What holds the passwords, or what was made of them.
    pub(super) hidden: &'static str,
    /// How the permission begins without which nothing is reached.
    pub(super) asked: &'static str,
    /// The permission of a range of addresses, where the target is at some.
    pub(super) range: Option<&'static str>,
    /// Objects that are neither people nor groups.
    pub(super) others: u64,
    /// Where a password that was set went.
    pub(super) placed: &'static str,
    /// Whether one can ask if a password is right.
    pub(super) checks_passwords: bool,
    /// Groups of the story that are other objects when their members are others.
    pub(super) touched: u64,
    /// Memberships that stay when their account goes; they are others then, since they point at nobody's account.
    pub(super) left_behind: u64,
    /// The title of the import that is held, and what happened.
    pub(super) vanished: [&'static str; 2],
    /// The title of the connection that reaches for what it should not, and a word of the reason why it does not.
    pub(super) outside: [&'static str; 2],
}

/// Something to manage, seen from outside of the host.
pub(super) trait Target: Send + Sync {
    fn terms(&self) -> &'static Terms;

    /// The body of a connection to it, but for what all connections have.
    fn connection(&self) -> Map<String, Json>;

    /// The same, of one that reaches for what nobody permitted.
    fn outside(&self) -> Map<String, Json>;

    /// The connection, with another server behind the same secret; none where nobody logs in.
    fn elsewhere(&self) -> Option<Elsewhere> {
        None
    }

    /// What the sandbox will reach.
    fn reach(&self) -> String;

    /// The name of somebody's account.
    fn account(&self, person: &Person) -> String;

    /// The name of the group of that number.
    fn group(&self, index: u64) -> String;

    /// Attributes of the account of somebody who joins.
    fn joiner(&self, joiner: &Joiner) -> Json;

    /// Lets everybody disappear, as mistakes do; blocks.
    fn vanish(&self) -> Result<(), Fault>;

    /// Brings everybody back; blocks.
    fn restore(&self) -> Result<(), Fault>;

    /// What it is, and how to look at everybody in it with a tool that is not ours; none where any editor will do.
    fn looking(&self) -> Option<String> {
        None
    }

    /// Itself, if it is a directory.
    fn directory(&self) -> Option<&Directory> {
        None
    }

    /// Itself, if it is a SCIM service.
    fn service(&self) -> Option<&Service> {
        None
    }
}

/// A connection that sends the secret of another one to somewhere else.
pub(super) struct Elsewhere {
    pub(super) connection: Map<String, Json>,
    /// The secured option it would be good for.
    pub(super) secret: &'static str,
}

impl Elsewhere {
    /// A connection, but for what nobody entered again.
    pub(super) fn of(mut connection: Map<String, Json>, secret: &'static str) -> Self {
        connection.remove("securedOptions");
        Self { connection, secret }
    }
}

/// Somebody who joins.
pub(super) struct Joiner {
    /// The key, where keys are given and not made.
    pub(super) id: &'static str,
    pub(super) login: &'static str,
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) department: &'static str,
    pub(super) title: &'static str,
    /// The first password, where an account begins with one.
    pub(super) password: &'static str,
}

impl Joiner {
    pub(super) fn mail(&self) -> String {
        format!("{}@example.com", self.login)
    }
}

impl Kind {
    /// As it is written on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ldap => "ldap",
            Self::Ad => "ad",
            Self::Scim => "scim",
            Self::Mapping => "mapping",
        }
    }

    /// What else the company is in.
    pub(super) fn other(self) -> Option<Self> {
        (self == Self::Mapping).then_some(Self::Ldap)
    }

    pub(super) fn terms(self) -> &'static Terms {
        match self {
            Self::Csv | Self::Mapping => &files::TERMS,
            Self::Ldap => &directory::OPENLDAP.terms,
            Self::Ad => &directory::ACTIVE_DIRECTORY.terms,
            Self::Scim => &service::TERMS,
        }
    }

    /// Insists on what the target needs of this machine.
    pub(super) fn require(self) -> Result<(), ServerError> {
        match self {
            Self::Csv => Ok(()),
            Self::Ldap | Self::Mapping => programs::LDAP.require(),
            Self::Ad => SambaDc::require(),
            Self::Scim => Scim2::require(),
        }
    }

    /// The company, with so many people as were asked for.
    ///
    /// # Errors
    /// Too few for the story, or more than loading takes minutes for.
    pub(super) fn company(self, asked: Option<u64>) -> Result<Company, Fault> {
        let (usual, range) = match self {
            Self::Csv => (10_000, 200..=1_000_000),
            // With fewer, somebody who leaves is the only member of a group, and such a group wants one.
            Self::Ldap => (2_000, 300..=100_000),
            Self::Mapping => (1_000, 300..=100_000),
            Self::Ad => (200, 200..=3_000),
            Self::Scim => (1_000, 200..=10_000),
        };
        let people = asked.unwrap_or(usual);
        if range.contains(&people) {
            return Ok(Company { people });
        }
        let (name, fewest, most) = (self.name(), range.start(), range.end());
        Err(Fault::usage(format!("--rows {people}: with --target {name} there are {fewest} to {most} people")))
    }
}

impl From<ServerError> for Fault {
    fn from(error: ServerError) -> Self {
        Self::failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_that_is_too_small_or_too_large_for_its_target_is_refused() {
        for (kind, rows) in [(Kind::Csv, 199), (Kind::Ldap, 299), (Kind::Ad, 3_001), (Kind::Scim, 10_001)] {
            let refused = kind.company(Some(rows)).unwrap_err();
            assert!(refused.message.contains(&rows.to_string()), "{refused}");
        }
        assert_eq!(Kind::Csv.company(None).unwrap().people, 10_000);
        assert_eq!(Kind::Ad.company(Some(3_000)).unwrap().people, 3_000);
    }
}
