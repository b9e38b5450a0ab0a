//! Probing: are the files there and in order, and what could an option's value be?

use crate::columns::Columns;
use crate::listing::Layout;
use crate::table::Table;
use crate::walk::Walk;
use crate::{Class, Csv, Options};
use hawser_sdk::{Aspect, Choice, Error, Finding, Probe, Rejected, Result};

/// How many of the rows that would be set aside are shown for each file.
const SHOWN: usize = 3;

impl Probe for Csv {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        match aspect {
            Aspect::Connect => Ok(self.each_file(Self::headers)),
            Aspect::Complete => Ok(self.each_file(Self::contents)),
            Aspect::Incremental => Ok(vec![Finding::problem(Error::unsupported(
                "a CSV file does not say what changed in it; the host compares complete passes instead",
            ))]),
            Aspect::Provision => Ok(vec![self.writable()]),
        }
    }

    fn suggest(&self, option: &str) -> Result<Vec<Choice>> {
        let file = match option {
            "accounts-file" | "groups-file" | "memberships-file" => return files(),
            "group-key" | "group-name" => self.options.place(Class::Group)?.file,
            "membership-group" | "membership-account" => self.options.memberships()?,
            "account-key" | "account-name" | "password-column" | "enabled-column" | "must-change-column"
            | "multi-valued" | "integer-columns" | "boolean-columns" => &self.options.accounts_file,
            _ => return Ok(Vec::new()),
        };
        let headers = Table::open(&self.options, file)?.headers;
        let named = headers.into_iter().filter(|header| !header.is_empty());
        Ok(named.map(|header| Choice::new(header.as_str(), header.as_str())).collect())
    }
}

#[derive(Clone, Copy)]
enum File {
    Objects(Class),
    Memberships,
}

impl Csv {
    fn each_file(&self, look: impl Fn(&Self, File) -> Result<Vec<Finding>>) -> Vec<Finding> {
        let groups = self.options.groups_file.as_ref().map(|_| File::Objects(Class::Group));
        let memberships = self.options.memberships_file.as_ref().map(|_| File::Memberships);
        let files = [Some(File::Objects(Class::Account)), groups, memberships];
        let look = |file| look(self, file).unwrap_or_else(|error| vec![Finding::problem(error)]);
        files.into_iter().flatten().flat_map(look).collect()
    }

    fn headers(&self, file: File) -> Result<Vec<Finding>> {
        let (table, _) = self.open_file(file)?;
        let encoding = table.dialect.encoding.name();
        let delimiter = char::from(table.dialect.delimiter).escape_default();
        let named = table.headers.iter().filter(|header| !header.is_empty()).count();
        let text = format!("{}: {named} columns, delimiter `{delimiter}`, {encoding}", table.file);
        Ok(vec![Finding::fine(text)])
    }

    /// Reads the whole file, as a listing would.
    fn contents(&self, file: File) -> Result<Vec<Finding>> {
        let (table, key) = self.open_file(file)?;
        let layout = match file {
            File::Objects(class) => Some(Layout::new(&Columns::new(&self.options, class, &table)?, &table, &[])?),
            File::Memberships => None,
        };
        let mut walk = Walk::new(table, key)?;
        let (mut fine, mut aside) = (0_u64, Vec::<Rejected>::new());
        let mut more = 0_u64;
        while let Some(step) = walk.step()? {
            let read = |position| match &layout {
                Some(layout) => {
                    layout.row(walk.record(), &walk.table).map(drop).map_err(|why| walk.aside(position, &why))
                }
                None => Ok(()),
            };
            match step.and_then(read) {
                Ok(()) => fine += 1,
                Err(rejected) if aside.len() < SHOWN => aside.push(rejected),
                Err(_) => more += 1,
            }
        }
        let count = more + aside.len() as u64;
        let mut findings = vec![Finding::fine(format!("{}: {fine} rows, {count} set aside", walk.table.file))];
        findings.extend(aside.into_iter().map(|rejected| Finding::problem(rejected.reason().clone())));
        Ok(findings)
    }

    /// Writes nothing: a replacement that is never committed is enough to learn whether one may be made.
    fn writable(&self) -> Finding {
        let file = &self.options.accounts_file;
        match Options::directory().replace(file, None) {
            Ok(_) => Finding::fine(format!("{file} can be written")),
            Err(error) => Finding::problem(error),
        }
    }

    /// The file, and the columns of its key.
    fn open_file(&self, file: File) -> Result<(Table, Vec<usize>)> {
        match file {
            File::Objects(class) => self.open_class(class).map(|(table, columns)| (table, vec![columns.key])),
            File::Memberships => self.open_memberships().map(|(table, columns)| (table, columns.key())),
        }
    }
}

fn files() -> Result<Vec<Choice>> {
    let files = Options::directory().list()?;
    Ok(files.into_iter().map(|file| Choice::new(file.name.as_str(), file.name.as_str())).collect())
}
