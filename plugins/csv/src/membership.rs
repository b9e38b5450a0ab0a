//! Memberships: one row each in a file of their own, granted and revoked one by one.

use crate::columns::Texts;
use crate::lookup::Found;
use crate::splice::{Splice, apply};
use crate::table::Table;
use crate::walk::Walk;
use crate::{Class, Csv};
use hawser_sdk::{
    Assignment, Assignments, Entitlements, Error, GrantOutcome, Granted, ObjectRef, Result, RevokeOutcome,
};
use std::borrow::Cow;

impl Entitlements for Csv {
    fn grant(&self, principal: &ObjectRef, what: &Assignment) -> Result<Granted> {
        let pair = self.pair(principal, what)?;
        let (table, columns) = self.open_memberships()?;
        if !columns.rows(&table, Some(&pair.group), Some(&pair.account))?.is_empty() {
            return Ok(GrantOutcome::AlreadyGranted.into());
        }
        let mut row = Found::empty(&table);
        row.set(columns.group, pair.group);
        row.set(columns.account, pair.account);
        apply(&table, &[Splice::append(&table, &row.cells)?])?;
        Ok(GrantOutcome::Granted.into())
    }

    fn revoke(&self, principal: &ObjectRef, what: &Assignment) -> Result<RevokeOutcome> {
        let pair = self.pair(principal, what)?;
        let (table, columns) = self.open_memberships()?;
        let rows = columns.rows(&table, Some(&pair.group), Some(&pair.account))?;
        if rows.is_empty() {
            return Ok(RevokeOutcome::AlreadyRevoked);
        }
        apply(&table, &rows)?;
        Ok(RevokeOutcome::Revoked)
    }

    fn list_granted(&self, principal: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        self.account(principal)?;
        let (table, columns) = self.open_memberships()?;
        let mut walk = match after {
            Some(after) => Walk::resume(table, columns.key(), after)?,
            None => Walk::new(table, columns.key())?,
        };
        let mut assignments = Vec::new();
        while let Some(step) = walk.step()? {
            let Ok(_) = step else { continue };
            let Ok((group, account)) = columns.read(&walk) else { continue };
            if account == principal.uid {
                assignments.push(Assignment::direct(ObjectRef::new(Class::GROUP, group)));
            }
            if assignments.len() as u64 >= u64::from(max.max(1)) {
                return Ok(Assignments { assignments, next: Some(walk.checkpoint()) });
            }
        }
        Ok(Assignments { assignments, next: None })
    }
}

/// The two columns that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MembershipColumns {
    pub(crate) group: usize,
    pub(crate) account: usize,
}

impl MembershipColumns {
    /// Both together are the key of a membership.
    pub(crate) fn key(self) -> Vec<usize> {
        vec![self.group, self.account]
    }

    fn read(self, walk: &Walk) -> Result<(String, String), String> {
        let texts = Texts::new(walk.record(), &walk.table)?;
        Ok((texts.get(self.group)?.into_owned(), texts.get(self.account)?.into_owned()))
    }

    /// The removal of every row of this group and this account; `None` is any.
    fn rows(self, table: &Table, group: Option<&str>, account: Option<&str>) -> Result<Vec<Splice>> {
        let (group, account) = (Wanted::new(table, group), Wanted::new(table, account));
        let mut rows = Vec::new();
        let mut scanner = table.scan()?;
        while let Some(position) = scanner.next()? {
            let record = scanner.record();
            let whole = record.len() == table.headers.len();
            if whole && group.is(record.get(self.group)) && account.is(record.get(self.account)) {
                rows.push(Splice::remove(position));
            }
        }
        Ok(rows)
    }
}

/// What a cell is compared with.
enum Wanted<'a> {
    Any,
    Bytes(Cow<'a, [u8]>),
    /// The file's encoding lacks a character of it, so no cell holds it.
    Nothing,
}

impl<'a> Wanted<'a> {
    fn new(table: &Table, text: Option<&'a str>) -> Self {
        text.map_or(Self::Any, |text| table.dialect.encoding.encode(text).map_or(Self::Nothing, Self::Bytes))
    }

    fn is(&self, cell: Option<&[u8]>) -> bool {
        match self {
            Self::Any => true,
            Self::Bytes(bytes) => cell == Some(bytes),
            Self::Nothing => false,
        }
    }
}

/// A group and an account that both exist.
struct Pair {
    group: String,
    account: String,
}

impl Csv {
    pub(crate) fn open_memberships(&self) -> Result<(Table, MembershipColumns)> {
        let table = Table::open(&self.options, self.options.memberships()?)?;
        let group = table.column(&self.options.membership_group)?;
        let account = table.column(&self.options.membership_account)?;
        Ok((table, MembershipColumns { group, account }))
    }

    /// Removes the memberships of an object that goes; false if it had none.
    pub(crate) fn remove_memberships(&self, class: Class, uid: &str) -> Result<bool> {
        if self.options.memberships_file.is_none() {
            return Ok(false);
        }
        let (table, columns) = self.open_memberships()?;
        let rows = match class {
            Class::Account => columns.rows(&table, None, Some(uid))?,
            Class::Group => columns.rows(&table, Some(uid), None)?,
        };
        if rows.is_empty() {
            return Ok(false);
        }
        apply(&table, &rows)?;
        Ok(true)
    }

    fn pair(&self, principal: &ObjectRef, what: &Assignment) -> Result<Pair> {
        if !what.parameters.is_empty() || what.not_before.is_some() || what.not_after.is_some() {
            return Err(Error::unsupported("memberships of a CSV file have no parameters and no period"));
        }
        self.options.memberships()?;
        let account = self.account(principal)?;
        if Class::parse(&what.entitlement.class)? != Class::Group {
            return Err(Error::schema_violation("only groups can be granted"));
        }
        let (table, columns) = self.open_class(Class::Group)?;
        Found::by_uid(&table, &columns, &what.entitlement.uid)?;
        Ok(Pair { group: what.entitlement.uid.clone(), account })
    }

    fn account(&self, principal: &ObjectRef) -> Result<String> {
        if Class::parse(&principal.class)? != Class::Account {
            return Err(Error::schema_violation("only accounts can be granted something"));
        }
        let (table, columns) = self.open_class(Class::Account)?;
        Found::by_uid(&table, &columns, &principal.uid)?;
        Ok(principal.uid.clone())
    }
}
