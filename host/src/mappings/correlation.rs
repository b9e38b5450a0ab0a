//! Which account belongs to which identity: the first of a rule's ways that finds somebody decides.
//!
//! Several accounts may belong to one identity. One account with several candidates belongs to nobody until a person has
//! decided: it is disputed, and later ways are not tried, because they are the weaker ones.

use super::check::{self, Known};
use super::datum::{Datum, Reason};
use super::entities::{Entity, within};
use super::expression::{Compiled, Compiler};
use super::flaws::Flaw;
use super::index::{Found, Index};
use super::kinds::Kind;
use super::limits::MATCHES_MAX;
use super::scope::Scope;
use crate::model::{CorrelationRule, EntityMapping, MappingId, Match, PropertyKind, PropertyName, Result, TableCell};

/// A rule over accounts and identities whose properties are known.
#[derive(Debug)]
pub struct Correlation {
    ways: Vec<Way>,
}

#[derive(Debug)]
struct Way {
    account: Compiled,
    identity: MappingId,
    property: PropertyName,
    kind: PropertyKind,
}

/// Whose an account is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// That of the identity with this key, as JSON; found by which of the rule's ways, counted from 0.
    Matched {
        identity: MappingId,
        key: String,
        by: usize,
    },
    Unmatched,
    /// Several identities have what one of the ways looked for.
    Disputed {
        by: usize,
    },
    /// One of the ways could not look.
    Unknown {
        by: usize,
        reason: Reason,
    },
}

impl Correlation {
    /// Compiles a rule.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(rule: &CorrelationRule, known: &Known<'_>) -> std::result::Result<Self, Vec<Flaw>> {
        let mut compiler = Compiler::default();
        let compiled = Self::new(rule, Some(known), &mut compiler);
        let flaws = compiler.flaws.into_found();
        if flaws.is_empty() { Ok(compiled) } else { Err(flaws) }
    }

    pub(super) fn new(rule: &CorrelationRule, known: Option<&Known<'_>>, compiler: &mut Compiler) -> Self {
        if rule.rules.is_empty() || rule.rules.len() > MATCHES_MAX {
            compiler.flaws.below("rules", |flaws| flaws.note(format!("there are 1 to {MATCHES_MAX} of them")));
        }
        let accounts = within(compiler, "accounts", |compiler| check::entity(&rule.accounts, known, compiler));
        let mut ways = Vec::with_capacity(rule.rules.len());
        for (number, way) in rule.rules.iter().enumerate() {
            ways.push(within(compiler, format!("rules[{number}]"), |c| prepare(way, accounts, known, c)));
        }
        Self { ways }
    }

    /// Which identities have to be indexed by which property, for each of the ways.
    pub fn lookups(&self) -> impl Iterator<Item = (&MappingId, &PropertyName)> {
        self.ways.iter().map(|way| (&way.identity, &way.property))
    }

    /// Whose an account is. `indexes` are those of [`Correlation::lookups`].
    ///
    /// # Errors
    /// Those of the disk an index is on.
    pub fn owner(&self, account: &Entity<'_>, indexes: &[Index]) -> Result<Owner> {
        let cells: Vec<TableCell<'_>> = account.values.iter().map(Datum::cell).collect();
        for (by, (way, index)) in self.ways.iter().zip(indexes).enumerate() {
            let value = match way.account.evaluate(&cells).and_then(|value| value.cast(way.kind)) {
                Ok(Datum::Unread) => return Ok(Owner::Unknown { by, reason: super::entities::UNREAD }),
                Ok(value) if value.is_nothing() => continue,
                Ok(value) => value,
                Err(reason) => return Ok(Owner::Unknown { by, reason }),
            };
            match index.find(&value)? {
                Found::Nobody => {}
                Found::One(key) => return Ok(Owner::Matched { identity: way.identity.clone(), key, by }),
                Found::Several => return Ok(Owner::Disputed { by }),
            }
        }
        Ok(Owner::Unmatched)
    }
}

fn prepare(way: &Match, accounts: Option<&EntityMapping>, known: Option<&Known<'_>>, compiler: &mut Compiler) -> Way {
    let mut scope = accounts.map_or_else(Scope::open, |mapping| {
        let noun = format!("property of {}", mapping.id);
        let kinds = mapping.properties.iter();
        Scope::of(&noun, kinds.map(|(name, property)| (name.as_str(), Kind::of_property(property.kind))))
    });
    let (account, made) = within(compiler, "account", |compiler| compiler.expression(&way.account, &mut scope));
    let identity = within(compiler, "identity", |compiler| check::entity(&way.identity, known, compiler));
    let kind = identity.map(|identity| {
        let property = identity.properties.get(&way.property);
        if property.is_none() {
            let (what, names) = (format!("property of {}", identity.id), identity.properties.keys());
            compiler.flaws.below("property", |flaws| {
                flaws.unknown(&what, way.property.as_str(), names.map(PropertyName::as_str));
            });
        }
        let kind = property.map(|property| property.kind).unwrap_or_default();
        compiler.flaws.below("account", |flaws| flaws.require(made.fits(kind)));
        kind
    });
    Way { account, identity: way.identity.clone(), property: way.property.clone(), kind: kind.unwrap_or_default() }
}
