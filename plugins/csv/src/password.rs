//! Passwords: the host hashes and compares, the file stores the hash.

use crate::columns::{Columns, ENABLED};
use crate::lookup::{Found, missing};
use crate::options::Formulas;
use crate::splice::{Splice, apply};
use crate::table::Table;
use crate::{Class, Csv};
use hawser_sdk::credentials::Password;
use hawser_sdk::{Cell, Error, FailureKind, ObjectRef, Passwords, Result, log};

/// A hash that no password has: compared with when there is nobody of that name, so that the time an answer takes
/// does not tell who exists.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$aGF3c2VyLW5vYm9keS4uLg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords for Csv {
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, must_change: bool) -> Result<()> {
        let accounts = Accounts::open(self)?;
        let found = accounts.by_uid(account)?;
        accounts.store(found, new, must_change)
    }

    fn change_password(&self, account: &ObjectRef, old: &Password<'_>, new: &Password<'_>) -> Result<()> {
        let accounts = Accounts::open(self)?;
        let found = accounts.by_uid(account)?;
        if !accounts.holds(&found, old)? {
            return Err(wrong());
        }
        accounts.store(found, new, false)
    }

    fn authenticate(&self, class: &str, name: &str, password: &Password<'_>) -> Result<String> {
        if Class::parse(class)? != Class::Account {
            return Err(Error::schema_violation("only accounts can authenticate"));
        }
        let accounts = Accounts::open(self)?;
        let Some(found) = accounts.by_name(name)? else {
            password.verify(NOBODY).map_err(refused)?;
            return Err(wrong());
        };
        if !accounts.holds(&found, password)? {
            return Err(wrong());
        }
        accounts.refuse_disabled(&found)?;
        Ok(found.cell(accounts.columns.key).to_owned())
    }
}

/// The accounts file, and the column for passwords in it.
struct Accounts {
    table: Table,
    columns: Columns,
    password: usize,
}

impl Accounts {
    fn open(csv: &Csv) -> Result<Self> {
        let (table, columns) = csv.open_class(Class::Account)?;
        let password = columns.password.ok_or_else(|| {
            Error::unsupported("these accounts have no passwords; set the option `password-column` to have them")
        })?;
        Ok(Self { table, columns, password })
    }

    fn by_uid(&self, account: &ObjectRef) -> Result<Found> {
        if Class::parse(&account.class)? != Class::Account {
            return Err(missing(Class::Account, &account.uid));
        }
        Found::by_uid(&self.table, &self.columns, &account.uid)
    }

    /// The one account of that name; two of a name cannot be told apart, so neither authenticates.
    fn by_name(&self, name: &str) -> Result<Option<Found>> {
        let Some(found) = Found::first(&self.table, self.columns.name, name)? else { return Ok(None) };
        if found.again(&self.table, self.columns.name, name)? {
            log::warn("two accounts have the same name and cannot authenticate", &[("file", &self.table.file)]);
            return Ok(None);
        }
        Ok(Some(found))
    }

    fn holds(&self, found: &Found, password: &Password<'_>) -> Result<bool> {
        match found.cell(self.password) {
            "" => password.verify(NOBODY).map(|_| false),
            hash => password.verify(hash),
        }
        .map_err(refused)
    }

    fn refuse_disabled(&self, found: &Found) -> Result<()> {
        let Some(column) = self.columns.find(ENABLED) else { return Ok(()) };
        match column.cell(found.cell(column.index)) {
            Ok(Cell::Boolean(false)) => Err(Error::account_disabled("the account is disabled")),
            Ok(_) => Ok(()),
            Err(why) => {
                Err(Error::account_disabled(format!("nobody can tell whether the account is enabled: it {why}")))
            }
        }
    }

    fn store(&self, mut found: Found, new: &Password<'_>, must_change: bool) -> Result<()> {
        match self.columns.must_change.and_then(|at| self.columns.columns.iter().find(|column| column.index == at)) {
            Some(column) => {
                let like = found.cell(column.index).to_owned();
                found.set(column.index, column.text(&[must_change.into()], &like, Formulas::Refuse)?);
            }
            None if must_change => {
                return Err(Error::unsupported(
                    "nothing says that a password must be changed; set the option `must-change-column` to a column for it",
                ));
            }
            None => {}
        }
        found.set(self.password, new.hash()?);
        apply(&self.table, &[Splice::replace(&self.table, found.position, &found.cells)?])
    }
}

/// The same for an unknown name, a wrong password and an account without one.
fn wrong() -> Error {
    Error::invalid_credential("the name or the password is wrong")
}

/// An empty password, or a stored text that is no hash, is as wrong as any other; what the host refuses for reasons
/// of its own (its limit of attempts) stays what it is.
fn refused(error: Error) -> Error {
    match error.kind() {
        FailureKind::InvalidPassword | FailureKind::InvalidAttributeValue => wrong(),
        _ => error,
    }
}
